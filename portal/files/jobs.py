"""Remove what an upload left behind that came to nothing."""

from datetime import date

from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.files.actions import remove_orphans

_swept: list[date] = []  # the last day on which this process looked


def sweep_files() -> None:
    """Once a day and process."""
    now = clock.now()
    if _swept == [clock.today(now)]:
        return
    with transaction(sessions(), read_only=True) as session:
        remove_orphans(session, now=now)
    _swept[:] = [clock.today(now)]
