"""Make a cohort, apply, choose by score, move up, finish. Whoever changes places locks the cohort first."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from portal.history.actions import record
from portal.i18n import local, speaking
from portal.mail.actions import send_mail
from portal.organisations.models import Organisation
from portal.organisations.queries import members_of, owners_of
from portal.organisations.rules import EmploymentStatus, Role
from portal.programme.queries import programme_at
from portal.refusal import NotFound, Refused, checked_move, mark
from portal.rights.rules import may
from portal.seasons.actions import require_open
from training.cohorts import queries
from training.cohorts.models import Cohort, CohortApplication
from training.cohorts.rules import (
    APPLICATION_MOVES,
    MOVES,
    SUBJECT,
    Applied,
    Candidate,
    Part,
    Status,
    digest_of,
    first,
    in_order,
    score,
    takes,
    total,
)
from training.tasks.actions import issue
from training.tasks.actions import withdraw as withdraw_task
from training.tasks.models import Task
from training.tasks.rules import Audience, TaskKind

NOT_NOW = mark("Applications are taken within the days that are written on the page.")


def _locked(session: Session, cohort_id: int) -> Cohort:
    cohort = queries.cohort_locked(session, cohort_id)
    if cohort is None:
        raise NotFound
    return cohort


def _move(row: CohortApplication, move: str) -> None:
    row.status = Applied(checked_move(APPLICATION_MOVES, row.status, move))  # type: ignore[arg-type]


def make(session: Session, fields: dict[str, Any], *, by: int, now: datetime) -> Cohort:
    """`fields`: the columns that staff type; times in UTC."""
    cohort = Cohort(made_at=now, made_by=by, **fields)
    session.add(cohort)
    session.flush()
    record(session, "cohort made", SUBJECT, cohort.id, by=by, now=now, after={"name": cohort.name_zh})
    return cohort


def change(
    session: Session, cohort_id: int, fields: dict[str, Any], *, revision: int, by: int, now: datetime
) -> None:
    """Until it is chosen."""
    cohort = _locked(session, cohort_id)
    if cohort.status is not Status.PLANNED:
        raise Refused(mark("The cohort has been chosen; it stays as it is."))
    if cohort.revision != revision:
        raise Refused(mark("Somebody else has changed this cohort since you opened it. Nothing was saved."))
    before = {name: getattr(cohort, name) for name in fields}
    changed = [name for name, value in fields.items() if before[name] != value]
    for name in changed:
        setattr(cohort, name, fields[name])
    cohort.revision += 1
    record(
        session,
        "cohort changed",
        SUBJECT,
        cohort.id,
        by=by,
        now=now,
        before={name: _plain(before[name]) for name in changed},
        after={name: _plain(fields[name]) for name in changed},
    )


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


# Applying


def apply(
    session: Session,
    cohort_id: int,
    organisation_id: int,
    *,
    motivation: str,
    audience: Audience,
    role: Role | None = None,
    people: Sequence[int] = (),
    by: int,
    now: datetime,
) -> CohortApplication:
    """Once; after withdrawing again. `people` or `role`: who learns when the organisation is taken in."""
    cohort = _locked(session, cohort_id)
    if not takes(cohort.status, cohort.apply_from, cohort.apply_until, now):
        raise Refused(NOT_NOW)
    require_open(session, "cohort", now=now, organisation_id=organisation_id)
    row = queries.application_of(session, cohort_id, organisation_id)
    if row is None:
        row = CohortApplication(
            cohort_id=cohort_id,
            organisation_id=organisation_id,
            motivation=motivation,
            applied_at=now,
            applied_by=by,
        )
    elif row.status is Applied.APPLIED:
        return row  # a double click
    else:
        _move(row, "apply")
    row.motivation, row.applied_at, row.applied_by, row.ended_at = motivation, now, by, None
    row.audience, row.role, row.people = audience, role, list(people)
    session.add(row)
    session.flush()
    _record(session, "applied for a cohort", cohort, row, by=by, now=now)
    return row


def leave(
    session: Session, cohort_id: int, organisation_id: int, *, reason: str = "", by: int | None, now: datetime
) -> Applied:
    """Withdraw an application, leave the line, or drop out; a place that falls free goes to the next in line."""
    cohort = _locked(session, cohort_id)
    row = queries.application_of(session, cohort_id, organisation_id)
    if row is None:
        raise NotFound
    dropped = row.status is Applied.CHOSEN
    _move(row, "drop" if dropped else "withdraw")
    row.reason, row.ended_at = reason, now
    session.flush()
    if dropped:
        _record(session, "dropped out of a cohort", cohort, row, by=by, now=now, reason=reason)
        for task_id in row.tasks:
            task = session.get_one(Task, task_id)
            if task.withdrawn_at is None:
                withdraw_task(session, task, by=by, now=now)
        _fill(session, cohort, now=now)
    else:
        _record(session, "application for a cohort withdrawn", cohort, row, by=by, now=now, reason=reason)
    return row.status


def decline(
    session: Session, cohort_id: int, organisation_id: int, *, reason: str, by: int | None, now: datetime
) -> None:
    """By staff, with a reason that the owners read."""
    cohort = _locked(session, cohort_id)
    row = queries.application_of(session, cohort_id, organisation_id)
    if row is None:
        raise NotFound
    _decline(session, cohort, row, reason=reason, by=by, now=now)


def _decline(
    session: Session, cohort: Cohort, row: CohortApplication, *, reason: str, by: int | None, now: datetime
) -> None:
    _move(row, "decline")
    row.reason, row.decided_at = reason, now
    _record(session, "application for a cohort declined", cohort, row, by=by, now=now, reason=reason)
    _tell(session, cohort, row, "declined", now=now)


# Choosing


@dataclass(frozen=True)
class Scored:
    applicant: queries.Applicant
    parts: list[Part]
    candidate: Candidate


def scored(session: Session, cohort: Cohort, now: datetime) -> list[Scored]:
    """Those who applied and may be fostered, in the order by score."""
    programme = programme_at(session, now)
    rows = [
        a
        for a in queries.applicants(session, cohort.id or 0)
        if a.application.status is Applied.APPLIED and may(programme, a.organisation, "foster")
    ]
    known = queries.inputs_of(session, [a.organisation for a in rows], programme, now, leave_out=cohort.id)
    found = {}
    for a in rows:
        parts = score(known[a.organisation.id or 0], programme.fostering)
        since = a.organisation.verified_at or now
        candidate = Candidate(a.application.id or 0, a.organisation.id or 0, since, total(parts))
        found[candidate.application_id] = Scored(a, parts, candidate)
    return [found[c.application_id] for c in in_order(s.candidate for s in found.values())]


def own_parts(session: Session, cohort: Cohort, organisation: Organisation, now: datetime) -> list[Part]:
    """As the score would be today."""
    programme = programme_at(session, now)
    known = queries.inputs_of(session, [organisation], programme, now, leave_out=cohort.id)
    return score(known[organisation.id or 0], programme.fostering)


def choose(
    session: Session,
    cohort_id: int,
    *,
    taken: Collection[int],
    seen: str,
    reason: str,
    by: int,
    now: datetime,
) -> None:
    """`taken`: applications; the others wait in the order by score. `seen`: the digest of the list that was read.

    Another choice than the score's needs a reason; it stands in the record and on each application it moves.
    """
    cohort = _locked(session, cohort_id)
    status = Status(checked_move(MOVES, cohort.status, "choose"))  # type: ignore[arg-type]
    if now < cohort.apply_until:
        raise Refused(mark("The time to apply is not over yet."))
    rows = scored(session, cohort, now)
    order = [s.candidate for s in rows]
    if seen != digest_of(order):
        raise Refused(
            mark("The scores have changed since you read them. Nothing was saved; here they are anew.")
        )
    by_score, wanted = first(order, cohort.cap), set(taken)
    if not wanted <= {c.application_id for c in order}:
        raise NotFound
    if len(wanted) != len(by_score):
        raise Refused(mark("Choose exactly %(n)s."), n=len(by_score), status=422)
    if wanted != by_score and not reason:
        raise Refused(mark("Another choice than the score's needs a reason."), status=422)
    cohort.status, cohort.chosen_at, cohort.chosen_by = status, now, by
    record(
        session,
        "cohort chosen",
        SUBJECT,
        cohort.id,
        by=by,
        now=now,
        reason=reason,
        before={"by_score": sorted(by_score)},
        after={"name": cohort.name_zh, "taken": sorted(wanted)},
    )
    for place, one in enumerate(rows, 1):
        row = one.applicant.application
        row.parts, row.score, row.place = [asdict(p) for p in one.parts], one.candidate.score, place
        if (row.id in wanted) != (row.id in by_score):
            row.reason = reason
        if row.id in wanted:
            _take_in(session, cohort, row, "choose", now=now)
        else:
            _move(row, "line_up")
            row.decided_at = now
            _record(session, "on a cohort's waiting list", cohort, row, by=by, now=now, reason=row.reason)
            _tell(session, cohort, row, "waiting", now=now)
    for a in queries.applicants(session, cohort_id):
        if a.application.status is Applied.APPLIED:  # was verified when it applied
            _decline(
                session,
                cohort,
                a.application,
                reason=mark("Not verified when the cohort was chosen."),
                by=by,
                now=now,
            )


def _take_in(session: Session, cohort: Cohort, row: CohortApplication, move: str, *, now: datetime) -> None:
    """The cohort's tracks become tasks of the people whom the owner named, until the cohort's end."""
    _move(row, move)
    row.decided_at = now
    _record(session, "taken into a cohort", cohort, row, by=None, now=now)
    people: Sequence[int] = ()
    if row.audience is Audience.PEOPLE:
        here = {
            m.person_id
            for m in members_of(session, row.organisation_id, now)
            if m.status == EmploymentStatus.CONFIRMED
        }
        people = [p for p in row.people if p in here]
    row.tasks = [
        issue(
            session,
            row.organisation_id,
            kind=TaskKind.TRACK,
            subject=code,
            note=cohort.name_zh,
            audience=row.audience,
            role=row.role,
            people=people,
            due=cohort.ends_at,
            from_staff=True,
            by=None,
            now=now,
        ).id
        or 0
        for code in cohort.tracks
    ]
    _tell(session, cohort, row, "moved_up" if move == "move_up" else "chosen", now=now)


def _fill(session: Session, cohort: Cohort, *, now: datetime) -> None:
    """Free places go down the line, until the cohort ends."""
    if cohort.status is not Status.CHOSEN or now >= cohort.ends_at:
        return
    programme = programme_at(session, now)
    rows = queries.applicants(session, cohort.id or 0)
    free = cohort.cap - sum(a.application.status is Applied.CHOSEN for a in rows)
    line = [
        a.application
        for a in rows
        if a.application.status is Applied.WAITING and may(programme, a.organisation, "foster")
    ]
    for row in line[: max(0, free)]:
        _take_in(session, cohort, row, "move_up", now=now)


def finish(session: Session, cohort_id: int, *, by: int | None, now: datetime) -> None:
    """After its last day; who still waits is told that this one is over."""
    cohort = _locked(session, cohort_id)
    status = Status(checked_move(MOVES, cohort.status, "finish"))  # type: ignore[arg-type]
    if now < cohort.ends_at:
        raise Refused(mark("The cohort has not ended yet."))
    cohort.status = status
    record(session, "cohort finished", SUBJECT, cohort.id, by=by, now=now, after={"name": cohort.name_zh})
    for a in queries.applicants(session, cohort_id):
        row = a.application
        if row.status is Applied.CHOSEN:
            _move(row, "finish")
            row.ended_at = cohort.ends_at
            _record(session, "finished a cohort", cohort, row, by=by, now=now)
        elif row.status is Applied.WAITING:
            why = mark("The cohort is over and no place fell free.")
            _decline(session, cohort, row, reason=why, by=by, now=now)


def _record(
    session: Session,
    verb: str,
    cohort: Cohort,
    row: CohortApplication,
    *,
    by: int | None,
    now: datetime,
    reason: str = "",
) -> None:
    record(
        session,
        verb,
        SUBJECT,
        cohort.id,
        by=by,
        now=now,
        organisation_id=row.organisation_id,
        reason=reason,
        after={"name": cohort.name_zh, "score": row.score},
    )


def _tell(session: Session, cohort: Cohort, row: CohortApplication, news: str, *, now: datetime) -> None:
    for person in owners_of(session, row.organisation_id):
        with speaking(person.language):
            name = local(cohort.name)
        send_mail(
            session,
            "cohorts/answer",
            to=person,
            now=now,
            name=person.name,
            cohort=name,
            news=news,
            reason=row.reason,
            tracks=", ".join(cohort.tracks),
            path=f"/my/cohorts/{cohort.id}",
        )
