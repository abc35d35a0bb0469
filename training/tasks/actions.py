"""Set a task, give it to people, note how it goes, tell who has to know."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from portal import clock
from portal.accounts.models import Person
from portal.history.actions import record
from portal.i18n import local, show_date, speaking
from portal.mail.actions import send_mail
from portal.organisations.models import Organisation
from portal.organisations.queries import owners_of
from portal.organisations.rules import Role
from portal.programme.queries import programme_at
from portal.refusal import NotFound, Refused, checked_move, mark
from training.tasks import queries
from training.tasks.models import Assignment, Task
from training.tasks.rules import (
    MOVES,
    WAITS,
    Audience,
    Evidence,
    How,
    Status,
    Step,
    TaskKind,
    done_since,
    due_for_newcomer,
    ladder,
    last_day,
    may_confirm,
    name_of,
    next_at,
    reached,
    to_tell,
)

SENT_TWICE_WITHIN = timedelta(minutes=1)


def issue(
    session: Session,
    organisation_id: int,
    *,
    kind: TaskKind,
    subject: str = "",
    title: str = "",
    done_when: str = "",
    note: str = "",
    mandatory: bool = False,
    audience: Audience,
    role: Role | None = None,
    people: Sequence[int] = (),
    due: datetime,
    from_staff: bool = False,
    by: int | None,
    now: datetime,
) -> Task:
    """Set a task for `people` who work there, for who holds `role`, or for everybody.

    The same sent twice by a double click is one.
    """
    session.get_one(Organisation, organisation_id, with_for_update=True)  # two clicks wait for each other
    task = Task(
        organisation_id=organisation_id,
        kind=kind,
        subject=subject,
        title=title,
        done_when=done_when,
        note=note,
        mandatory=mandatory,
        audience=audience,
        role=role,
        from_staff=from_staff,
        due=due,
        issued_by=by,
        responsible_id=by,
        issued_at=now,
    )
    if by is not None and (before := queries.same_task(session, task, now - SENT_TWICE_WITHIN)):
        had = {a.person_id for a in queries.assignments_of(session, before.id or 0)}
        if audience is not Audience.PEOPLE or had == set(people):
            return before
    session.add(task)
    session.flush()
    record(
        session,
        "task set",
        "task",
        task.id,
        by=by,
        now=now,
        organisation_id=organisation_id,
        after={
            "task": kind.value,
            "module": subject,
            "title": title,
            "role": role,
            "until": last_day(due).isoformat(),
        },
    )
    if audience is not Audience.PEOPLE:
        people = [
            person
            for found, person in queries.newcomers(session, organisation_id, now)
            if found.id == task.id
        ]
    _give(session, task, people, now=now)
    return task


def _give(session: Session, task: Task, people: Sequence[int], *, now: datetime) -> None:
    """To each of them, once; what is done already is done at once, and nobody is told of it."""
    if not people:
        return
    known = queries.evidence_of(session, task.organisation_id, people, now)
    had = {row.person_id: row for row in queries.assignments_of(session, task.id or 0)}
    for person_id in dict.fromkeys(people):
        row = had.get(person_id)
        if row is not None and row.status is not Status.LEFT:
            continue
        due = due_for_newcomer(task.due, now) if now > task.issued_at else task.due
        if row is None:
            row = Assignment(task_id=task.id or 0, person_id=person_id, assigned_at=now, due=due)
        else:
            row.status = _moved(row, "come_back")
            row.assigned_at, row.due = now, due
        session.add(row)
        session.flush()
        if not _complete(session, row, task, known[person_id], now=now):
            _run(session, task, row, now=now, told=reached(_ladder(session, task, due, now), now))
            _tell(session, "assigned", task, row, [session.get_one(Person, person_id)], now=now)


def _ladder(session: Session, task: Task, due: datetime, now: datetime) -> list[tuple[Step, datetime]]:
    """A renewal is announced long before; its task appears at the first of the programme's reminders."""
    if task.kind is TaskKind.RENEWAL:
        return ladder(due, clock.add_working_days, programme_at(session, now).course_told[1:])
    return ladder(due, clock.add_working_days)


def _run(session: Session, task: Task, row: Assignment, *, now: datetime, told: Step) -> None:
    """Set the clock of reminders."""
    row.told = told
    row.tell_at = next_at(_ladder(session, task, row.due, now), told, now)


def _moved(row: Assignment, move: str) -> Status:
    return Status(checked_move(MOVES, row.status, move))  # type: ignore[arg-type]


def _stop(row: Assignment, move: str) -> None:
    row.status = _moved(row, move)
    row.tell_at = None


def _record(
    session: Session,
    verb: str,
    row: Assignment,
    task: Task,
    *,
    by: int | None,
    now: datetime,
    reason: str = "",
) -> None:
    record(
        session,
        verb,
        "task",
        task.id,
        by=by,
        now=now,
        organisation_id=task.organisation_id,
        reason=reason,
        after={"task": task.kind.value, "module": task.subject, "title": task.title, "of": row.person_id},
    )


def _complete(session: Session, row: Assignment, task: Task, known: Evidence, *, now: datetime) -> bool:
    """By itself, when the learning shows it."""
    programme = programme_at(session, now)
    done = done_since(task.kind, task.subject, task.issued_at, known, programme)
    if row.status is not Status.OPEN or done is None:
        return False
    _stop(row, "complete")
    row.done_at, row.how = max(done, row.assigned_at), How.BY_ITSELF
    _record(session, "task done", row, task, by=None, now=now)
    return True


def complete(session: Session, assignment_id: int, *, now: datetime) -> bool:
    """Looked at again under lock; True when it is done now."""
    found = queries.assignment_with(session, assignment_id)
    if found is None or found[0].status is not Status.OPEN:
        return False
    row, task = found
    known = queries.evidence_of(session, task.organisation_id, [row.person_id], now)
    return _complete(session, row, task, known[row.person_id], now=now)


def complete_of(session: Session, person_id: int, *, now: datetime) -> int:
    """After somebody has learned something: how many of their tasks that finished."""
    session.flush()
    return sum(complete(session, i, now=now) for i in queries.perhaps_done(session, person_id))


def say_done(session: Session, row: Assignment, task: Task, words: str, *, by: int, now: datetime) -> None:
    """Of a free task: whoever answers for it is told and looks."""
    if task.kind is not TaskKind.FREE:
        raise NotFound
    row.status = _moved(row, "say")
    row.said, row.said_at, row.answer = words, now, ""
    _record(session, "task said done", row, task, by=by, now=now)
    if task.responsible_id and task.responsible_id != by:
        _tell(session, "said", task, row, [session.get_one(Person, task.responsible_id)], now=now)


def confirm(session: Session, row: Assignment, task: Task, *, by: int, now: datetime) -> None:
    """The person did it, seen by who may confirm; said done counts from when it was said."""
    if task.kind is not TaskKind.FREE:
        raise NotFound
    if not may_confirm(row.person_id, by, task.responsible_id):
        raise Refused(mark("Nobody confirms their own task. A colleague who may set tasks can."))
    said_at = row.said_at if row.status is Status.SAID else None
    _stop(row, "confirm")
    row.done_at, row.how, row.confirmed_by = said_at or now, How.CONFIRMED, by
    _record(session, "task confirmed", row, task, by=by, now=now)


def send_back(session: Session, row: Assignment, task: Task, why: str, *, by: int, now: datetime) -> None:
    if not may_confirm(row.person_id, by, task.responsible_id):
        raise Refused(mark("Nobody confirms their own task. A colleague who may set tasks can."))
    row.status = _moved(row, "send_back")
    row.answer = why
    _record(session, "task sent back", row, task, by=by, now=now, reason=why)
    _tell(session, "assigned", task, row, [session.get_one(Person, row.person_id)], now=now)


def withdraw(session: Session, task: Task, *, by: int | None, now: datetime) -> None:
    """For everybody who has not done it; what is done stays done."""
    if task.withdrawn_at is not None:
        raise Refused(mark("This task has been withdrawn already."))
    task.withdrawn_at = now
    for row in queries.assignments_of(session, task.id or 0):
        if row.status in WAITS:
            _stop(row, "withdraw")
    record(session, "task withdrawn", "task", task.id, by=by, now=now, organisation_id=task.organisation_id)


def extend(session: Session, task: Task, due: datetime, *, reason: str, by: int, now: datetime) -> None:
    """A later deadline for everybody who has not done it; the reminders begin anew."""
    if task.withdrawn_at is not None:
        raise Refused(mark("This task has been withdrawn already."))
    if due <= task.due:
        raise Refused(mark("A new deadline lies after the present one."), status=422)
    before, task.due = task.due, due
    for row in queries.assignments_of(session, task.id or 0):
        if row.status in WAITS and row.due < due:
            row.due = due
            _run(session, task, row, now=now, told=reached(_ladder(session, task, due, now), now))
    record(
        session,
        "deadline of a task extended",
        "task",
        task.id,
        by=by,
        now=now,
        organisation_id=task.organisation_id,
        reason=reason,
        before={"until": last_day(before).isoformat()},
        after={"until": last_day(due).isoformat()},
    )


def give_task(session: Session, task_id: int, person_id: int, *, by: int | None, now: datetime) -> None:
    """To a colleague who confirms it from now on."""
    task = session.get_one(Task, task_id)
    before, task.responsible_id = task.responsible_id, person_id
    record(
        session,
        "task handed over",
        "task",
        task_id,
        by=by,
        now=now,
        organisation_id=task.organisation_id,
        before={"person": before},
        after={"person": person_id},
    )


# Coming and leaving: in the same transaction


def people_changed(session: Session, organisation_id: int, now: datetime) -> None:
    """Who has left has no tasks there any more; who has come gets those of everybody and of their roles."""
    session.flush()
    for row, task in queries.gone_with_tasks(session, organisation_id):
        _stop(row, "leave")
        _record(session, "task ended: the person left", row, task, by=None, now=now)
    for task, person_id in queries.newcomers(session, organisation_id, now):
        _give(session, task, [person_id], now=now)


# Telling


def remind(session: Session, assignment_id: int, *, now: datetime) -> None:
    """The steps whose time has come, each once: the person, then the owners, then the staff desk."""
    found = queries.assignment_with(session, assignment_id)
    if found is None or found[0].status not in WAITS or not found[0].tell_at or found[0].tell_at > now:
        return
    row, task = found
    if complete(session, assignment_id, now=now):
        return
    steps = _ladder(session, task, row.due, now)
    for step in to_tell(steps, row.told, now):
        if step is Step.OWNER:
            _tell_owners(session, task, row, now=now)
        elif step is Step.STAFF:
            _record(session, "task overdue: on the staff desk", row, task, by=None, now=now)
        elif row.status is Status.OPEN:  # who said it is done waits for somebody else
            _tell(
                session,
                "overdue" if step is Step.OVERDUE else "due",
                task,
                row,
                [session.get_one(Person, row.person_id)],
                now=now,
            )
    _run(session, task, row, now=now, told=reached(steps, now))


def _tell_owners(session: Session, task: Task, row: Assignment, *, now: datetime) -> None:
    owners = [o for o in owners_of(session, task.organisation_id) if o.id != row.person_id]
    _record(session, "task overdue: owners told", row, task, by=None, now=now)
    _tell(session, "escalated", task, row, owners, now=now)


def _tell(
    session: Session, news: str, task: Task, row: Assignment, people: Sequence[Person], *, now: datetime
) -> None:
    name = name_of(task.kind, task.subject, task.title, programme_at(session, now))
    of = session.get_one(Person, row.person_id).name
    own = f"/my/tasks#task-{row.id}"
    path = (
        own
        if news in ("assigned", "due", "overdue")
        else f"/staff/tasks/{task.id}"
        if task.from_staff and news == "said"
        else f"/my/team/tasks/{task.id}"
    )
    for person in people:
        with speaking(person.language):
            values = {
                "name": person.name,
                "task": local(name),
                "day": show_date(last_day(row.due)),
                "days": max(0, (last_day(row.due) - clock.today(now)).days),
                "person": of,
                "note": task.note,
                "answer": row.answer,
                "path": path,
            }
        if news == "assigned":
            send_mail(session, "tasks/assigned", to=person, now=now, **values)
        elif news in ("due", "overdue"):
            send_mail(session, "tasks/due", to=person, now=now, overdue=news == "overdue", **values)
        elif news == "said":
            send_mail(session, "tasks/said", to=person, now=now, said=row.said, **values)
        else:
            send_mail(session, "tasks/escalated", to=person, now=now, **values)
