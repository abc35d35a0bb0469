"""A new season is announced on the day it begins."""

from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.programme.queries import programme_at
from portal.seasons import actions, queries
from portal.seasons.rules import year_of


def sweep_seasons() -> None:
    """The sweep only narrows; announcing looks again."""
    now = clock.now()
    with transaction(sessions(), read_only=True) as session:
        row = queries.season_at(session, now)
        year = year_of(programme_at(session, now).season["phases"], clock.today(now))
        due = row is None or (row.year < year and row.ends_at <= now)
    if due:
        with transaction(sessions()) as session:
            actions.ensure_season(session, now=now)
