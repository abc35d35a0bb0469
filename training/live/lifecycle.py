"""Seats when an organisation merges, leaves or is exported."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from portal.desk.parts import Copies, Fate, Line
from portal.leaving.rules import as_data
from portal.mergers.own import move
from portal.mergers.queries import how_many, rows_of
from portal.organisations.models import Organisation
from portal.refusal import mark
from training.live.actions import free_all
from training.live.models import LiveSeat


def merge_preview(session: Session, from_id: int, _into_id: int) -> list[Line]:
    seats = how_many(session, LiveSeat.organisation_id, from_id)
    return [Line(mark("Seats in live sessions: %(n)s"), Fate.MOVES, seats)]


def merge(session: Session, from_id: int, into_id: int, **_: Any) -> dict[str, list[int]]:
    return move(session, LiveSeat.organisation_id, from_id, into_id)


def export(session: Session, organisation_id: int) -> Copies:
    seats = rows_of(session, LiveSeat.organisation_id, organisation_id, lock=False)
    return Copies({"live-seats.json": [as_data(seat) for seat in seats]})


def leave(session: Session, organisation: Organisation, _reason: str, *, by: int, now: datetime) -> None:
    free_all(session, organisation.id or 0, by=by, now=now)
