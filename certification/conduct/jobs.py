"""Each round: suspensions that nobody confirmed in time. Once an hour: answers to briefs that came late."""

from datetime import datetime

from certification.conduct import queries
from certification.conduct.actions import note_lapses
from certification.conduct.models import Sanction
from certification.sanctions.actions import lapse
from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.ledger.rules import FactKind
from portal.organisations.models import Organisation

_last: list[datetime] = []


def sweep_conduct() -> None:
    now = clock.now()
    with transaction(sessions(), read_only=True) as session:
        due = queries.sanctions_to_lapse(session, now)
    for sanction_id in due:
        with transaction(sessions()) as session:
            known = session.get_one(Sanction, sanction_id)
            organisation = session.get_one(Organisation, known.organisation_id, with_for_update=True)
            session.refresh(known, with_for_update=True)
            lapse(session, known, organisation, now=now)
    hour = now.replace(minute=0, second=0, microsecond=0)
    if _last == [hour]:
        return
    for organisation_id in late_answers(now):
        with transaction(sessions()) as session:
            note_lapses(session, organisation_id, now=now)
    _last[:] = [hour]


def late_answers(now: datetime) -> list[int]:
    """Organisations with late answers, or with deductions whose answer may have been retracted."""
    with transaction(sessions(), read_only=True) as session:
        facts = queries.recent_answers(session, now)
    noted = {f.source_id: f.retracted_at is None for f in facts if f.kind == FactKind.CONDUCT}
    late = [f for f in facts if f.kind == FactKind.RESPONSE and not f.value["in_time"]]
    return sorted(
        {
            f.organisation_id
            for f in late
            if f.organisation_id is not None
            and (f.id not in noted if f.retracted_at is None else noted.get(f.id or 0, False))
        }
    )
