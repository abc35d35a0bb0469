"""Tasks when an organisation merges, leaves or is exported."""

from datetime import datetime
from typing import Any

from sqlmodel import Session, col

from portal.desk.parts import Copies, Fate, Line
from portal.leaving.rules import as_data
from portal.mergers.own import move
from portal.mergers.queries import how_many, rows_of
from portal.organisations.models import Organisation
from portal.refusal import mark
from training.tasks.actions import withdraw
from training.tasks.models import Assignment, Task


def merge_preview(session: Session, from_id: int, _into_id: int) -> list[Line]:
    return [Line(mark("Training tasks: %(n)s"), Fate.MOVES, how_many(session, Task.organisation_id, from_id))]


def merge(session: Session, from_id: int, into_id: int, **_: Any) -> dict[str, list[int]]:
    return move(session, Task.organisation_id, from_id, into_id)


def leave_preview(session: Session, organisation_id: int) -> list[Line]:
    running = how_many(session, Task.organisation_id, organisation_id, col(Task.withdrawn_at).is_(None))
    return [Line(mark("Training tasks, withdrawn for everybody: %(n)s"), Fate.ENDS, running)]


def leave(session: Session, organisation: Organisation, _reason: str, *, by: int, now: datetime) -> None:
    for task in rows_of(session, Task.organisation_id, organisation.id or 0):
        if task.withdrawn_at is None:
            withdraw(session, task, by=by, now=now)


def export(session: Session, organisation_id: int) -> Copies:
    tasks = rows_of(session, Task.organisation_id, organisation_id, lock=False)
    return Copies(
        {
            "tasks.json": [
                as_data(task)
                | {
                    "people": [
                        as_data(row) for row in rows_of(session, Assignment.task_id, task.id, lock=False)
                    ]
                }
                for task in tasks
            ]
        }
    )
