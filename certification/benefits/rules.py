"""What stars bring: units and their periods, what a booking goes through, how much stays when the stars change. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from portal.refusal import mark


class Measure(StrEnum):
    """How a benefit is counted."""

    YEAR = "year"  # so much a calendar year
    SEASON = "season"  # so much a season of the programme
    STANDING = "standing"  # so much at a time: given back, it is free again
    VALUE = "value"  # holds by itself: nothing to book


_MEASURES = {
    "hours/year": Measure.YEAR,
    "per year": Measure.YEAR,
    "per season": Measure.SEASON,
    "seats/season": Measure.SEASON,
    "tenants": Measure.STANDING,
}
UNITS = {
    "hours/year": mark("hours a year"),
    "per year": mark("a year"),
    "per season": mark("a season"),
    "seats/season": mark("seats a season"),
    "tenants": mark("at a time"),
    "calls/day": mark("calls a day"),
    "days": mark("days"),
}
WORDS = {  # what a benefit without a figure is
    "SMB+growth+KA": mark("small, growing and key clients"),
    "plus strategic co-creation": mark("strategic co-creation too"),
    "plus joint planning": mark("joint planning too"),
    "pooled": mark("from the pool"),
    "named": mark("named"),
    "dedicated": mark("for you alone"),
}


class Entry(StrEnum):
    """A line of the account of a grant."""

    GRANTED = "granted"
    RAISED = "raised"
    SHRUNK = "shrunk"
    BOOKED = "booked"
    USED = "used"
    CANCELLED = "cancelled"
    DECLINED = "declined"
    RETURNED = "returned"  # what is had at a time is given back
    DEFERRED = "deferred"
    EXPIRED = "expired"


# What a booking goes through: the entry it stands at, a move, the entry that follows.
MOVES = {
    (Entry.BOOKED, "use"): Entry.USED,
    (Entry.BOOKED, "cancel"): Entry.CANCELLED,
    (Entry.BOOKED, "decline"): Entry.DECLINED,
    (Entry.USED, "return"): Entry.RETURNED,  # of what is had at a time
}
FREES = (Entry.CANCELLED, Entry.DECLINED, Entry.RETURNED)
ALTERS = (Entry.GRANTED, Entry.RAISED, Entry.SHRUNK)  # how much there is, not how much of it is taken


@dataclass(frozen=True)
class Period:
    """From the first day to the day before `ends`, in China; without an end while the stars are held."""

    name: str
    starts: date
    ends: date | None = None


def measure_of(unit: str) -> Measure:
    return _MEASURES.get(unit, Measure.VALUE)


def period_of(measure: Measure, day: date, season_from: str) -> Period:
    """The period of a day. `season_from`: MM-DD, as the programme's first phase begins."""
    if measure is Measure.YEAR:
        return Period(str(day.year), date(day.year, 1, 1), date(day.year + 1, 1, 1))
    if measure is Measure.SEASON:
        month, first = (int(part) for part in season_from.split("-"))
        year = day.year if day >= date(day.year, month, first) else day.year - 1
        return Period(f"S{year}", date(year, month, first), date(year + 1, month, first))
    return Period("", day)


def brought(benefit: Mapping[str, Any], stars: int) -> tuple[int, str]:
    """(how much can be booked, the value that holds by itself) of a benefit at so many stars; (0, "") is nothing."""
    value = benefit["stars"].get(str(stars))
    if value is None:
        return 0, ""
    if measure_of(benefit["unit"]) is Measure.VALUE:
        return 0, str(value)
    return int(value), ""


def kept(entitled: int, taken: int) -> int:
    """How much there is when the stars bring `entitled`: what is taken stays, never less, and nothing beyond."""
    return max(entitled, taken)
