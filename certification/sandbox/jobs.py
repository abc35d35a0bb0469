"""Work a back-test off in chunks; write to the holders of levels; find again what a crash left."""

from datetime import timedelta

import dramatiq

from certification.sandbox import queries
from certification.sandbox.actions import keep_chunk, tell_some
from certification.sandbox.computing import compute_chunk
from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.jobs import (
    broker,  # noqa: F401  set before any actor is made
    enqueue,
)

AT_A_TIME = 5  # chunks a job, so that others get their turn
LEFT = timedelta(minutes=5)


def work_off(backtest_id: int, most: int | None = None) -> bool:
    """So many chunks, or all; True while there are more. Computed while nobody waits, then written at once."""
    n = 0
    while most is None or n < most:
        now = clock.now()
        with transaction(sessions(), read_only=True) as session:
            chunk = compute_chunk(session, backtest_id, now=now)
        if chunk is None:
            return False
        with transaction(sessions()) as session:
            if not keep_chunk(session, backtest_id, chunk, now=now):
                return False
        if chunk.organisations == 0:
            return False
        n += 1
    return True


@dramatiq.actor(max_retries=3, min_backoff=5_000, time_limit=600_000)
def run_backtest(backtest_id: int) -> None:
    if work_off(backtest_id, AT_A_TIME):
        with transaction(sessions(), read_only=True) as session:
            enqueue(session, run_backtest, backtest_id)


@dramatiq.actor(max_retries=3, min_backoff=5_000, time_limit=600_000)
def tell_holders(backtest_id: int) -> None:
    more = True
    while more:
        with transaction(sessions()) as session:
            more = tell_some(session, backtest_id, now=clock.now())


def sweep_backtests() -> None:
    """Chunk by chunk, as far as one round goes: the next round goes on."""
    before = clock.now() - LEFT
    with transaction(sessions(), read_only=True) as session:
        left, untold = queries.backtests_left(session, before), queries.to_tell(session, before)
    for backtest_id in left:
        run_backtest.fn(backtest_id)
    for backtest_id in untold:
        tell_holders.fn(backtest_id)
