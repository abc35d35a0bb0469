"""Forget attempts that no window reaches any more."""

from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.limits.actions import KEPT, forget_attempts


def sweep_attempts() -> None:
    with transaction(sessions()) as session:
        forget_attempts(session, before=clock.now() - KEPT)
