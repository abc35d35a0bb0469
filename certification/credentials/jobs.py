"""Tell holders in time that a certificate ends."""

from certification.credentials.actions import remind
from certification.credentials.queries import certificates_to_remind
from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.programme.queries import programme_at

_last: list[object] = []


def sweep_certificates() -> None:
    """Once an hour: the days before its end on which a person is told are those of levels."""
    now = clock.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    if _last == [hour]:
        return
    with transaction(sessions(), read_only=True) as session:
        days = programme_at(session, now)["lifecycle"]["reminders_d"]
        ending = certificates_to_remind(session, days, now)
    for credential_id in ending:
        with transaction(sessions()) as session:
            remind(session, credential_id, now=now)
    _last[:] = [hour]
