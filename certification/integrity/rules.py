"""What a file of a sitting may go through. A signal opens one; only people decide, two of them to void."""

from datetime import datetime, timedelta
from enum import StrEnum

from portal.refusal import Refused, mark

ANSWER_IN = timedelta(days=10)  # for the candidate's word, before a void may be confirmed


class Kind(StrEnum):
    SPEED = "speed"
    SIMILARITY = "similarity"
    EXPOSURE = "exposure"
    CANARY = "canary"


class FileStatus(StrEnum):
    OPEN = "open"
    ASKED = "asked"  # a void is proposed, the candidate has the word
    HEARD = "heard"
    CLOSED = "closed"


class Decision(StrEnum):
    NONE = "none"
    CLEARED = "cleared"
    VOIDED = "voided"


MOVES = {
    (FileStatus.OPEN, "propose"): FileStatus.ASKED,
    (FileStatus.ASKED, "hear"): FileStatus.HEARD,
    (FileStatus.OPEN, "clear"): FileStatus.CLOSED,
    (FileStatus.ASKED, "clear"): FileStatus.CLOSED,
    (FileStatus.HEARD, "clear"): FileStatus.CLOSED,
    (FileStatus.ASKED, "void"): FileStatus.CLOSED,
    (FileStatus.HEARD, "void"): FileStatus.CLOSED,
}


def require_void(
    status: FileStatus, proposed_by: int | None, answer_until: datetime | None, *, by: int, now: datetime
) -> None:
    """Refused unless a second person confirms, after the candidate was heard or let the time pass."""
    if proposed_by is None or answer_until is None:
        return  # the table of moves refuses it
    if by == proposed_by:
        raise Refused(mark("Whoever proposed to void a sitting does not confirm it; ask a colleague."))
    if status is FileStatus.ASKED and now < answer_until:
        raise Refused(mark("The candidate has not answered yet, and their time is not over."))


# ——— Away from the paper ———

MOST_AWAY = 10_000  # times; more says nothing more


def add_away(
    times: int, seconds: int, more_times: int, more_seconds: int, *, running: int
) -> tuple[int, int]:
    """What is kept after a report: never more seconds than the sitting has run."""
    return min(times + more_times, MOST_AWAY), min(seconds + more_seconds, max(0, running))
