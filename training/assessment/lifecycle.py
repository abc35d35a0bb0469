"""Self-tests when an organisation merges or is exported."""

from typing import Any

from sqlmodel import Session

from portal.desk.parts import Copies, Fate, Line
from portal.leaving.rules import as_data
from portal.mergers.own import move
from portal.mergers.queries import how_many, rows_of
from portal.refusal import mark
from training.assessment.models import Assessment


def merge_preview(session: Session, from_id: int, _into_id: int) -> list[Line]:
    return [
        Line(mark("Self-tests: %(n)s"), Fate.MOVES, how_many(session, Assessment.organisation_id, from_id))
    ]


def merge(session: Session, from_id: int, into_id: int, **_: Any) -> dict[str, list[int]]:
    return move(session, Assessment.organisation_id, from_id, into_id)


def export(session: Session, organisation_id: int) -> Copies:
    rows = rows_of(session, Assessment.organisation_id, organisation_id, lock=False)
    return Copies({"self-tests.json": [as_data(row) for row in rows]})
