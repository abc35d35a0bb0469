"""Clear away links that have run out."""

from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.identities.actions import clear_away


def sweep_proofs() -> None:
    with transaction(sessions()) as session:
        clear_away(session, now=clock.now())
