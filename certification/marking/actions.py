"""Give marks; correct a key and mark again whatever hung on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from certification.banks.models import Question
from certification.exams.actions import mark_again, mark_when_ready
from certification.exams.models import Sitting
from certification.exams.queries import sitting_under_lock
from certification.exams.rules import SittingStatus
from certification.marking.models import Mark
from certification.marking.queries import ToMark, sittings_with
from portal.accounts.models import Person
from portal.history.actions import record
from portal.mail.actions import send_mail
from portal.refusal import Refused, mark


def give_marks(
    session: Session, found: ToMark, points: Sequence[int], note: str, *, by: int, now: datetime
) -> bool:
    """One number a line of the rubric, each within it. True when this was the mark that settled the paper.

    The sitting is locked; the page has looked up `found` for this marker, who has not marked it yet.
    """
    lines = [line["points"] for line in found.question.rubric]
    if len(points) != len(lines) or not all(0 <= p <= most for p, most in zip(points, lines, strict=True)):
        raise Refused(mark("Each line takes a number from 0 to its points."), status=422)
    row = Mark(answer_id=found.answer.id or 0, marked_by=by, points=list(points), note=note, marked_at=now)
    session.add(row)
    session.flush()
    record(
        session,
        "answer marked",
        "sitting",
        found.sitting.id,
        by=by,
        now=now,
        organisation_id=found.sitting.organisation_id,
        after={"question": found.question.code, "points": list(points)},
        reason=note,
    )
    settled = mark_when_ready(session, found.sitting, now=now)
    if settled:
        _tell(session, found.sitting, found.exam.title, now=now)
    return settled


def _tell(session: Session, sitting: Sitting, title: dict[str, str], *, now: datetime) -> None:
    person = session.get_one(Person, sitting.person_id)
    send_mail(
        session,
        "exams/marked",
        to=person,
        now=now,
        name=person.name,
        exam=title,
        path=f"/my/sittings/{sitting.token}",
    )


@dataclass(frozen=True)
class Remarked:
    sittings: int
    changed: int  # their points
    passed: int  # now, and not before
    failed: int  # now, and not before


def correct_key(
    session: Session,
    question: Question,
    key: Sequence[int],
    reason: str,
    *,
    keep_passes: bool,
    by: int,
    now: datetime,
) -> Remarked:
    """Another key for a question that was asked with a wrong one; every marked paper with it is marked again.

    Whoever passes now gets the certificate. Whoever no longer does keeps the pass when `keep_passes`,
    because the mistake was not theirs; otherwise what followed from it is taken back.
    """
    options = range(1, len(question.options) + 1)
    if not key or len(set(key)) < len(key) or any(k not in options for k in key):
        raise Refused(mark("Its key is not one of its options."), status=422)
    if question.kind != "several" and len(key) != 1:
        raise Refused(mark("Its kind does not fit the number of its keys."), status=422)
    before = list(question.key)
    if before == list(key):
        raise Refused(mark("This is the key it has."), status=422)
    question.key = list(key)
    session.flush()
    counts = {"changed": 0, "passed": 0, "failed": 0}
    ids = sittings_with(session, question.id or 0)
    for sitting_id in ids:
        sitting = sitting_under_lock(session, sitting_id)
        if sitting is not None and sitting.status is SittingStatus.MARKED:
            was = (sitting.score, sitting.passed)
            mark_again(session, sitting, reason, keep_pass=keep_passes, by=by, now=now)
            counts["changed"] += sitting.score != was[0]
            counts["passed"] += bool(sitting.passed and not was[1])
            counts["failed"] += bool(was[1] and not sitting.passed)
    record(
        session,
        "key corrected",
        "question",
        question.id,
        by=by,
        now=now,
        before={"key": before},
        after={"key": list(key), "sittings": len(ids), **counts},
        reason=reason,
    )
    return Remarked(len(ids), **counts)
