"""Ask for capacity again before it is not believed any more."""

from datetime import timedelta

from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.profile.actions import remind_capacity
from portal.profile.queries import capacity_runs_out
from portal.programme.queries import programme_at


def sweep_capacity() -> None:
    """The sweep only narrows: each storefront is looked at again under lock."""
    now = clock.now()
    with transaction(sessions(), read_only=True) as session:
        programme = programme_at(session, now)
        days = timedelta(days=programme.matching["capacity_expires_d"])
        before = timedelta(days=programme.profile["capacity_reminder_d"])
        due = capacity_runs_out(session, now - days + before, now - days)
    for organisation_id in due:
        with transaction(sessions()) as session:
            remind_capacity(session, organisation_id, now=now)
