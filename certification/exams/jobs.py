"""Hand in and mark what ran out."""

from certification.exams.actions import close_when_run_out
from certification.exams.queries import sittings_run_out
from certification.exams.rules import GRACE
from portal import clock
from portal.context import sessions
from portal.db import transaction


def sweep_sittings() -> None:
    """The sweep only narrows: each sitting is looked at again under lock, in a transaction of its own."""
    now = clock.now()
    with transaction(sessions(), read_only=True) as session:
        due = sittings_run_out(session, now - GRACE)
    for sitting_id in due:
        with transaction(sessions()) as session:
            close_when_run_out(session, sitting_id, now=now)
