"""Check what was handed in, remind and freeze what was never verified."""

from datetime import timedelta

import dramatiq
from dramatiq.errors import Retry

from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.jobs import broker  # noqa: F401  set before any actor is made
from portal.organisations.rules import VERIFY_WITHIN
from portal.verification.actions import claim_checks, finish_checks, freeze, remind
from portal.verification.queries import checks_due, organisations_to_freeze, organisations_to_remind, reminded
from portal.verification.registries import registry
from portal.verification.rules import REMIND_BEFORE, reminder_due


@dramatiq.actor(max_retries=3, min_backoff=5_000, time_limit=60_000)
def check_verification(verification_id: int) -> None:
    """The automatic checks of one hand-in, once; a silent registry is asked again after a while."""
    with transaction(sessions()) as session:  # committed first: no lock is held while the registry answers
        claimed = claim_checks(session, verification_id, now=clock.now())
    if claimed is None:
        return
    found = registry().look_up(claimed.credit_code)
    with transaction(sessions()) as session:
        wait = finish_checks(session, verification_id, claimed, found, now=clock.now())
    if wait is not None:
        raise Retry("the registry is silent", delay=int(wait.total_seconds() * 1000))


def sweep_checks() -> None:
    """Find checks that a crash left behind."""
    with transaction(sessions(), read_only=True) as session:
        due = checks_due(session, clock.now())
    for verification_id in due:
        check_verification.send(verification_id)


def sweep_unverified() -> None:
    """The sweep only narrows: each organisation is looked at again under lock."""
    now = clock.now()
    with transaction(sessions(), read_only=True) as session:
        due = organisations_to_freeze(session, now - VERIFY_WITHIN)
        near = [
            i
            for i, registered in organisations_to_remind(
                session, now - VERIFY_WITHIN + timedelta(days=max(REMIND_BEFORE))
            )
            if reminder_due(registered, reminded(session, i), now) is not None
        ]
    for organisation_id in near:
        with transaction(sessions()) as session:
            remind(session, organisation_id, now=now)
    for organisation_id in due:
        with transaction(sessions()) as session:
            freeze(session, organisation_id, now=now)
