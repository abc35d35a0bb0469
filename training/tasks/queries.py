"""Tasks, whose they are, and what is known of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, exists, func, or_, select

from portal.accounts.models import Person
from portal.desk.parts import OpenThing
from portal.ledger.models import Fact
from portal.ledger.rules import FactKind
from portal.organisations.models import Employment, EmploymentRole, Organisation
from portal.organisations.queries import in_force
from portal.organisations.rules import EmploymentStatus
from training.maturity.models import Assessment
from training.tasks.models import Assignment, Task
from training.tasks.rules import WAITS, Audience, Evidence, Status, Step, TaskKind
from training.tracks.models import ModuleProgress

WAITING = col(Assignment.status).in_(WAITS)


@dataclass(frozen=True)
class Given:
    """A task of somebody."""

    assignment: Assignment
    task: Task
    person: str
    issuer: str | None  # None: the portal

    def overdue(self, now: datetime) -> bool:
        return self.assignment.status in WAITS and self.assignment.due <= now

    @property
    def in_time(self) -> bool:
        done = self.assignment.done_at
        return done is not None and done <= self.assignment.due


def _given(session: Session, *conditions: ColumnElement[bool]) -> list[Given]:
    issuer = aliased(Person)
    rows = session.exec(
        select(Assignment, Task, Person.name, issuer.name)
        .join(Task, col(Assignment.task_id) == col(Task.id))
        .join(Person, col(Assignment.person_id) == col(Person.id))
        .join(issuer, col(Task.issued_by) == col(issuer.id), isouter=True)
        .where(*conditions)
        .order_by(col(Assignment.due), col(Assignment.id))
    )
    return [Given(*row) for row in rows]


def tasks_of_person(session: Session, organisation_id: int, person_id: int, since: datetime) -> list[Given]:
    """Mine: what waits, and what was done since; by deadline."""
    return _given(
        session,
        col(Task.organisation_id) == organisation_id,
        col(Assignment.person_id) == person_id,
        WAITING | ((col(Assignment.status) == Status.DONE) & (col(Assignment.done_at) > since)),
    )


def waiting_of_person(session: Session, organisation_id: int, person_id: int) -> list[Given]:
    """By deadline."""
    return _given(
        session,
        col(Task.organisation_id) == organisation_id,
        col(Assignment.person_id) == person_id,
        WAITING,
    )


def given_in(session: Session, organisation_id: int) -> list[Given]:
    """Everybody's in an organisation, those of who left too; by deadline."""
    return _given(session, col(Task.organisation_id) == organisation_id)


def given_of(session: Session, task_id: int) -> list[Given]:
    return _given(session, col(Assignment.task_id) == task_id)


def issuer_of(session: Session, task: Task) -> str | None:
    """None: the portal."""
    person = session.get(Person, task.issued_by) if task.issued_by else None
    return person.name if person else None


def task_in(session: Session, task_id: int, organisation_id: int, *, lock: bool = False) -> Task | None:
    query = select(Task).where(Task.id == task_id, Task.organisation_id == organisation_id)
    return session.exec(query.with_for_update() if lock else query).first()


def task_of_staff(session: Session, task_id: int, *, lock: bool = False) -> tuple[Task, Organisation] | None:
    """One that staff set, with the organisation that got it."""
    query = select(Task, Organisation).join(Organisation).where(Task.id == task_id, col(Task.from_staff))
    return session.exec(query.with_for_update(of=Task) if lock else query).first()


def tasks_in(session: Session, organisation_id: int, limit: int = 50) -> list[tuple[Task, int, int]]:
    """(task, how many have it, how many of them are done), newest first."""
    return list(
        session.exec(
            select(
                Task,
                func.count(col(Assignment.id)).filter(col(Assignment.status) != Status.LEFT),
                func.count(col(Assignment.id)).filter(col(Assignment.status) == Status.DONE),
            )
            .join(Assignment, isouter=True)
            .where(Task.organisation_id == organisation_id)
            .group_by(col(Task.id))
            .order_by(col(Task.issued_at).desc(), col(Task.id).desc())
            .limit(limit)
        )
    )


def same_task(session: Session, task: Task, since: datetime) -> Task | None:
    """The same, set by the same person a moment ago: a double click."""
    return session.exec(
        select(Task).where(
            Task.organisation_id == task.organisation_id,
            Task.kind == task.kind,
            Task.subject == task.subject,
            Task.title == task.title,
            Task.audience == task.audience,
            Task.role == task.role,
            Task.due == task.due,
            Task.issued_by == task.issued_by,
            Task.issued_at > since,
            col(Task.withdrawn_at).is_(None),
        )
    ).first()


def assignments_of(session: Session, task_id: int) -> list[Assignment]:
    """Locked."""
    return list(
        session.exec(
            select(Assignment)
            .where(Assignment.task_id == task_id)
            .order_by(col(Assignment.id))
            .with_for_update()
        )
    )


def assignment_of(
    session: Session, assignment_id: int, organisation_id: int, person_id: int
) -> tuple[Assignment, Task] | None:
    """One of that person's own, locked."""
    return session.exec(
        select(Assignment, Task)
        .join(Task)
        .where(
            Assignment.id == assignment_id,
            Assignment.person_id == person_id,
            Task.organisation_id == organisation_id,
        )
        .with_for_update(of=Assignment)
    ).first()


def assignment_with(session: Session, assignment_id: int) -> tuple[Assignment, Task] | None:
    """Locked, and read anew."""
    return session.exec(
        select(Assignment, Task)
        .join(Task)
        .where(Assignment.id == assignment_id)
        .with_for_update(of=Assignment),
        execution_options={"populate_existing": True},
    ).first()


def gone_with_tasks(session: Session, organisation_id: int) -> list[tuple[Assignment, Task]]:
    """What waits in an organisation for people who do not work there any more; locked."""
    works = exists().where(
        col(Employment.person_id) == col(Assignment.person_id),
        col(Employment.organisation_id) == organisation_id,
        col(Employment.status) == EmploymentStatus.CONFIRMED,
    )
    return list(
        session.exec(
            select(Assignment, Task)
            .join(Task)
            .where(Task.organisation_id == organisation_id, WAITING, ~works)
            .with_for_update(of=Assignment)
        )
    )


def _missing(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Tasks for everybody or for a role × who should have them and has not."""
    has_it = exists().where(
        col(Assignment.task_id) == col(Task.id),
        col(Assignment.person_id) == col(Employment.person_id),
        col(Assignment.status) != Status.LEFT,
    )
    holds = exists().where(
        col(EmploymentRole.employment_id) == col(Employment.id),
        col(EmploymentRole.role) == col(Task.role),
        in_force(EmploymentRole, now),
    )
    return (
        col(Employment.status) == EmploymentStatus.CONFIRMED,
        col(Task.withdrawn_at).is_(None),
        col(Task.due) > now,
        or_(
            col(Task.audience) == Audience.EVERYBODY,
            (col(Task.audience) == Audience.ROLE) & holds,
        ),
        ~has_it,
    )


def organisations_with_newcomers(session: Session, now: datetime) -> list[int]:
    """Where somebody should have a task that they have not got yet."""
    return list(
        session.exec(
            select(Task.organisation_id)
            .join(Employment, col(Employment.organisation_id) == col(Task.organisation_id))
            .where(*_missing(now))
            .distinct()
        )
    )


def newcomers(session: Session, organisation_id: int, now: datetime) -> list[tuple[Task, int]]:
    """(task, person) of what is still to be given."""
    return [
        (task, person_id)
        for task, person_id in session.exec(
            select(Task, Employment.person_id)
            .join(Employment, col(Employment.organisation_id) == col(Task.organisation_id))
            .where(Task.organisation_id == organisation_id, *_missing(now))
            .order_by(col(Task.id), col(Employment.id))
        )
        if person_id is not None
    ]


def steps_due(session: Session, now: datetime) -> list[int]:
    """Assignments of which somebody is to be told."""
    return [
        i
        for i in session.exec(
            select(Assignment.id).where(WAITING, col(Assignment.tell_at) <= now).order_by(col(Assignment.id))
        )
        if i is not None
    ]


def next_step_due(session: Session, now: datetime) -> tuple[int, datetime] | None:
    """The assignment of which somebody was to be told first, and when."""
    row = session.exec(
        select(Assignment.id, Assignment.tell_at)
        .where(WAITING, col(Assignment.tell_at) <= now)
        .order_by(col(Assignment.tell_at), col(Assignment.id))
        .limit(1)
    ).first()
    return (row[0] or 0, row[1]) if row and row[1] else None


def perhaps_done(session: Session, person_id: int | None = None) -> list[int]:
    """Open assignments whose person (or organisation) has learned, passed or tested something since."""
    learned = exists().where(
        col(ModuleProgress.person_id) == col(Assignment.person_id),
        or_(
            col(ModuleProgress.finished_at) >= col(Assignment.assigned_at),
            col(ModuleProgress.shortened_at) >= col(Assignment.assigned_at),
        ),
    )
    passed = exists().where(
        col(Fact.person_id) == col(Assignment.person_id),
        col(Fact.kind).in_([FactKind.CERTIFICATE, FactKind.COURSE]),
        col(Fact.recorded_at) >= col(Assignment.assigned_at),
    )
    tested = exists().where(
        col(Assessment.organisation_id) == col(Task.organisation_id),
        col(Assessment.taken_at) >= col(Task.issued_at),
    )
    query = (
        select(Assignment.id)
        .join(Task)
        .where(
            Assignment.status == Status.OPEN,
            or_(
                col(Task.kind).in_([TaskKind.LESSON, TaskKind.TRACK]) & learned,
                col(Task.kind).in_([TaskKind.EXAM, TaskKind.RENEWAL]) & passed,
                (col(Task.kind) == TaskKind.SELF_TEST) & tested,
            ),
        )
        .order_by(col(Assignment.id))
    )
    if person_id is not None:
        query = query.where(Assignment.person_id == person_id)
    return [i for i in session.exec(query) if i is not None]


def evidence_of(
    session: Session, organisation_id: int, people: Sequence[int], now: datetime
) -> dict[int, Evidence]:
    """Person → what is known of their learning; three queries however many they are."""
    modules: dict[int, dict[str, datetime]] = {person: {} for person in people}
    for person, key, finished, shortened in session.exec(
        select(
            ModuleProgress.person_id,
            ModuleProgress.module,
            ModuleProgress.finished_at,
            ModuleProgress.shortened_at,
        ).where(col(ModuleProgress.person_id).in_(people))
    ):
        if at := finished or shortened:
            modules[person][key] = at
    held: dict[int, dict[str, datetime]] = {person: {} for person in people}
    renewed: dict[int, dict[str, datetime]] = {person: {} for person in people}
    for fact in session.exec(
        select(Fact)
        .where(
            col(Fact.person_id).in_(people),
            col(Fact.kind).in_([FactKind.CERTIFICATE, FactKind.COURSE]),
            col(Fact.retracted_at).is_(None),
            Fact.true_from <= now,
            or_(col(Fact.true_until).is_(None), col(Fact.true_until) > now),
        )
        .order_by(col(Fact.id))
    ):
        if fact.kind == FactKind.COURSE:
            renewed[fact.person_id or 0][fact.value["track"]] = fact.true_from
        else:
            held[fact.person_id or 0].setdefault(fact.value["code"], fact.true_from)
    tested = session.exec(
        select(func.max(Assessment.taken_at)).where(Assessment.organisation_id == organisation_id)
    ).one()
    return {person: Evidence(modules[person], held[person], renewed[person], tested) for person in people}


def escalated(session: Session) -> list[tuple[Given, Organisation]]:
    """What waits for longer than owners are given: for the staff desk, the oldest first."""
    rows = session.exec(
        select(Assignment, Task, Person.name, Organisation)
        .join(Task, col(Assignment.task_id) == col(Task.id))
        .join(Person, col(Assignment.person_id) == col(Person.id))
        .join(Organisation, col(Task.organisation_id) == col(Organisation.id))
        .where(WAITING, Assignment.told == Step.STAFF)
        .order_by(col(Assignment.due), col(Assignment.id))
        .limit(200)
    )
    return [(Given(row, task, name, None), organisation) for row, task, name, organisation in rows]


def how_many_escalated(session: Session) -> int:
    return session.exec(
        select(func.count()).select_from(Assignment).where(WAITING, Assignment.told == Step.STAFF)
    ).one()


# Handing over


def tasks_to_hand(session: Session, organisation_id: int, person_id: int) -> list[OpenThing]:
    """Tasks that somebody set and that others still work on."""
    rows = session.exec(
        select(Task)
        .where(
            Task.organisation_id == organisation_id,
            Task.responsible_id == person_id,
            ~col(Task.from_staff),
            col(Task.withdrawn_at).is_(None),
            exists().where(col(Assignment.task_id) == col(Task.id), WAITING),
        )
        .order_by(col(Task.id))
    )
    return [_thing(row) for row in rows]


def task_to_hand(session: Session, organisation_id: int, task_id: int) -> OpenThing | None:
    """Locked; None when it is withdrawn or not theirs."""
    row = task_in(session, task_id, organisation_id, lock=True)
    return _thing(row) if row and not row.from_staff and row.withdrawn_at is None else None


def _thing(row: Task) -> OpenThing:
    return OpenThing(
        row.id or 0, row.title or row.subject, f"/my/team/tasks/{row.id}", "task", row.responsible_id
    )
