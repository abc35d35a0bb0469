"""Look for signals after papers were marked. Computed outside of transactions; files are opened in one of their own."""

from datetime import datetime, timedelta

import dramatiq

from certification.integrity.actions import open_files
from certification.integrity.queries import exams_sat, look_at
from certification.integrity.rules import Kind
from certification.integrity.signals import Signal, canaries, exposure, similarity, speed
from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.jobs import broker  # noqa: F401  set before any actor is made

RECENT = timedelta(days=60)
_looked: dict[int, tuple[int, int]] = {}  # exam → what its sittings were when it was looked at
_last: list[datetime] = []


@dramatiq.actor(max_retries=2, min_backoff=10_000, time_limit=300_000)
def look_for_signals(exam_id: int) -> None:
    """Safe to run twice: a sitting has one file of a kind."""
    now = clock.now()
    with transaction(sessions(), read_only=True) as session:
        look = look_at(session, exam_id, now)
    if look is None:
        return
    found = [
        *speed(look.data),
        *similarity(look.data),
        *canaries(look.data),
        *(
            Signal(Kind.EXPOSURE, s.sitting, s.figures | {"codes": [look.codes[c] for c in look.leaked]})
            for s in exposure(look.data, look.leaked, look.late)
        ),
    ]
    if found:
        with transaction(sessions()) as session:
            open_files(session, found, now=now)


def sweep_integrity() -> None:
    """Once an hour, the exams with sittings marked since they were looked at."""
    now = clock.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    if _last == [hour]:
        return
    with transaction(sessions(), read_only=True) as session:
        sat = exams_sat(session, now - RECENT)
    for exam_id, present in sat.items():
        if _looked.get(exam_id) != present:
            look_for_signals.fn(exam_id)
            _looked[exam_id] = present
    _last[:] = [hour]
