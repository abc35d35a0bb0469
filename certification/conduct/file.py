"""The conduct file of an organisation: every deduction, what clean months gave back, the curve and its forecast."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from certification.conduct.rules import Step, course, whole_again
from certification.standing.evidence import Evidence, conduct
from portal.ledger.queries import facts_of
from portal.ledger.rules import FactKind
from portal.programme.queries import programme_at

YEAR = timedelta(days=365)
LEFT, RIGHT, TOP, BOTTOM = 36.0, 300.0, 12.0, 168.0  # of a field of 320 × 200


@dataclass(frozen=True)
class Picture:
    past: str  # points of a polyline
    ahead: str
    here: tuple[float, float]
    grid: tuple[tuple[float, int], ...]  # y, score
    since: datetime
    until: datetime


@dataclass(frozen=True)
class ConductFile:
    score: float
    start: float
    recovery: float
    steps: list[Step]  # newest first
    whole: datetime | None  # when the score is at its start again
    picture: Picture


def conduct_file(session: Session, organisation_id: int, now: datetime) -> ConductFile:
    rules: Any = programme_at(session, now).content
    facts = Evidence(facts_of(session, organisation_id), now, rules).of(FactKind.CONDUCT)
    deductions = [
        (f.true_from, float(f.value["delta"]), str(f.value.get("reason", "")), (f.source_kind, f.source_id))
        for f in facts
        if f.true_until is None or f.true_until > now
    ]
    steps = course(deductions, now, rules)
    whole = whole_again(deductions, rules, now)
    start = float(rules["conduct"]["start"])
    recovery = float(rules["conduct"]["recovery_per_clean_month"])
    ahead = _ahead(deductions, steps, whole, rules)
    return ConductFile(
        conduct(facts, now, rules),
        start,
        recovery,
        steps[::-1],
        whole,
        _picture(steps, ahead, start, now, max(now + timedelta(days=30), whole or now)),
    )


def _ahead(deductions: list[Any], steps: list[Step], whole: datetime | None, rules: Any) -> list[Step]:
    """The clean months to come."""
    return course(deductions, whole, rules)[len(steps) :] if whole else []


def _picture(steps: list[Step], ahead: list[Step], start: float, now: datetime, until: datetime) -> Picture:
    """A year back, and ahead until the score is whole; the scale from the lowest ten to the start."""
    since = now - YEAR
    before = [s.score for s in steps if s.at <= since]
    shown = [s for s in steps if s.at > since]
    at, low = before[-1] if before else start, min([start, *(s.score for s in shown), *before[-1:]])
    floor = max(0.0, min(start - 20, low // 10 * 10))

    def x(when: datetime) -> float:
        return round(LEFT + (RIGHT - LEFT) * ((when - since) / (until - since)), 1)

    def y(score: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * (score - floor) / (start - floor), 1)

    past = [(LEFT, y(at))]
    for step in shown:
        past += [(x(step.at), past[-1][1]), (x(step.at), y(step.score))]
    past.append((x(now), past[-1][1]))
    coming = [past[-1]]
    for step in ahead:
        coming += [(x(step.at), coming[-1][1]), (x(step.at), y(step.score))]
    coming.append((RIGHT, coming[-1][1]))
    middle = (floor + start) / 2
    return Picture(
        _points(past),
        _points(coming),
        past[-1],
        tuple((y(score), round(score)) for score in (start, middle, floor)),
        since,
        until,
    )


def _points(pairs: list[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in pairs)
