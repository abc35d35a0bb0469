"""Forms of exams, and who has sat which."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from certification.banks.models import Question
from certification.banks.rules import QuestionStatus
from certification.exams.models import Exam, Sitting
from certification.papers.models import PaperForm
from certification.papers.rules import FormStatus


@dataclass(frozen=True)
class FormRow:
    """A form with what staff should know of it."""

    form: PaperForm
    sittings: int
    gone: list[str]  # codes of its questions that are asked no more

    @property
    def given_out(self) -> bool:
        return self.form.status is FormStatus.IN_USE and not self.gone


def forms_of(session: Session, exam_id: int) -> list[FormRow]:
    """All of an exam, newest first; three queries."""
    forms = list(
        session.exec(
            select(PaperForm).where(PaperForm.exam_id == exam_id).order_by(col(PaperForm.number).desc())
        )
    )
    counts = Counter(form for form, _ in _sat(session, [exam_id]))
    gone = _not_asked(session, {q for form in forms for q in form.question_ids})
    return [
        FormRow(f, counts[f.id or 0], sorted(gone[q] for q in f.question_ids if q in gone)) for f in forms
    ]


def _not_asked(session: Session, ids: set[int]) -> dict[int, str]:
    """Those of the questions that are no longer in use, with their codes."""
    if not ids:
        return {}
    rows = session.exec(
        select(Question.id, Question.code).where(
            col(Question.id).in_(sorted(ids)), Question.status != QuestionStatus.IN_USE
        )
    )
    return {i or 0: code for i, code in rows}


def _sat(session: Session, exams: Iterable[int]) -> list[tuple[int, int]]:
    """(form, person) of every sitting of the exams on a form, voided ones too: they have seen it."""
    form = col(Sitting.drawn)["form"].as_integer()
    rows = session.exec(
        select(form, Sitting.person_id).where(col(Sitting.exam_id).in_(list(exams)), form.is_not(None))
    )
    return [(int(f), p) for f, p in rows]


def forms_left(session: Session, exams: Mapping[int, int], person_id: int) -> dict[int, dict[int, int]]:
    """Exam → its forms in use, whole and of that many questions, that this person has not sat → their sittings.

    `exams`: exam → questions of a paper. Three queries, none without exams.
    """
    if not exams:
        return {}
    forms = [
        form
        for form in session.exec(
            select(PaperForm).where(
                col(PaperForm.exam_id).in_(list(exams)), PaperForm.status == FormStatus.IN_USE
            )
        )
        if len(form.question_ids) == exams[form.exam_id]
    ]
    gone = _not_asked(session, {q for form in forms for q in form.question_ids})
    sat = _sat(session, exams)
    own, counts = {form for form, person in sat if person == person_id}, Counter(form for form, _ in sat)
    left: dict[int, dict[int, int]] = {exam: {} for exam in exams}
    for form in forms:
        if form.id not in own and not any(q in gone for q in form.question_ids):
            left[form.exam_id][form.id or 0] = counts[form.id or 0]
    return left


def questions_of_form(session: Session, form_id: int) -> list[int]:
    return list(session.exec(select(PaperForm.question_ids).where(PaperForm.id == form_id)).one())


def form_to_move(session: Session, exam_id: int, form_id: int) -> PaperForm | None:
    """Locked; None when it is another exam's."""
    return session.exec(
        select(PaperForm).where(PaperForm.id == form_id, PaperForm.exam_id == exam_id).with_for_update()
    ).first()


def last_number(session: Session, exam_id: int) -> int:
    return session.exec(select(func.max(PaperForm.number)).where(PaperForm.exam_id == exam_id)).one() or 0


def asked_together(
    session: Session, form_id: int, *, lock: bool = False
) -> tuple[Exam, list[PaperForm]] | None:
    """The forms still wanted that were asked for with this one, and their exam."""
    one = session.get(PaperForm, form_id)
    if one is None:
        return None
    query = (
        select(PaperForm)
        .where(
            PaperForm.exam_id == one.exam_id,
            PaperForm.made_at == one.made_at,
            PaperForm.status == FormStatus.WANTED,
        )
        .order_by(col(PaperForm.number))
    )
    rows = list(session.exec(query.with_for_update() if lock else query))
    return (session.get_one(Exam, one.exam_id), rows) if rows else None


def in_other_forms(session: Session, exam_id: int) -> frozenset[int]:
    """Questions of forms in use or in draft: a new form leaves them alone."""
    rows = session.exec(
        select(PaperForm.question_ids).where(
            PaperForm.exam_id == exam_id,
            col(PaperForm.status).in_([FormStatus.DRAFT, FormStatus.IN_USE]),
        )
    )
    return frozenset(q for ids in rows for q in ids)


def forms_wanted(session: Session, before: datetime) -> Sequence[int]:
    """One of each lot that was asked for before that time and is not made."""
    rows = session.exec(
        select(func.min(PaperForm.id))
        .where(PaperForm.status == FormStatus.WANTED, PaperForm.made_at < before)
        .group_by(col(PaperForm.exam_id), col(PaperForm.made_at))
    )
    return [i for i in rows if i is not None]
