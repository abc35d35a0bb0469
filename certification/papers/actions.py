"""Ask for forms, keep what was found, put them into use and out of it."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from certification.exams.models import Exam
from certification.exams.queries import items_of
from certification.exams.rules import terms_of
from certification.papers.assembly import Assembled, CannotAssemble, Known, assemble
from certification.papers.models import PaperForm
from certification.papers.queries import asked_together, in_other_forms, last_number
from certification.papers.rules import FORM_MOVES, Blueprint, FormStatus, Item
from certification.statistics.queries import exam_responses
from certification.statistics.report import report_of
from portal.history.actions import record
from portal.programme.queries import programme_at
from portal.refusal import Refused, checked_move, mark


def ask_for_forms(
    session: Session, exam: Exam, forms: int, seconds: int, *, by: int, now: datetime
) -> list[PaperForm]:
    """Rows that wait for their questions; a job fills them, and a sweep finds them again."""
    first = last_number(session, exam.id or 0) + 1
    rows = [
        PaperForm(
            exam_id=exam.id or 0,
            number=first + n,
            information={"limit": seconds},
            status=FormStatus.WANTED,
            made_at=now,
            made_by=by,
        )
        for n in range(forms)
    ]
    session.add_all(rows)
    session.flush()
    record(
        session,
        "forms asked for",
        "exam",
        exam.id,
        by=by,
        now=now,
        after={"exam": exam.code, "forms": [row.number for row in rows]},
    )
    return rows


@dataclass(frozen=True)
class Task:
    """What the solver works on, outside of any transaction."""

    items: list[Item]
    known: dict[int, Known]
    blueprint: Blueprint
    forms: int
    seconds: float

    def solve(self) -> Assembled:
        return assemble(self.items, self.known, self.blueprint, self.forms, seconds=self.seconds)


def task_for(session: Session, form_id: int, *, now: datetime) -> Task | None:
    """Of the lot this form was asked for with; None when it is made already. Reads only."""
    found = asked_together(session, form_id)
    if found is None:
        return None
    exam, rows = found
    terms = terms_of(
        programme_at(session, now), exam.certificate, exam.blueprint, exam.minutes, exam.pass_marks, exam.part
    )
    taken = in_other_forms(session, exam.id or 0)
    items = [item for item in items_of(session, exam.bank_id) if item.id not in taken]
    load = exam_responses(session, exam.code)
    lines = report_of(load.responses).items if load else ()
    known = {
        line.column.question.id: Known(line.model.a, line.model.d)
        if line.model
        else Known(p=line.figures.p if line.judged else None)
        for line in lines
        if not line.column.pilot
    }
    return Task(items, known, terms.blueprint, len(rows), float(rows[0].information["limit"]))


def keep_forms(session: Session, form_id: int, made: Assembled | CannotAssemble, *, now: datetime) -> None:
    """Into the rows that wait; nothing when another worker was first."""
    found = asked_together(session, form_id, lock=True)
    if found is None:
        return
    exam, rows = found
    for n, row in enumerate(rows):
        if isinstance(made, CannotAssemble):
            row.status = FormStatus(checked_move(FORM_MOVES, row.status, "fail"))  # type: ignore[arg-type]
            row.information = {"reason": made.reason}
        else:
            row.status = FormStatus(checked_move(FORM_MOVES, row.status, "made"))  # type: ignore[arg-type]
            row.question_ids, row.information = list(made.forms[n]), made.as_json(n)
        session.add(row)
    session.flush()
    failed = isinstance(made, CannotAssemble)
    record(
        session,
        mark("forms could not be made") if failed else mark("forms made"),
        "exam",
        exam.id,
        by=None,
        now=now,
        after={"exam": exam.code, "forms": [row.number for row in rows]},
    )


def use_form(session: Session, form: PaperForm, gone: bool, *, by: int, now: datetime) -> None:
    """The form is locked; `gone`: one of its questions is asked no more."""
    if gone:
        raise Refused(mark("A question of this form has been retired. Retire the form and make new ones."))
    _move(session, form, "use", mark("form put into use"), by=by, now=now)


def retire_form(session: Session, form: PaperForm, *, by: int, now: datetime) -> None:
    """Given out no more; sittings on it stay as they are. The form is locked."""
    _move(session, form, "retire", mark("form retired"), by=by, now=now)


def _move(session: Session, form: PaperForm, move: str, verb: str, *, by: int, now: datetime) -> None:
    before = form.status
    form.status = FormStatus(checked_move(FORM_MOVES, form.status, move))  # type: ignore[arg-type]
    session.add(form)
    session.flush()
    record(
        session,
        verb,
        "exam",
        form.exam_id,
        by=by,
        now=now,
        before={"form": form.number, "status": before},
        after={"form": form.number, "status": form.status},
    )


def give_forms(session: Session, exam: Exam, uses: bool, *, by: int, now: datetime) -> None:
    """Whether sittings that start from now on get a form instead of a paper of their own."""
    if exam.uses_forms == uses:
        return
    exam.uses_forms = uses
    session.add(exam)
    session.flush()
    record(
        session,
        "exam saved",
        "exam",
        exam.id,
        by=by,
        now=now,
        before={"uses_forms": not uses},
        after={"uses_forms": uses},
    )
