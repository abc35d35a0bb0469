"""Say when a new quarter has begun."""

from portal import clock
from portal.context import sessions
from portal.db import transaction
from training.maturity.actions import remind_quarter
from training.maturity.quarters import quarter_of
from training.maturity.queries import to_remind


def sweep_maturity() -> None:
    """The sweep only narrows: each last measurement is looked at again under lock."""
    now = clock.now()
    with transaction(sessions(), read_only=True) as session:
        due = to_remind(session, quarter_of(now))
    for organisation_id in due:
        with transaction(sessions()) as session:
            remind_quarter(session, organisation_id, now=now)
