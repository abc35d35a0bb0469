"""Nominations when an organisation merges, leaves or is exported."""

from datetime import datetime
from typing import Any

from sqlmodel import Session, col

from casebook.awards.actions import withdraw
from casebook.awards.models import Nomination
from casebook.awards.queries import in_both, objections_of, running_of
from portal.desk.parts import Copies, Fate, Line
from portal.leaving.rules import as_data
from portal.mergers.own import move
from portal.mergers.queries import how_many, rows_of
from portal.organisations.models import Organisation
from portal.refusal import mark
from portal.seasons.models import SeasonException


def merge_preview(session: Session, from_id: int, into_id: int) -> list[Line]:
    twice = in_both(session, from_id, into_id)
    every = how_many(session, Nomination.organisation_id, from_id)
    return [
        Line(mark("Nominations for awards: %(n)s"), Fate.MOVES, every - len(twice)),
        Line(
            mark("Nominations for an award that both made: %(n)s"),
            Fate.ENDS,
            len(twice),
            mark("The remaining organisation's own holds."),
        ),
        Line(
            mark("Forms opened after their phase: %(n)s"),
            Fate.MOVES,
            how_many(session, SeasonException.organisation_id, from_id),
        ),
    ]


def merge(
    session: Session, from_id: int, into_id: int, *, by: int, now: datetime, **_: Any
) -> dict[str, list[int]]:
    """Nobody stands twice for one award: of two the remaining organisation's own holds."""
    twice = in_both(session, from_id, into_id)
    for row in running_of(session, from_id):
        if row.id in twice:
            withdraw(session, row, reason=mark("The organisations merged."), by=by, now=now)
    session.flush()
    moved = move(session, Nomination.organisation_id, from_id, into_id, col(Nomination.id).not_in(twice))
    return moved | move(session, SeasonException.organisation_id, from_id, into_id)


def leave_preview(session: Session, organisation_id: int) -> list[Line]:
    return [
        Line(
            mark("Nominations for awards, withdrawn: %(n)s"),
            Fate.ENDS,
            len(running_of(session, organisation_id)),
        )
    ]


def leave(session: Session, organisation: Organisation, _reason: str, *, by: int, now: datetime) -> None:
    for row in running_of(session, organisation.id or 0):
        withdraw(session, row, reason=mark("The organisation left."), by=by, now=now)


def export(session: Session, organisation_id: int) -> Copies:
    rows = rows_of(session, Nomination.organisation_id, organisation_id, lock=False)
    return Copies(
        {
            "awards.json": [
                as_data(row)
                | {
                    "objections": [
                        as_data(o, leave_out=("person_id",)) for o in objections_of(session, row.id)
                    ]
                }
                for row in rows
            ]
        }
    )
