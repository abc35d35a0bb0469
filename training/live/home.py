"""The next live session with a seat, as a clock on the home page."""

from datetime import datetime

from sqlmodel import Session

from portal.desk.parts import Clock
from portal.i18n import local
from portal.refusal import mark
from portal.web.viewer import Viewer
from training.live.queries import next_with_seat


def clocks(session: Session, viewer: Viewer, now: datetime) -> list[Clock]:
    if not viewer.may("live"):
        return []
    live = next_with_seat(session, viewer.person_id, now)
    if live is None:
        return []
    return [
        Clock(
            live.starts_at,
            mark("Your live session begins: %(title)s"),
            f"/my/live/{live.id}",
            {"title": local(live.title)},
        )
    ]
