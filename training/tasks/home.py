"""What tasks contribute to the home page and the staff desk."""

from datetime import datetime, timedelta

from sqlmodel import Session

from portal.desk.parts import Clock, DeskLine, Next
from portal.i18n import local, show_date
from portal.refusal import mark
from portal.web.viewer import Viewer
from training.tasks import queries
from training.tasks.queries import Given
from training.tasks.rules import SHOWN_BEFORE, URGENT_BEFORE, Status, last_day, name_of


def _mine(session: Session, viewer: Viewer) -> list[Given]:
    if viewer.organisation is None or not viewer.may("learn"):
        return []
    waiting = queries.waiting_of_person(session, viewer.organisation.id, viewer.person_id)
    return [g for g in waiting if g.assignment.status is Status.OPEN]


def next_step(session: Session, viewer: Viewer, now: datetime) -> Next | None:
    """A task of mine that is overdue, or due within three days."""
    for given in _mine(session, viewer):
        task, row = given.task, given.assignment
        if row.due - now > URGENT_BEFORE:
            break
        values = {
            "task": local(name_of(task.kind, task.subject, task.title, viewer.programme)),
            "day": show_date(last_day(row.due)),
        }
        text = mark("It was due on %(day)s.") if row.due <= now else mark("It is due on %(day)s.")
        return Next(
            mark("Your task: %(task)s"), text, f"/my/tasks#task-{row.id}", mark("Open the task"), values
        )
    return None


def clocks(session: Session, viewer: Viewer, now: datetime) -> list[Clock]:
    return [
        Clock(
            given.assignment.due,
            mark("Your task is due: %(task)s"),
            f"/my/tasks#task-{given.assignment.id}",
            {"task": local(name_of(given.task.kind, given.task.subject, given.task.title, viewer.programme))},
        )
        for given in _mine(session, viewer)
        if timedelta() < given.assignment.due - now <= SHOWN_BEFORE
    ]


def desk_lines(session: Session, viewer: Viewer, _now: datetime) -> list[DeskLine]:
    if not viewer.is_staff:
        return []
    return [
        DeskLine(
            mark("Training tasks that owners let lie"),
            queries.how_many_escalated(session),
            "/staff/tasks",
            mark("five working days overdue; the owners were told after two"),
        )
    ]
