"""Reminders a day before; sessions that have ended are held."""

from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.refusal import Refused
from training.live import actions, queries


def sweep_live() -> None:
    """The sweep only narrows: each is looked at again under lock."""
    now = clock.now()
    with transaction(sessions(), read_only=True) as session:
        seats, ended = queries.seats_to_remind(session, now), queries.over(session, now)
    for seat_id in seats:
        with transaction(sessions()) as session:
            actions.remind(session, seat_id, now=now)
    for live_id in ended:
        try:
            with transaction(sessions()) as session:
                actions.hold(session, live_id, by=None, now=now)
        except Refused:  # changed in the meantime
            continue
