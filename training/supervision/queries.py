"""The board: three queries however many people there are."""

from datetime import datetime

from sqlmodel import Session

from portal.ledger.queries import facts_of_people
from portal.organisations.queries import members_of
from portal.organisations.rules import EmploymentStatus
from portal.programme.rules import Programme
from training.supervision.rules import Board, TaskLine, Worker, board_of
from training.tasks.queries import Given, given_in
from training.tasks.rules import name_of


def board(session: Session, organisation_id: int, programme: Programme, now: datetime) -> Board:
    """The same numbers for owners and for staff."""
    workers = [
        Worker(
            m.person_id, m.employment_id, m.name, tuple(dict.fromkeys(h.role.value for h in m.roles)), m.since
        )
        for m in members_of(session, organisation_id, now)
        if m.status == EmploymentStatus.CONFIRMED and m.person_id is not None
    ]
    here = {w.person_id for w in workers}
    facts = facts_of_people(session, sorted(here)) if here else []
    tasks = [
        task_line(g, programme) for g in given_in(session, organisation_id) if g.assignment.person_id in here
    ]
    return board_of(workers, facts, tasks, programme, now)


def task_line(given: Given, programme: Programme) -> TaskLine:
    row, task = given.assignment, given.task
    return TaskLine(
        row.person_id,
        name_of(task.kind, task.subject, task.title, programme),
        row.status,
        row.due,
        row.done_at,
        f"/my/team/tasks/{task.id}",
    )
