"""Lists that ran out of time, mailboxes to be asked, questions without an answer."""

from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.departures import actions, queries


def sweep_departures() -> None:
    """The sweep only narrows: each is looked at again under lock."""
    now = clock.now()
    with transaction(sessions(), read_only=True) as session:
        due = queries.handovers_due(session, now)
        silent = queries.checks_due(session, now)
        to_ask = queries.people_to_ask(session, now, actions.asked_every(session, now))
    for departure_id in due:
        with transaction(sessions()) as session:
            actions.escalate(session, departure_id, now=now)
    for check_id in silent:
        with transaction(sessions()) as session:
            actions.silence(session, check_id, now=now)
    for employment_id, why in to_ask:
        with transaction(sessions()) as session:
            actions.ask_mailbox(session, employment_id, why, now=now)
