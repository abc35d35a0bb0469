"""Applications for cohorts when an organisation merges, leaves or is exported."""

from datetime import datetime
from typing import Any

from sqlmodel import Session, col

from portal.desk.parts import Copies, Fate, Line
from portal.leaving.rules import as_data
from portal.mergers.own import move
from portal.mergers.queries import how_many, rows_of
from portal.organisations.models import Organisation
from portal.refusal import mark
from training.cohorts.actions import leave as take_back
from training.cohorts.models import CohortApplication
from training.cohorts.queries import open_applications


def _in_both(session: Session, from_id: int, into_id: int) -> set[int]:
    column = CohortApplication.organisation_id
    ours = {row.cohort_id for row in rows_of(session, column, from_id, lock=False)}
    return ours & {row.cohort_id for row in rows_of(session, column, into_id, lock=False)}


def merge_preview(session: Session, from_id: int, into_id: int) -> list[Line]:
    twice = _in_both(session, from_id, into_id)
    every = how_many(session, CohortApplication.organisation_id, from_id)
    return [
        Line(mark("Applications for cohorts: %(n)s"), Fate.MOVES, every - len(twice)),
        Line(
            mark("Applications for a cohort that both made: %(n)s"),
            Fate.ENDS,
            len(twice),
            mark("The remaining organisation's own holds."),
        ),
    ]


def merge(
    session: Session, from_id: int, into_id: int, *, by: int, now: datetime, **_: Any
) -> dict[str, list[int]]:
    """Nobody stands twice in one cohort: of two the remaining organisation's own holds."""
    twice = _in_both(session, from_id, into_id)
    for row in open_applications(session, from_id):
        if row.cohort_id in twice:
            take_back(session, row.cohort_id, from_id, by=by, now=now)
    session.flush()
    others = col(CohortApplication.cohort_id).not_in(twice)
    return move(session, CohortApplication.organisation_id, from_id, into_id, others)


def leave_preview(session: Session, organisation_id: int) -> list[Line]:
    running = len(open_applications(session, organisation_id))
    return [Line(mark("Applications for cohorts and places in them, given up: %(n)s"), Fate.ENDS, running)]


def leave(session: Session, organisation: Organisation, _reason: str, *, by: int, now: datetime) -> None:
    for row in open_applications(session, organisation.id or 0):
        take_back(session, row.cohort_id, organisation.id or 0, by=by, now=now)


def export(session: Session, organisation_id: int) -> Copies:
    rows = rows_of(session, CohortApplication.organisation_id, organisation_id, lock=False)
    return Copies({"cohorts.json": [as_data(row) for row in rows]})
