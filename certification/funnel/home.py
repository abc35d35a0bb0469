"""The way from the desk to the funnel."""

from datetime import datetime

from sqlmodel import Session

from portal.desk.parts import DeskLine
from portal.organisations.queries import unverified
from portal.refusal import mark
from portal.web.viewer import Viewer


def desk_lines(session: Session, _viewer: Viewer, _now: datetime) -> list[DeskLine]:
    return [
        DeskLine(
            mark("Funnel"),
            unverified(session),
            "/staff/funnel",
            mark("Registered and not yet verified; how many come how far, and how fast."),
        )
    ]
