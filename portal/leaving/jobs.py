"""Make exports in the background; remove those that are over."""

import dramatiq

from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.jobs import broker  # noqa: F401  set before any actor is made
from portal.leaving.actions import claim_export, finish_export, remove_export
from portal.leaving.queries import exports_due, exports_over


@dramatiq.actor(max_retries=2, min_backoff=5_000, time_limit=300_000)
def make_export(export_id: int) -> None:
    """Claimed first, so that a crash is found again by the sweep and two workers do not do the same."""
    with transaction(sessions()) as session:
        claimed = claim_export(session, export_id, now=clock.now())
    if not claimed:
        return
    with transaction(sessions()) as session:
        finish_export(session, export_id, now=clock.now())


def sweep_exports() -> None:
    """Find what a crash left behind; remove what was kept long enough."""
    now = clock.now()
    with transaction(sessions(), read_only=True) as session:
        due, over = exports_due(session, now), exports_over(session, now)
    for export_id in due:
        make_export.send(export_id)
    for export_id in over:
        with transaction(sessions()) as session:
            remove_export(session, export_id, now=now)
