"""Freeze what was never verified."""

from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.organisations.rules import VERIFY_WITHIN
from portal.verification.actions import freeze
from portal.verification.queries import organisations_to_freeze


def sweep_unverified() -> None:
    """The sweep only narrows: each organisation is looked at again under lock."""
    now = clock.now()
    with transaction(sessions(), read_only=True) as session:
        due = organisations_to_freeze(session, now - VERIFY_WITHIN)
    for organisation_id in due:
        with transaction(sessions()) as session:
            freeze(session, organisation_id, now=now)
