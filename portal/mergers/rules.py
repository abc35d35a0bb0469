"""Two registrations become one: who may propose and answer, and what stands in the way."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from portal.desk.rules import Fate, Line
from portal.organisations.rules import Trust
from portal.refusal import mark


class MergerStatus(StrEnum):
    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


MERGER_MOVES = {
    (MergerStatus.PROPOSED, "confirm"): MergerStatus.CONFIRMED,
    (MergerStatus.PROPOSED, "decline"): MergerStatus.DECLINED,
    (MergerStatus.PROPOSED, "withdraw"): MergerStatus.WITHDRAWN,
}
STATUS_NAMES = {
    MergerStatus.PROPOSED: mark("waits for an answer"),
    MergerStatus.CONFIRMED: mark("merged"),
    MergerStatus.DECLINED: mark("declined"),
    MergerStatus.WITHDRAWN: mark("withdrawn"),
}
TOO_LATE = mark("The time to answer has run out. Let the other side propose it again.")


def why_not_merge(
    from_kind: str, into_kind: str, from_trust: Trust, into_trust: Trust, *, same: bool
) -> str | None:
    """Why two organisations can't become one at all, whatever they hold."""
    if same:
        return mark("That is your own organisation.")
    if from_kind != into_kind:
        return mark("A brand and a provider can't become one: they stand on two sides of a brief.")
    if Trust.CLOSED in (from_trust, into_trust):
        return mark("One of the two has left the programme.")
    if Trust.SUSPENDED in (from_trust, into_trust):
        return mark("One of the two is suspended. That must be settled first.")
    if from_trust is Trust.VERIFIED and into_trust is not Trust.VERIFIED:
        return mark("A verified organisation can't go into one that is not verified.")
    return None


def blocks(lines: Sequence[Line]) -> list[Line]:
    return [line for line in lines if line.fate is Fate.BLOCKS]


def digest_of(lines: Sequence[Line]) -> str:
    """Of what was read, so that nobody says yes to something else."""
    text = json.dumps([[line.what, line.fate, line.n, line.why] for line in lines])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def too_late(expires_at: datetime, now: datetime) -> bool:
    return expires_at <= now
