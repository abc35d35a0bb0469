"""Somebody's placement tests."""

from sqlmodel import Session, col, select

from training.lessons.queries import lessons_now
from training.placement.models import Placement
from training.tracks.rules import Practice


def last_placement(session: Session, person_id: int, track: str, *, lock: bool = False) -> Placement | None:
    query = (
        select(Placement)
        .where(Placement.person_id == person_id, Placement.track == track)
        .order_by(col(Placement.id).desc())
        .limit(1)
    )
    return session.exec(query.with_for_update() if lock else query).first()


def questions_of(session: Session, placement: Placement, language: str) -> list[Practice]:
    """What it asks, as the lessons were published when it began."""
    modules = {str(module) for module, _ in placement.drawn}
    lessons = lessons_now(session, modules, language, at=placement.started_at)
    return [lessons[str(module)].practice[int(n) - 1] for module, n in placement.drawn]
