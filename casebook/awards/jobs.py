"""A nomination whose case was taken back or retracted leaves the running by itself; an award is revoked by people."""

from casebook.awards import actions, queries
from casebook.awards.rules import Status
from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.refusal import Refused


def sweep_awards() -> None:
    """The sweep only narrows: each is looked at again under lock."""
    now = clock.now()
    with transaction(sessions(), read_only=True) as session:
        gone = [i for i, status in queries.fallen(session) if status is not Status.WON]
    for nomination_id in gone:
        try:
            with transaction(sessions()) as session:
                found = queries.entry(session, nomination_id)
                if found and not found.stands:
                    actions.drop(session, nomination_id, reason=actions.CASE_FELL, by=None, now=now)
        except Refused:  # by hand, in the meantime
            continue
