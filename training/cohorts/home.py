"""Cohorts to choose, as a line of the staff desk."""

from datetime import datetime

from sqlmodel import Session

from portal.desk.parts import DeskLine
from portal.refusal import mark
from portal.web.viewer import Viewer
from training.cohorts.queries import to_choose


def desk_lines(session: Session, viewer: Viewer, now: datetime) -> list[DeskLine]:
    if not viewer.may("staff_cohort"):
        return []
    return [
        DeskLine(
            mark("Fostering cohorts to choose"),
            to_choose(session, now),
            "/staff/cohorts",
            mark("the time to apply is over"),
        )
    ]
