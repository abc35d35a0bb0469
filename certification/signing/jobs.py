"""Issue many credentials again, a batch a transaction; a crash loses the batch at hand and nothing else."""

import time
from datetime import timedelta

import dramatiq

from certification.signing.actions import reissue_batch
from certification.signing.queries import reissues_left
from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.jobs import broker  # noqa: F401  set before any actor is made

A_ROUND = 10.0  # seconds that a sweep may take from the others
LEFT_ALONE = timedelta(seconds=30)  # a batch takes about a second
TURN = 0.02  # seconds for others that want to write


@dramatiq.actor(max_retries=5, min_backoff=5_000, time_limit=3_600_000)
def reissue_all(reissue_id: int) -> None:
    while _batch(reissue_id):
        time.sleep(TURN)


def _batch(reissue_id: int) -> bool:
    with transaction(sessions()) as session:
        return reissue_batch(session, reissue_id, now=clock.now())


def sweep_reissues() -> None:
    """Goes on with what a crash interrupted."""
    with transaction(sessions(), read_only=True) as session:
        left = reissues_left(session, clock.now() - LEFT_ALONE)
    until = time.monotonic() + A_ROUND
    for reissue_id in left:
        while time.monotonic() < until and _batch(reissue_id):
            time.sleep(TURN)
