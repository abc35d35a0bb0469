"""What a complaint and a sanction go through, who may decide, and how the score of conduct runs. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil
from typing import Any

from portal.refusal import Refused, mark

ANSWER_WD = 10  # for the organisation's word
LAPSE_WD = 3  # a suspension at once lapses without a second person
MONTH = timedelta(days=30)  # a clean month
QUARTER = timedelta(days=90)  # the period of the cap on lapses


class Kind(StrEnum):
    """What is held against an organisation: a key of the programme's deductions."""

    COMPLAINT_MINOR = "complaint_minor"
    COMPLAINT_MAJOR = "complaint_major"
    PRICE_OPACITY = "price_opacity"
    FAKE_REVIEW = "fake_review"
    FORGED_CASE = "forged_case"


SEVERITY = {Kind.COMPLAINT_MINOR: "minor", Kind.COMPLAINT_MAJOR: "major"}  # the others deduct alone
LAPSE = "response_lapse"


class Origin(StrEnum):
    BRAND = "brand"
    PERSON = "person"
    STAFF = "staff"


class Status(StrEnum):
    ASKED = "asked"  # the organisation has the word
    HEARD = "heard"
    PROPOSED = "proposed"  # to be upheld: a second person looks
    UPHELD = "upheld"
    REMEDIED = "remedied"
    DISMISSED = "dismissed"
    APPEALED = "appealed"
    OVERTURNED = "overturned"


MOVES = {
    (Status.ASKED, "answer"): Status.HEARD,
    (Status.ASKED, "uphold"): Status.PROPOSED,  # once the time to answer is over
    (Status.HEARD, "uphold"): Status.PROPOSED,
    (Status.ASKED, "dismiss"): Status.DISMISSED,
    (Status.HEARD, "dismiss"): Status.DISMISSED,
    (Status.PROPOSED, "confirm"): Status.UPHELD,
    (Status.PROPOSED, "reject"): Status.HEARD,  # back to be decided anew
    (Status.UPHELD, "remedy"): Status.REMEDIED,
    (Status.UPHELD, "appeal"): Status.APPEALED,
    (Status.REMEDIED, "appeal"): Status.APPEALED,
    (Status.APPEALED, "keep"): Status.UPHELD,
    (Status.APPEALED, "overturn"): Status.OVERTURNED,
}
OPEN = (Status.ASKED, Status.HEARD, Status.PROPOSED, Status.APPEALED)  # somebody is to act
COUNTS = (Status.UPHELD, Status.REMEDIED, Status.APPEALED)


def require_heard(status: Status, answer_until: datetime, now: datetime) -> None:
    """Nobody is found against unheard: the answer is there, or its time is over."""
    if status is Status.ASKED and now < answer_until:
        raise Refused(mark("The organisation has not answered yet, and its time is not over."))


def require_second(by: int, first: int | None) -> None:
    """Refused to whoever proposed it."""
    if by == first:
        raise Refused(mark("Whoever proposed it does not confirm it; ask a colleague."))


def require_fresh(by: int, took_part: Collection[int | None]) -> None:
    """Refused to whoever had a part in what is appealed against."""
    if by in took_part:
        raise Refused(mark("An appeal is decided by somebody who had no part in it so far."))


def appeal_until(decided_at: datetime | None, appealed_at: datetime | None, days: int) -> datetime | None:
    """Until when an appeal may be made; None when there is nothing to appeal against, or it was used."""
    return decided_at + timedelta(days=days) if decided_at and not appealed_at else None


# ——— Sanctions ———


class Measure(StrEnum):
    """What is asked for; its `Act` says what of."""

    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    CLOSE = "close"
    SUSPEND_LEVEL = "suspend_level"
    LIFT_LEVEL = "lift_level"
    REVOKE_LEVEL = "revoke_level"


# Measures that may work at once, and what takes each back.
BACK = {Measure.SUSPEND: Measure.REINSTATE, Measure.SUSPEND_LEVEL: Measure.LIFT_LEVEL}
APPEALABLE = (Measure.SUSPEND, Measure.SUSPEND_LEVEL, Measure.REVOKE_LEVEL)
OF_LEVEL = {Measure.SUSPEND_LEVEL: "suspend", Measure.LIFT_LEVEL: "reinstate", Measure.REVOKE_LEVEL: "revoke"}
OTHER_REASONS = ("complaints", "breach", "remedied", "own_wish", "duplicate", "other")


class SanctionStatus(StrEnum):
    PROPOSED = "proposed"
    WORKING = "working"  # at once; to be confirmed
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    APPEALED = "appealed"
    OVERTURNED = "overturned"


SANCTION_MOVES = {
    (SanctionStatus.PROPOSED, "confirm"): SanctionStatus.CONFIRMED,
    (SanctionStatus.WORKING, "confirm"): SanctionStatus.CONFIRMED,
    (SanctionStatus.PROPOSED, "reject"): SanctionStatus.REJECTED,
    (SanctionStatus.WORKING, "reject"): SanctionStatus.REJECTED,
    (SanctionStatus.PROPOSED, "withdraw"): SanctionStatus.WITHDRAWN,
    (SanctionStatus.WORKING, "withdraw"): SanctionStatus.WITHDRAWN,
    (SanctionStatus.WORKING, "lapse"): SanctionStatus.LAPSED,
    (SanctionStatus.PROPOSED, "lapse"): SanctionStatus.LAPSED,  # what it was about is gone
    (SanctionStatus.CONFIRMED, "appeal"): SanctionStatus.APPEALED,
    (SanctionStatus.APPEALED, "keep"): SanctionStatus.CONFIRMED,
    (SanctionStatus.APPEALED, "overturn"): SanctionStatus.OVERTURNED,
}
SANCTION_OPEN = (SanctionStatus.PROPOSED, SanctionStatus.WORKING, SanctionStatus.APPEALED)


def at_once(measure: Measure, reason_class: str, immediate: Collection[str]) -> bool:
    """Whether a proposal works before it is confirmed: suspensions for the classes that the programme names."""
    return measure in BACK and reason_class in immediate


# ——— The score ———


@dataclass(frozen=True)
class Step:
    """The score from a moment on. `reason`: of a deduction; "" is a clean month."""

    at: datetime
    change: float
    score: float
    reason: str = ""
    source: tuple[str, int] = ("", 0)


def course(
    deductions: Sequence[tuple[datetime, float, str, tuple[str, int]]], at: datetime, rules: Mapping[str, Any]
) -> list[Step]:
    """Every step of the score until `at`, as `evidence.conduct` computes it; deductions by their time.

    deductions: (when, delta, reason, source). Months are counted from the last deduction and begin anew with each.
    """
    start, back = float(rules["conduct"]["start"]), float(rules["conduct"]["recovery_per_clean_month"])
    raw, last, steps = start, None, list[Step]()

    def clean(until: datetime) -> None:
        nonlocal raw
        if last is None:
            return
        for month in range(1, (until - last).days // 30 + 1):
            if raw >= start:
                return
            before, raw = raw, min(start, raw + back)
            steps.append(Step(last + month * MONTH, raw - before, _shown(raw, start)))

    for when, delta, reason, source in deductions:
        clean(when)
        raw, last = raw + delta, when
        steps.append(Step(when, delta, _shown(raw, start), reason, source))
    clean(at)
    return steps


def _shown(raw: float, start: float) -> float:
    return max(0.0, min(start, raw))


def whole_again(
    deductions: Sequence[tuple[datetime, float, str, tuple[str, int]]], rules: Mapping[str, Any], at: datetime
) -> datetime | None:
    """When the score is at its start again if nothing is added; None when it is there."""
    start, back = float(rules["conduct"]["start"]), float(rules["conduct"]["recovery_per_clean_month"])
    if not deductions:
        return None
    raw = start
    for n, (when, delta, *_) in enumerate(deductions):
        if n:
            raw = min(start, raw + back * ((when - deductions[n - 1][0]).days // 30))
        raw += delta
    if raw >= start:
        return None
    whole = deductions[-1][0] + ceil((start - raw) / back) * MONTH
    return whole if whole > at else None


def lapses(
    misses: Sequence[tuple[int, datetime]],
    noted: Sequence[tuple[int, datetime, float]],
    points: float,
    cap: float,
) -> list[tuple[int, datetime, float]]:
    """(fact, when, points) to be deducted for answers that came late or never, which are not noted yet.

    In no 90 days is more than the cap deducted; what exceeds it costs nothing.
    """
    done = {fact for fact, *_ in noted}
    all_noted, new = [(when, cost) for _, when, cost in noted], []
    for fact, when in sorted(misses, key=lambda m: (m[1], m[0])):
        if fact in done:
            continue
        ends = [when, *(w for w, _ in all_noted if when < w < when + QUARTER)]
        most = max(sum(cost for w, cost in all_noted if end - QUARTER < w <= end) for end in ends)
        cost = min(points, cap - most)
        if cost > 0:
            all_noted.append((when, cost))
            new.append((fact, when, cost))
    return new
