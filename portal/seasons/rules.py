"""A season's phases as days in China, which are open, and which forms they open. Pure."""

from calendar import isleap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from portal.refusal import Refused, mark

CHINA = ZoneInfo("Asia/Shanghai")
SUBJECT = "season"  # in the record
Text = Mapping[str, str]

# Form → (closed, with the day on which it opens again; what staff and the public read as its name).
CLOSED = {
    "nomination": mark("Nominations for the awards are closed now. They open again on %(day)s."),
    "cohort": mark("Applications for cohorts are closed now. They open again on %(day)s."),
    "shortlist": mark("The short list is not published now. Its phase begins on %(day)s."),
    "objection": mark("Objections are not taken now. They open again on %(day)s."),
    "jury": mark("The jury does not score now. Its phase begins on %(day)s."),
    "winners": mark("Winners are not published now. The phase begins on %(day)s."),
}
NAMES = {
    "nomination": mark("Nominations for the awards"),
    "cohort": mark("Applications for cohorts"),
    "shortlist": mark("The short list"),
    "objection": mark("Objections"),
    "jury": mark("Scoring by the jury"),
    "winners": mark("Publishing the winners"),
}
LATE = ("nomination", "cohort")  # staff may open these for one organisation after their phase


@dataclass(frozen=True)
class Phase:
    """From the first moment of its first day to the last of its last, both in China."""

    key: str
    name: Text
    first: date
    last: date

    def holds(self, day: date) -> bool:
        return self.first <= day <= self.last

    @property
    def starts_at(self) -> datetime:
        return start_of(self.first)

    @property
    def ends_at(self) -> datetime:
        return start_of(self.last + timedelta(days=1))


def start_of(day: date) -> datetime:
    """The first moment of a day in China, in UTC."""
    return datetime.combine(day, time(), CHINA).astimezone(UTC)


def _on(year: int, month_day: str) -> date:
    """29 February is the 28th in a year without."""
    month, day = (int(part) for part in month_day.split("-"))
    return date(year, month, 28 if (month, day) == (2, 29) and not isleap(year) else day)


def dated(config: Sequence[Mapping[str, Any]], year: int) -> list[Phase]:
    """The phases of the season that begins in `year`: what lies before the first one's day falls into the next year."""
    start = config[0]["from"]
    found = []
    for p in config:
        first = _on(year + (p["from"] < start), p["from"])
        last = _on(first.year + (p["to"] < p["from"]), p["to"])
        found.append(Phase(p["key"], {"zh": p["zh"], "en": p["en"]}, first, last))
    return found


def year_of(config: Sequence[Mapping[str, Any]], day: date) -> int:
    """The year in which the season of that day began; days between two seasons belong to the one before."""
    return day.year if day >= _on(day.year, config[0]["from"]) else day.year - 1


def open_on(phases: Iterable[Phase], day: date) -> list[Phase]:
    return [p for p in phases if p.holds(day)]


def next_of(phases: Iterable[Phase], day: date) -> list[Phase]:
    """Those that begin next, all on one day; empty when none is to come."""
    coming = [p for p in phases if p.first > day]
    first = min((p.first for p in coming), default=None)
    return [p for p in coming if p.first == first]


def opens_next(
    phases: Iterable[Phase], config: Sequence[Mapping[str, Any]], year: int, key: str, day: date
) -> date:
    """The next first day of a phase: in this season, or in the one after it. KeyError for a phase that is in neither."""
    for phase in phases:
        if phase.key == key and phase.first > day:
            return phase.first
    for ahead in (year, year + 1, year + 2):
        for phase in dated(config, ahead):
            if phase.key == key and phase.first > day:
                return phase.first
    raise KeyError(key)


@dataclass(frozen=True)
class Gate:
    """Whether a form is open, until when, and on which day it opens again. `late`: by an exception."""

    form: str
    open: bool
    until: datetime | None = None
    again: date | None = None
    late: bool = False

    @property
    def closed(self) -> Refused:
        return Refused(CLOSED[self.form], day=self.again.isoformat() if self.again else "—")


def why_not_move(phase: Phase, first: date, last: date, today: date) -> dict[str, str]:
    """Field → catalogue key: what keeps a phase from these days. What is over, or has happened, stays."""
    if phase.last < today:
        return {"last": mark("This phase is over; its days stay as they are.")}
    wrong = {}
    if phase.first <= today and first != phase.first:
        wrong["first"] = mark("The phase has begun; its first day stays.")
    elif phase.first > today and first < today:
        wrong["first"] = mark("The first day lies in the past.")
    if last < max(first, today):
        wrong["last"] = mark("The last day lies before the first, or in the past.")
    elif (last - first).days > 366:
        wrong["last"] = mark("A phase takes a year at most.")
    return wrong


def stored(phases: Iterable[Phase]) -> list[dict[str, str]]:
    return [{"key": p.key, **p.name, "from": p.first.isoformat(), "to": p.last.isoformat()} for p in phases]


def read(rows: Iterable[Mapping[str, str]]) -> list[Phase]:
    return [
        Phase(
            r["key"],
            {"zh": r["zh"], "en": r["en"]},
            date.fromisoformat(r["from"]),
            date.fromisoformat(r["to"]),
        )
        for r in rows
    ]
