"""Somebody's placement tests."""

from sqlmodel import Session, col, select

from training.placement.models import Placement


def last_placement(session: Session, person_id: int, track: str, *, lock: bool = False) -> Placement | None:
    query = (
        select(Placement)
        .where(Placement.person_id == person_id, Placement.track == track)
        .order_by(col(Placement.id).desc())
        .limit(1)
    )
    return session.exec(query.with_for_update() if lock else query).first()
