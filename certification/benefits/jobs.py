"""Once an hour: periods that are over, organisations that have none of their benefits yet, new rules."""

from datetime import datetime

from certification.benefits import queries
from certification.benefits.actions import follow_stars
from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.programme.queries import programme_at

_last: list[datetime] = []


def sweep_benefits() -> None:
    now = clock.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    if _last == [hour]:
        return
    with transaction(sessions(), read_only=True) as session:
        due = queries.out_of_date(session, str(programme_at(session, now)["version"]), now)
    for organisation_id in due:
        with transaction(sessions()) as session:
            follow_stars(session, organisation_id, now)
    _last[:] = [hour]
