"""Renew a mandatory course; ask people to."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from portal.accounts.models import Person
from portal.history.actions import record
from portal.ledger.actions import write_fact
from portal.ledger.rules import FactKind
from portal.programme.queries import programme_at
from portal.refusal import NotFound, Refused, mark
from training.renewal import queries
from training.renewal.rules import AT_LEAST, State, mandatory, needed, next_end, right
from training.tasks.actions import complete_of, issue
from training.tasks.rules import Audience, TaskKind, deadline, last_day
from training.tracks.rules import Practice

EARLY = mark("This course holds for longer than 90 days; it is renewed in the last 90.")


def renew(
    session: Session,
    code: str,
    questions: Sequence[Practice],
    answers: Sequence[int],
    *,
    by: int,
    now: datetime,
) -> list[bool]:
    """Right or wrong, question by question; with enough right the course holds for another year.

    Refused while it is not due; NotFound for what nobody has to renew or the person never finished.
    """
    programme = programme_at(session, now)
    session.get_one(Person, by, with_for_update=True)  # two clicks wait for each other
    course = next((c for c in queries.courses_of(session, by, programme, now) if c.code == code), None)
    if course is None or course.until is None:
        raise NotFound
    if course.state is State.VALID:
        raise Refused(EARLY)
    verdicts = right(questions, answers)
    if sum(verdicts) < needed(len(questions)):
        return verdicts
    until = next_end(course.until, now, programme.course_valid)
    write_fact(
        session,
        FactKind.COURSE,
        source=("person", by),
        person_id=by,
        true_until=until,
        by=by,
        now=now,
        track=code,
        right=sum(verdicts),
        asked=len(questions),
    )
    record(
        session,
        "mandatory course renewed",
        "person",
        by,
        by=by,
        now=now,
        before={"until": last_day(course.until).isoformat()},
        after={"module": code, "score": sum(verdicts), "until": last_day(until).isoformat()},
    )
    complete_of(session, by, now=now)
    return verdicts


def ask(session: Session, organisation_id: int, person_id: int, code: str, *, now: datetime) -> bool:
    """A task to renew, once for each end; looked at again under lock."""
    programme = programme_at(session, now)
    session.get_one(Person, person_id, with_for_update=True)
    if (organisation_id, person_id) not in queries.perhaps_due(session, code, programme, now):
        return False
    course = next(c for c in queries.courses_of(session, person_id, programme, now) if c.code == code)
    if course.until is None or course.state is State.VALID:
        return False
    issue(
        session,
        organisation_id,
        kind=TaskKind.RENEWAL,
        subject=code,
        mandatory=True,
        audience=Audience.PEOPLE,
        people=[person_id],
        due=deadline(last_day(max(course.until, now + AT_LEAST))),
        by=None,
        now=now,
    )
    return True


def ask_all(session: Session, *, now: datetime) -> int:
    """Everybody of whom it is due; how many."""
    programme = programme_at(session, now)
    return sum(
        ask(session, organisation, person, code, now=now)
        for code in mandatory(programme)
        for organisation, person in queries.perhaps_due(session, code, programme, now)
    )
