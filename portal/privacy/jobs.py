"""Make copies of one's data, remove them when they run out, carry out erasures."""

import dramatiq

from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.jobs import broker  # noqa: F401  set before any actor is made
from portal.privacy import actions
from portal.privacy.queries import erasures_due, exports_run_out, exports_to_make


@dramatiq.actor(max_retries=3, min_backoff=5_000, time_limit=300_000)
def export_data(export_id: int) -> None:
    with transaction(sessions()) as session:
        actions.make_export(session, export_id, now=clock.now())


@dramatiq.actor(max_retries=3, min_backoff=60_000, time_limit=300_000)
def erase_person(erasure_id: int) -> None:
    with transaction(sessions()) as session:
        actions.carry_out(session, erasure_id, now=clock.now())


def sweep_privacy() -> None:
    now = clock.now()
    with transaction(sessions(), read_only=True) as session:
        waiting, due = exports_to_make(session), erasures_due(session, now)
        over = bool(exports_run_out(session, now))
    for export_id in waiting:
        export_data.send(export_id)
    for erasure_id in due:
        erase_person.send(erasure_id)
    if over:
        with transaction(sessions()) as session:
            actions.remove_exports(session, now=now)
