"""`yuqiao files sweep`: remove bytes that no row names, as the worker does every day."""

from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.files.actions import remove_orphans


def sweep_orphans() -> None:
    with transaction(sessions(), read_only=True) as session:
        print(f"{remove_orphans(session, now=clock.now())} removed")
