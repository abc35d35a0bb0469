"""Exams, papers, sittings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, or_, select

from certification.banks.models import Bank, Picture, Question
from certification.banks.rules import CANARY, QuestionStatus
from certification.exams.models import Accommodation, Answer, AnswerFile, Exam, Sitting
from certification.exams.rules import (
    Attempt,
    Part,
    SittingStatus,
    Terms,
    Why,
    on_scale,
    opens_again,
    terms_of,
    why_not_start,
)
from certification.papers.queries import forms_left
from certification.papers.rules import Item, in_ranges
from portal.accounts.models import Person
from portal.files.models import StoredFile
from portal.ledger.queries import certificates_held
from portal.organisations.models import Employment, Organisation
from portal.programme.rules import Programme
from portal.rights.rules import Holder
from training.tracks.queries import finished_modules


@dataclass(frozen=True)
class SittingRow:
    """A sitting in a list."""

    token: str
    exam_id: int
    status: str
    started_at: datetime
    ends_at: datetime
    handed_in_at: datetime | None
    score: int | None
    passed: bool | None
    pass_marks: int


@dataclass(frozen=True)
class ExamRow:
    """An exam with the number of questions its bank has in use."""

    exam: Exam
    questions: int


def bank_with(session: Session, code: str) -> Bank | None:
    return session.exec(select(Bank).where(Bank.code == code)).first()


def questions_of_bank(session: Session, bank_id: int) -> list[Question]:
    """Those retired too."""
    return list(session.exec(select(Question).where(Question.bank_id == bank_id)))


def exam_by_code(session: Session, code: str) -> Exam | None:
    return session.exec(select(Exam).where(Exam.code == code)).first()


def exams_offered(session: Session) -> list[ExamRow]:
    """All exams, those for a certificate first; one query."""
    counts = (
        select(Question.bank_id, func.count().label("n"))
        .where(Question.status == QuestionStatus.IN_USE)
        .group_by(col(Question.bank_id))
        .subquery()
    )
    rows = session.exec(
        select(Exam, counts.c.n)
        .join(counts, counts.c.bank_id == Exam.bank_id, isouter=True)
        .order_by(col(Exam.certificate).is_(None), Exam.code)
    )
    return [ExamRow(exam, n or 0) for exam, n in rows]


def items_of(session: Session, bank_id: int, among: str | None = None) -> list[Item]:
    """What the draw may choose from now; `among` (ranges of ids) gives what an earlier draw had."""
    columns: tuple[Any, ...] = (
        Question.id,
        Question.code,
        Question.topic,
        Question.group,
        Question.options,
        Question.level,
        Question.kind,
        Question.points,
        Question.status,
        Question.enemies,
        Question.tags,
    )
    query = select(*columns).where(Question.bank_id == bank_id)
    if among is None:
        query = query.where(col(Question.status).in_([QuestionStatus.IN_USE, QuestionStatus.PILOT]))
    rows = [row for row in session.exec(query) if among is None or row[0] in in_ranges(among)]
    ids = {row[1]: row[0] for row in rows}
    enemies: dict[int, set[int]] = {row[0]: set() for row in rows}
    for i, *_, named, _ in rows:
        for other in (ids[code] for code in named if code in ids and ids[code] != i):
            enemies[i].add(other)
            enemies[other].add(i)  # whichever of the two names the other
    return [
        Item(
            i,
            topic,
            group,
            len(options),
            tuple(n for n, o in enumerate(options, 1) if o.get("fixed")),
            level,
            kind,
            points,
            status is QuestionStatus.PILOT or CANARY in tags,
            frozenset(enemies[i]),
        )
        for i, _, topic, group, options, level, kind, points, status, _, tags in rows
    ]


def seen_by(session: Session, person_id: int, exam_id: int) -> frozenset[int]:
    """The questions that stood in this person's earlier papers of the exam, voided ones too."""
    papers = session.exec(
        select(Sitting.paper).where(Sitting.person_id == person_id, Sitting.exam_id == exam_id)
    )
    return frozenset(place["question"] for paper in papers for place in paper)


def papers_of(session: Session, exam_id: int, last: int) -> list[list[int]]:
    """The questions of its latest papers."""
    rows = session.exec(
        select(Sitting.paper).where(Sitting.exam_id == exam_id).order_by(col(Sitting.id).desc()).limit(last)
    )
    return [[place["question"] for place in paper] for paper in rows]


def picture_with(session: Session, sha256: str) -> Picture | None:
    return session.exec(select(Picture).where(Picture.sha256 == sha256)).first()


def pictures_of(session: Session, questions: Iterable[Question]) -> dict[int, str]:
    """Picture → its hash, which is its address."""
    ids = {i for q in questions for i in q.pictures.values()}
    return (
        {
            i or 0: sha
            for i, sha in session.exec(select(Picture.id, Picture.sha256).where(col(Picture.id).in_(ids)))
        }
        if ids
        else {}
    )


def accommodation_of(session: Session, person_id: int, now: datetime) -> float:
    """How many times the minutes this person has; 1 without one."""
    factor = session.exec(
        select(func.max(Accommodation.factor)).where(
            Accommodation.person_id == person_id, Accommodation.given_at <= now, Accommodation.until > now
        )
    ).one()
    return factor or 1.0


def accommodations(session: Session, now: datetime) -> list[tuple[Accommodation, str, str]]:
    """Those that hold, with whose and who gave them; newest first."""
    giver = aliased(Person)
    return [
        (row, name, by)
        for row, name, by in session.exec(
            select(Accommodation, Person.name, giver.name)
            .join(Person, col(Accommodation.person_id) == col(Person.id))
            .join(giver, col(Accommodation.given_by) == col(giver.id))
            .where(Accommodation.until > now)
            .order_by(col(Accommodation.id).desc())
        )
    ]


def files_of(session: Session, sitting_id: int) -> dict[int, list[StoredFile]]:
    """Question → the files handed in with its answer."""
    found: dict[int, list[StoredFile]] = {}
    for question, file in session.exec(
        select(Answer.question_id, StoredFile)
        .join(AnswerFile, col(AnswerFile.answer_id) == col(Answer.id))
        .join(StoredFile, col(AnswerFile.file_id) == col(StoredFile.id))
        .where(Answer.sitting_id == sitting_id)
        .order_by(col(AnswerFile.id))
    ):
        found.setdefault(question, []).append(file)
    return found


def file_links(
    session: Session, sitting_id: int, question_id: int, file_id: int
) -> list[tuple[AnswerFile, StoredFile]]:
    """The file with its link to this answer; empty when it is another's."""
    return list(
        session.exec(
            select(AnswerFile, StoredFile)
            .join(Answer, col(AnswerFile.answer_id) == col(Answer.id))
            .join(StoredFile, col(AnswerFile.file_id) == col(StoredFile.id))
            .where(
                Answer.sitting_id == sitting_id,
                Answer.question_id == question_id,
                StoredFile.id == file_id,
            )
        )
    )


def passed_part(session: Session, person_id: int, certificate: str, part: Part, since: datetime) -> bool:
    """Whether this person passed that part since then, in a sitting that still counts."""
    return (
        session.exec(
            select(Sitting.id)
            .join(Exam, col(Sitting.exam_id) == col(Exam.id))
            .where(
                Sitting.person_id == person_id,
                Exam.certificate == certificate,
                Exam.part == part,
                Sitting.status == SittingStatus.MARKED,
                col(Sitting.passed).is_(True),
                col(Sitting.handed_in_at) >= since,
            )
            .limit(1)
        ).first()
        is not None
    )


def questions_with(session: Session, ids: Sequence[int]) -> dict[int, Question]:
    return {q.id or 0: q for q in session.exec(select(Question).where(col(Question.id).in_(ids)))}


def sittings_of(session: Session, person_id: int) -> list[SittingRow]:
    """Newest first."""
    rows = session.exec(
        select(
            Sitting.token,
            Sitting.exam_id,
            Sitting.status,
            Sitting.started_at,
            Sitting.ends_at,
            Sitting.handed_in_at,  # type: ignore[call-overload]
            Sitting.score,
            Sitting.passed,
            Sitting.pass_marks,
        )
        .where(Sitting.person_id == person_id)
        .order_by(col(Sitting.id).desc())
    )
    return [SittingRow(*row) for row in rows]


def open_sitting(session: Session, person_id: int, part: Part = Part.WRITTEN) -> tuple[Sitting, Exam] | None:
    return session.exec(
        select(Sitting, Exam)
        .join(Exam, col(Sitting.exam_id) == col(Exam.id))
        .where(Sitting.person_id == person_id, Sitting.status == SittingStatus.OPEN, Sitting.part == part)
    ).first()


def sitting_at(session: Session, token: str, person_id: int, *, lock: bool = False) -> Sitting | None:
    """None when it is not there or another person's."""
    query = select(Sitting).where(Sitting.token == token, Sitting.person_id == person_id)
    return session.exec(query.with_for_update() if lock else query).first()


def sitting_with_token(session: Session, token: str) -> Sitting | None:
    """Anybody's: for those who hold the database."""
    return session.exec(select(Sitting).where(Sitting.token == token)).first()


def sitting_under_lock(session: Session, sitting_id: int) -> Sitting | None:
    return session.exec(select(Sitting).where(Sitting.id == sitting_id).with_for_update()).first()


def answers_of(session: Session, sitting_id: int) -> dict[int, Answer]:
    """Question → answer."""
    return {a.question_id: a for a in session.exec(select(Answer).where(Answer.sitting_id == sitting_id))}


def answer_to(session: Session, sitting_id: int, question_id: int) -> Answer | None:
    return session.exec(
        select(Answer).where(Answer.sitting_id == sitting_id, Answer.question_id == question_id)
    ).first()


def sittings_run_out(session: Session, before: datetime) -> list[int]:
    """Open sittings whose end lies before that time."""
    return [
        i
        for i in session.exec(
            select(Sitting.id).where(Sitting.status == SittingStatus.OPEN, Sitting.ends_at < before)
        )
        if i is not None
    ]


@dataclass(frozen=True)
class ExamStanding:
    """How a person stands with an exam: its terms, what is missing, what happened."""

    exam: Exam
    terms: Terms
    whys: list[Why]
    attempts: list[SittingRow]  # newest first
    open_token: str | None
    held_until: datetime | None  # of the certificate, while it holds
    held: bool

    @property
    def again(self) -> datetime | None:
        return opens_again(self.whys)

    @property
    def later(self) -> bool:
        """Another certificate, or its other part, comes first."""
        return not (self.held or self.attempts or self.open_token) and any(w.first for w in self.whys)


def exam_standings(
    session: Session, person_id: int, *, holder: Holder | None, programme: Programme, now: datetime
) -> list[ExamStanding]:
    """Every exam with all that decides whether this person may start it; the number of queries is fixed."""
    sittings, finished = sittings_of(session, person_id), finished_modules(session, person_id)
    held = certificates_held(session, person_id, now)
    opens = timedelta(days=-programme["lifecycle"]["renewal_window_d"][0])
    standings = []
    codes = [c["code"] for c in programme["personal_certificates"]]
    offered = sorted(
        exams_offered(session),
        key=lambda row: codes.index(row.exam.certificate) if row.exam.certificate in codes else len(codes),
    )
    since = now - timedelta(days=programme["exams"]["personal_validity_d"])
    passed = {
        s.exam_id
        for s in sittings
        if s.passed and (s.handed_in_at or s.started_at) >= since and s.status == SittingStatus.MARKED
    }
    written = {r.exam.certificate for r in offered if r.exam.part is Part.WRITTEN and r.exam.id in passed}
    all_terms = {
        row.exam.id: terms_of(
            programme,
            row.exam.certificate,
            row.exam.blueprint,
            row.exam.minutes,
            row.exam.pass_marks,
            row.exam.part,
            row.exam.cut_share,
        )
        for row in offered
    }
    fixed = {row.exam.id or 0: all_terms[row.exam.id].questions for row in offered if row.exam.uses_forms}
    left = forms_left(session, fixed, person_id)
    for row in offered:
        exam, code = row.exam, row.exam.certificate
        own = [s for s in sittings if s.exam_id == exam.id]
        certificate = programme.certificate(code) if code else {"tracks": [], "needs": []}
        lessons = [
            f"{track}/{n}"
            for track in certificate["tracks"]
            for n in range(1, len(programme.track(track)["modules"]) + 1)
        ]
        terms = all_terms[exam.id]
        whys = why_not_start(
            terms=terms,
            certificate=code,
            programme=programme,
            holder=holder,
            unfinished=len(set(lessons) - finished),
            lessons=len(lessons),
            needs={need: need in held for need in certificate.get("needs", [])},
            held=held,
            bank=row.questions,
            renewal_opens=opens,
            written=exam.part is Part.WRITTEN or code in written,
            now=now,
            forms=len(left[exam.id or 0]) if exam.uses_forms else None,
            attempts=[
                Attempt(s.started_at, s.handed_in_at, bool(s.passed), s.status == SittingStatus.VOIDED)
                for s in own
            ],
        )
        standings.append(
            ExamStanding(
                exam,
                terms,
                whys,
                own,
                next((s.token for s in own if s.status == SittingStatus.OPEN), None),
                held.get(code) if code else None,
                code in held,
            )
        )
    return standings


@dataclass(frozen=True)
class StaffRow:
    """A sitting as staff see it."""

    id: int
    person: str
    organisation: str | None
    exam: str
    started_at: datetime
    status: str
    timed_out: bool
    score: int | None
    passed: bool | None
    pass_marks: int
    points: int | None

    @property
    def scaled(self) -> int | None:
        """None for a sitting that is not marked, or from before points were kept."""
        if self.score is None or not self.points:
            return None
        return on_scale(self.score, self.pass_marks, self.points)


def recent_sittings(session: Session, limit: int = 50) -> list[StaffRow]:
    """The latest, of all exams."""
    columns: tuple[Any, ...] = (
        Sitting.id,
        Person.name,
        Organisation.short_name,
        Exam.code,
        Sitting.started_at,
        Sitting.status,
        Sitting.timed_out,
        Sitting.score,
        Sitting.passed,
        Sitting.pass_marks,
        Sitting.points,
    )
    rows = session.exec(
        select(*columns)
        .join(Person, col(Sitting.person_id) == col(Person.id))
        .join(Exam, col(Sitting.exam_id) == col(Exam.id))
        .join(Organisation, col(Sitting.organisation_id) == col(Organisation.id), isouter=True)
        .order_by(col(Sitting.started_at).desc(), col(Sitting.id).desc())
        .limit(limit)
    )
    return [StaffRow(*row) for row in rows]


def sitting_to_void(session: Session, sitting_id: int, viewer_id: int) -> Sitting | None:
    """Locked; None when it is not there, or one's own, or of a colleague's."""
    employers = select(Employment.organisation_id).where(
        Employment.person_id == viewer_id, col(Employment.confirmed_at).is_not(None)
    )
    return session.exec(
        select(Sitting)
        .where(
            Sitting.id == sitting_id,
            Sitting.person_id != viewer_id,
            or_(col(Sitting.organisation_id).is_(None), col(Sitting.organisation_id).not_in(employers)),
        )
        .with_for_update()
    ).first()
