"""What a live session may become, who gets a seat, what opens the door: pure."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from portal.programme.rules import Programme, Text
from portal.refusal import mark

SUBJECT = "live_session"  # in the record
SEAT = "live_seat"  # the source of a fact: one person at one session
DOOR_OPENS = timedelta(minutes=30)  # before the start
STEP_SECONDS = 300  # how long a code at the door is shown; the one before is still taken
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TOLD_BEFORE = timedelta(days=1)
MOST_HOURS, MOST_SEATS = 24, 2000


class Status(StrEnum):
    PLANNED = "planned"  # staff alone see it
    OPEN = "open"
    HELD = "held"
    CANCELLED = "cancelled"


MOVES = {
    (Status.PLANNED, "open"): Status.OPEN,
    (Status.PLANNED, "cancel"): Status.CANCELLED,
    (Status.OPEN, "cancel"): Status.CANCELLED,
    (Status.OPEN, "hold"): Status.HELD,
}
STATES = {
    Status.PLANNED: mark("planned"),
    Status.OPEN: mark("open for signing up"),
    Status.HELD: mark("took place"),
    Status.CANCELLED: mark("cancelled"),
}


class SeatStatus(StrEnum):
    WAITING = "waiting"
    SEATED = "seated"
    WITHDRAWN = "withdrawn"


# Everybody waits first, and only `to_seat` lets anybody in: so nobody overtakes.
SEAT_MOVES = {
    (SeatStatus.WAITING, "seat"): SeatStatus.SEATED,
    (SeatStatus.WAITING, "withdraw"): SeatStatus.WITHDRAWN,
    (SeatStatus.SEATED, "withdraw"): SeatStatus.WITHDRAWN,
    (SeatStatus.WITHDRAWN, "ask"): SeatStatus.WAITING,
}


class How(StrEnum):
    SCANNED = "scanned"
    BY_HAND = "by_hand"


def subjects(programme: Programme) -> dict[str, Text]:
    """Tracks and their modules by key, in the programme's order: what a session may belong to."""
    options: dict[str, Text] = {}
    for track in programme["tracks"]:
        code = track["code"]
        options[code] = {"zh": f"{code} {track['zh']}", "en": f"{code} {track['en']}"}
        for n, module in enumerate(track["modules"], 1):
            options[f"{code}/{n}"] = {"zh": f"{code}/{n} {module['zh']}", "en": f"{code}/{n} {module['en']}"}
    return options


def to_seat(line: Sequence[int], seated: int, capacity: int) -> list[int]:
    """Who of those who wait, in the order of asking, gets a seat now; never more than there are."""
    return list(line[: max(0, capacity - seated)])


def door_open(starts_at: datetime, ends_at: datetime, now: datetime) -> bool:
    return starts_at - DOOR_OPENS <= now <= ends_at


def _code(secret: str, live_id: int, step: int) -> str:
    return hmac.new(secret.encode(), f"live:{live_id}:{step}".encode(), hashlib.sha256).hexdigest()[:24]


def _step(now: datetime) -> int:
    return int(now.timestamp()) // STEP_SECONDS


def door_code(secret: str, live_id: int, now: datetime) -> str:
    """What the QR code at the door says for five minutes: a signature over the session and the time."""
    return _code(secret, live_id, _step(now))


def code_holds(secret: str, live_id: int, code: str, now: datetime) -> bool:
    """The code of these five minutes, or of the five before."""
    if not code.isascii():
        return False
    step = _step(now)
    return any(hmac.compare_digest(code, _code(secret, live_id, n)) for n in (step, step - 1))


def code_ends(now: datetime) -> datetime:
    """When another code is shown."""
    return EPOCH + timedelta(seconds=(_step(now) + 1) * STEP_SECONDS)
