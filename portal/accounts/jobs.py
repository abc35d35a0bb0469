"""Answer who asked for a new password; clear away what has run out."""

import dramatiq

from portal import clock
from portal.accounts.actions import answer_reset, clear_away
from portal.accounts.queries import resets_asked
from portal.context import sessions
from portal.db import transaction
from portal.jobs import broker  # noqa: F401  set before any actor is made


@dramatiq.actor(max_retries=3, min_backoff=2_000, time_limit=30_000)
def send_reset(request_id: int) -> None:
    with transaction(sessions()) as session:
        answer_reset(session, request_id, now=clock.now())


def sweep_resets() -> None:
    """Find requests that a crash left behind."""
    with transaction(sessions(), read_only=True) as session:
        asked = resets_asked(session)
    for request_id in asked:
        with transaction(sessions()) as session:
            answer_reset(session, request_id, now=clock.now())


def sweep_accounts() -> None:
    with transaction(sessions()) as session:
        clear_away(session, now=clock.now())
