"""Renewal tasks appear by themselves."""

from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.programme.queries import programme_at
from training.renewal import actions, queries
from training.renewal.rules import mandatory


def sweep_renewals() -> None:
    """The sweep only narrows: each is looked at again under lock."""
    now = clock.now()
    with transaction(sessions(), read_only=True) as session:
        programme = programme_at(session, now)
        due = [
            (organisation, person, code)
            for code in mandatory(programme)
            for organisation, person in queries.perhaps_due(session, code, programme, now)
        ]
    for organisation, person, code in due:
        with transaction(sessions()) as session:
            actions.ask(session, organisation, person, code, now=now)
