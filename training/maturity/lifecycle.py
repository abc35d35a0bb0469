"""Measurements and evidence when an organisation merges or is exported."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from portal.desk.parts import Copies, Fate, Line
from portal.leaving.rules import as_data
from portal.mergers.own import move
from portal.mergers.queries import how_many, rows_of
from portal.organisations.models import Organisation
from portal.refusal import mark
from training.maturity.actions import take_back
from training.maturity.models import Assessment, MaturityProof
from training.maturity.queries import evidence_files, open_proofs_of


def merge_preview(session: Session, from_id: int, _into_id: int) -> list[Line]:
    proofs = how_many(session, MaturityProof.organisation_id, from_id)
    return [
        Line(mark("Self-tests: %(n)s"), Fate.MOVES, how_many(session, Assessment.organisation_id, from_id)),
        Line(mark("Evidence of maturity; what is undecided is taken back: %(n)s"), Fate.MOVES, proofs),
    ]


def merge(
    session: Session, from_id: int, into_id: int, *, by: int, now: datetime, **_: Any
) -> dict[str, list[int]]:
    """What lies open is taken back: the other organisation may have the same dimension open."""
    for proof in open_proofs_of(session, from_id):
        take_back(session, proof, by=by, now=now)
    session.flush()
    return move(session, Assessment.organisation_id, from_id, into_id) | move(
        session, MaturityProof.organisation_id, from_id, into_id
    )


def export(session: Session, organisation_id: int) -> Copies:
    rows = rows_of(session, Assessment.organisation_id, organisation_id, lock=False)
    proofs = rows_of(session, MaturityProof.organisation_id, organisation_id, lock=False)
    evidence = evidence_files(session, organisation_id)
    return Copies(
        {
            "self-tests.json": [as_data(row) for row in rows],
            "maturity.json": [as_data(row) for row in proofs],
            "maturity-evidence.json": [as_data(one) for one, _, _ in evidence],
        },
        {
            f"maturity/{proof.dimension}-{one.id}-{file.name}": file
            for one, proof, file in evidence
            if file is not None
        },
    )


def leave(session: Session, organisation: Organisation, _reason: str, *, by: int, now: datetime) -> None:
    for proof in open_proofs_of(session, organisation.id or 0):
        take_back(session, proof, by=by, now=now)
