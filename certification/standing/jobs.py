"""Recompute levels when time has passed."""

from certification.standing.actions import recompute
from certification.standing.queries import levels_to_recompute
from portal import clock
from portal.context import sessions
from portal.db import transaction

_last: list[object] = []


def sweep_levels() -> None:
    """Once an hour: every public level, each in its own transaction under lock."""
    now = clock.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    if _last == [hour]:
        return
    with transaction(sessions(), read_only=True) as session:
        due = levels_to_recompute(session)
    for organisation_id, family in due:
        with transaction(sessions()) as session:
            recompute(session, organisation_id, family, now=now)
    _last[:] = [hour]
