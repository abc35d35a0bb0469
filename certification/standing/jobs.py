"""Recompute levels when time has passed."""

from certification.standing.actions import note_stars, recompute
from certification.standing.queries import levels_to_recompute, stars_out_of_date
from portal import clock
from portal.context import sessions
from portal.db import transaction

_last: list[object] = []


def sweep_levels() -> None:
    """Once an hour: every public level, each in its own transaction under lock; then the stars that come by themselves."""
    now = clock.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    if _last == [hour]:
        return
    with transaction(sessions(), read_only=True) as session:
        due = levels_to_recompute(session)
    for organisation_id, family in due:
        with transaction(sessions()) as session:
            recompute(session, organisation_id, family, now=now)
    with transaction(sessions(), read_only=True) as session:
        changed = stars_out_of_date(session, now)
    for organisation_id in changed:
        with transaction(sessions()) as session:
            note_stars(session, organisation_id, now=now)
    _last[:] = [hour]
