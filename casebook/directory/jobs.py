"""Levels, storefronts and cases change elsewhere; the index follows."""

from casebook.directory.actions import index_provider
from casebook.directory.queries import provider_stamps
from casebook.search.queries import stamps
from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.programme.queries import programme_at


def sweep_providers() -> None:
    """Index again each provider whose entry is stale, missing, or no longer listed."""
    now = clock.now()
    with transaction(sessions(), read_only=True) as session:
        should_be, are = provider_stamps(session, programme_at(session, now)), stamps(session, "provider")
    for organisation_id in sorted({i for i in {*should_be, *are} if should_be.get(i) != are.get(i)}):
        with transaction(sessions()) as session:
            index_provider(session, organisation_id, now=now)
