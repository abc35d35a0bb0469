"""Load banks; start, save, hand in, mark."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlmodel import Session

from certification.credentials.actions import award_certificate, revoke
from certification.credentials.queries import credentials_from
from certification.exams.models import Answer, Bank, Exam, Question, Sitting
from certification.exams.queries import (
    answer_to,
    answers_of,
    bank_with,
    exam_by_code,
    items_of,
    questions_of_bank,
    questions_with,
    sitting_under_lock,
)
from certification.exams.readers import QuestionForm, read_questions
from certification.exams.rules import (
    MOVES,
    Asked,
    Place,
    SittingStatus,
    Terms,
    draw,
    end_of,
    is_late,
    is_stale,
    lay_out,
    mark_paper,
    share_out,
)
from portal.history.actions import record
from portal.programme.rules import Programme
from portal.refusal import Refused, checked_move, mark

CONTENT = Path(__file__).resolve().parent.parent / "content"
TIME_IS_UP = mark("Time was up. The paper was handed in with the answers saved until then.")
STALE = mark(
    "This answer was changed in another window after this page was loaded. Nothing was overwritten; "
    "the stored answer is shown. Choose again if you mean another."
)


# ——— Banks ———


@dataclass(frozen=True)
class Imported:
    added: int
    changed: int
    unchanged: int


def import_bank(
    session: Session,
    code: str,
    title: Mapping[str, str],
    questions: Iterable[QuestionForm],
    *,
    by: int | None,
    now: datetime,
) -> Imported:
    """The same questions again change nothing; a new wording is a new row and retires the old one."""
    bank = bank_with(session, code)
    if bank is None:
        bank = Bank(code=code, title=dict(title))
        session.add(bank)
        session.flush()
    known = questions_of_bank(session, bank.id or 0)
    in_use = {q.code: q for q in known if not q.retired}
    stored = {(q.code, q.content_hash): q for q in known}
    added = changed = unchanged = 0
    for form in questions:
        present = in_use.get(form.code)
        if present and present.content_hash == form.content_hash:
            unchanged += 1
            continue
        if present:
            present.retired = True
            session.flush()  # at no moment two in use with one code
        added, changed = (added, changed + 1) if present else (added + 1, changed)
        question = stored.get((form.code, form.content_hash)) or Question(
            bank_id=bank.id or 0, content_hash=form.content_hash, **asdict(form)
        )
        question.retired = False
        session.add(question)
        session.flush()
    if added or changed:
        record(
            session,
            "questions imported",
            "bank",
            bank.id,
            by=by,
            now=now,
            after={"bank": code, "added": added, "changed": changed},
        )
    return Imported(added, changed, unchanged)


def save_exam(
    session: Session,
    code: str,
    *,
    bank: str,
    title: Mapping[str, str],
    blueprint: Mapping[str, int],
    minutes: int,
    pass_marks: int,
    certificate: str | None,
    by: int | None,
    now: datetime,
) -> Exam:
    """The exam of that code, as given here. Sittings keep the terms they started under."""
    found = bank_with(session, bank)
    if found is None or found.id is None:
        raise ValueError(f"no bank {bank}")
    wanted: dict[str, Any] = {
        "bank_id": found.id,
        "title": dict(title),
        "blueprint": dict(blueprint),
        "minutes": minutes,
        "pass_marks": pass_marks,
        "certificate": certificate,
    }
    exam = exam_by_code(session, code)
    before = {name: getattr(exam, name) for name in wanted} if exam else None
    if exam is None:
        exam = Exam(code=code, **wanted)
    if before != wanted:
        for name, value in wanted.items():
            setattr(exam, name, value)
        session.add(exam)
        session.flush()
        record(session, "exam saved", "exam", exam.id, by=by, now=now, before=before, after=wanted)
    return exam


def load_own_banks(session: Session, programme: Programme, *, now: datetime) -> None:
    """The banks that come with the project, each with the exam of its certificate. Safe to call again."""
    for folder in sorted(path for path in CONTENT.iterdir() if path.is_dir()):
        certificate = programme.certificate(folder.name)
        title = {"zh": certificate["zh"], "en": certificate["en"]}
        questions = [q for path in sorted(folder.glob("*.yaml")) for q in read_questions(path).questions]
        import_bank(session, folder.name, title, questions, by=None, now=now)
        modules = {code: len(programme.track(code)["modules"]) for code in certificate["tracks"]}
        paper = certificate["paper"]
        save_exam(
            session,
            folder.name,
            bank=folder.name,
            title=title,
            blueprint=share_out(modules, paper["questions"]),
            minutes=paper["minutes"],
            pass_marks=-(-paper["questions"] * paper["pass"] // 100),
            certificate=folder.name,
            by=None,
            now=now,
        )


# ——— Sittings ———


def start_sitting(
    session: Session, exam: Exam, terms: Terms, *, by: int, organisation_id: int | None, now: datetime
) -> Sitting:
    """A paper of its own and a running clock. The page has asked whether it may be.

    IntegrityError when another sitting of this person is open: the page leads there.
    """
    seed = secrets.token_hex(8)
    items = items_of(session, exam.bank_id)
    places = lay_out(draw(terms.blueprint, items, seed), items, seed)
    sitting = Sitting(
        token=secrets.token_urlsafe(16),
        person_id=by,
        organisation_id=organisation_id,
        exam_id=exam.id or 0,
        seed=seed,
        paper=[{"question": p.question, "options": list(p.options)} for p in places],
        pass_marks=terms.pass_marks,
        started_at=now,
        ends_at=end_of(now, terms.minutes),
    )
    session.add(sitting)
    session.flush()
    record(
        session,
        "sitting started",
        "sitting",
        sitting.id,
        by=by,
        now=now,
        organisation_id=organisation_id,
        after={"exam": exam.code, "ends": sitting.ends_at.isoformat()},
    )
    return sitting


def places_of(sitting: Sitting) -> list[Place]:
    return [Place(p["question"], tuple(p["options"])) for p in sitting.paper]


class Stale(Refused):
    """An older page tried to overwrite a newer answer."""

    def __init__(self) -> None:
        super().__init__(STALE)


def save_answer(
    session: Session,
    sitting: Sitting,
    n: int,
    shown: Iterable[int],
    *,
    flagged: bool,
    revision: int,
    now: datetime,
) -> Answer:
    """What is chosen for question `n`; `shown` are places on the page, all from 1. The sitting is locked.

    Single saves are no history rows: the answer carries its revision and time; the end is recorded.
    Refused after the grace; `Stale` when a newer revision is stored.
    """
    if sitting.status is not SittingStatus.OPEN or is_late(sitting.ends_at, now):
        raise Refused(
            TIME_IS_UP
            if is_late(sitting.ends_at, now)
            else mark("This paper has been handed in already; answers are no longer taken.")
        )
    places = places_of(sitting)
    if not 1 <= n <= len(places):
        raise Refused(mark("This paper has no such question."))
    place = places[n - 1]
    chosen = place.chosen(shown)
    answer = answer_to(session, sitting.id or 0, place.question)
    if answer is None:
        answer = Answer(sitting_id=sitting.id or 0, question_id=place.question, revision=0, saved_at=now)
    same = answer.chosen == chosen and answer.flagged == flagged
    if is_stale(answer.revision, revision, same=same):
        raise Stale
    if not same:
        answer.chosen, answer.flagged, answer.revision, answer.saved_at = chosen, flagged, revision, now
        session.add(answer)
        session.flush()
    return answer


def hand_in(session: Session, sitting: Sitting, *, by: int, now: datetime) -> Sitting:
    """Hand in and mark; late, it counts as timed out. Refused the second time. The sitting is locked."""
    if sitting.status is not SittingStatus.OPEN:
        raise Refused(mark("This paper has been handed in already. A paper has one result; here it is."))
    if is_late(sitting.ends_at, now):
        return time_out(session, sitting, now=now)
    return _close(session, sitting, "hand_in", mark("sitting handed in"), at=now, by=by, now=now)


def time_out(session: Session, sitting: Sitting, *, now: datetime) -> Sitting:
    verb = mark("sitting timed out")
    return _close(session, sitting, "time_out", verb, at=sitting.ends_at, by=None, now=now)


def _close(
    session: Session, sitting: Sitting, move: str, verb: str, *, at: datetime, by: int | None, now: datetime
) -> Sitting:
    sitting.status = SittingStatus(checked_move(MOVES, sitting.status, move))  # type: ignore[arg-type]
    sitting.handed_in_at, sitting.timed_out = at, move == "time_out"
    record(session, verb, "sitting", sitting.id, by=by, now=now, organisation_id=sitting.organisation_id)
    mark_sitting(session, sitting, now=now)
    return sitting


def mark_sitting(session: Session, sitting: Sitting, *, now: datetime) -> None:
    """By rule, in the transaction that closed it; a pass earns the certificate, if the exam is for one."""
    sitting.status = SittingStatus(checked_move(MOVES, sitting.status, "mark"))  # type: ignore[arg-type]
    places = places_of(sitting)
    questions, answers = (
        questions_with(session, [p.question for p in places]),
        answers_of(session, sitting.id or 0),
    )
    marked = mark_paper(
        Asked(
            questions[p.question].topic,
            questions[p.question].group,
            tuple(questions[p.question].key),
            tuple(answers[p.question].chosen) if p.question in answers else (),
        )
        for p in places
    )
    sitting.score, sitting.passed, sitting.result = (
        marked.score,
        marked.score >= sitting.pass_marks,
        marked.as_json(),
    )
    exam = session.get_one(Exam, sitting.exam_id)
    session.flush()
    record(
        session,
        "sitting marked",
        "sitting",
        sitting.id,
        by=None,
        now=now,
        organisation_id=sitting.organisation_id,
        after={"exam": exam.code, "score": marked.score, "of": marked.of, "passed": sitting.passed},
    )
    if sitting.passed and exam.certificate:
        award_certificate(
            session,
            sitting.person_id,
            exam.certificate,
            source=("sitting", sitting.id or 0),
            by=None,
            now=now,
        )


def close_when_run_out(session: Session, sitting_id: int, *, now: datetime) -> bool:
    """Called by the sweep: looks again under lock. True when it was this call that closed it."""
    sitting = sitting_under_lock(session, sitting_id)
    if sitting is None or sitting.status is not SittingStatus.OPEN or not is_late(sitting.ends_at, now):
        return False
    time_out(session, sitting, now=now)
    return True


def void_sitting(session: Session, sitting: Sitting, reason: str, *, by: int, now: datetime) -> None:
    """It counts for nothing any more, and a certificate earned by it is revoked. The sitting is locked."""
    before = sitting.status
    sitting.status = SittingStatus(checked_move(MOVES, sitting.status, "void"))  # type: ignore[arg-type]
    record(
        session,
        "sitting voided",
        "sitting",
        sitting.id,
        by=by,
        now=now,
        organisation_id=sitting.organisation_id,
        before={"status": before},
        after={"status": sitting.status.value},
        reason=reason,
    )
    for credential in credentials_from(session, ("sitting", sitting.id or 0)):
        revoke(session, credential, reason, by=by, now=now)
