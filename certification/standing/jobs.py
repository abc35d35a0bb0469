"""Compute levels anew where something was written, and where time has passed."""

from collections.abc import Sequence
from datetime import datetime

from certification.standing import queries
from certification.standing.actions import note_stars, recompute, remind
from certification.standing.rules import Family
from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.ledger.actions import forget_changes
from portal.ledger.queries import changes_waiting
from portal.programme.queries import programme_at

_last: list[object] = []


def sweep_levels() -> None:
    """Each round: whom something was written about, and whose moment has come; once an hour the stars and the reminders."""
    now = clock.now()
    compute_due(now)
    hour = now.replace(minute=0, second=0, microsecond=0)
    if _last == [hour]:
        return
    with transaction(sessions(), read_only=True) as session:
        changed = queries.stars_out_of_date(session, now)
        days = programme_at(session, now)["lifecycle"]["reminders_d"]
        ending = queries.levels_to_remind(session, days, now)
    for organisation_id in changed:
        with transaction(sessions()) as session:
            note_stars(session, organisation_id, now=now)
    for level_id in ending:
        with transaction(sessions()) as session:
            remind(session, level_id, now=now)
    _last[:] = [hour]


def compute_due(now: datetime) -> None:
    """Only what changed, whether by a fact or by time: the rest would come out as it stands."""
    with transaction(sessions(), read_only=True) as session:
        waiting = changes_waiting(session)
    for organisation_id, changes in waiting.items():
        _compute(organisation_id, changes, now)
    with transaction(sessions(), read_only=True) as session:
        due = queries.levels_due(session, now)
    for organisation_id, family in due:
        with transaction(sessions()) as session:
            recompute(session, organisation_id, family, now=now)


def _compute(organisation_id: int, changes: Sequence[int], now: datetime) -> None:
    """All that follows from these changes in its ledger, in one transaction with forgetting them."""
    with transaction(sessions()) as session:
        note_stars(session, organisation_id, now=now)
        for family in Family:
            recompute(session, organisation_id, family, now=now)
        forget_changes(session, changes)
