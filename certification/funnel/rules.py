"""How far organisations came, and how long each step took: registered, verified, 2★, 3★. Counted from events."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from portal.ledger.rules import FactKind, FactRow

STEPS = ("registered", "verified", "two_stars", "three_stars")


@dataclass(frozen=True)
class Path:
    """When one organisation reached each step for the first time; None where it has not."""

    organisation_id: int
    registered: datetime
    verified: datetime | None = None
    two_stars: datetime | None = None
    three_stars: datetime | None = None

    def times(self) -> tuple[datetime | None, ...]:
        return (self.registered, self.verified, self.two_stars, self.three_stars)


@dataclass(frozen=True)
class Step:
    name: str
    count: int
    share: float | None  # of those registered; None when nobody is
    median_days: float | None  # from the step before, of those who reached both


def two_stars_since(facts: Iterable[FactRow], verified: datetime | None) -> datetime | None:
    """When a verified organisation first had somebody at work with a certificate in force."""
    if verified is None:
        return None
    facts = [f for f in facts if f.retracted_at is None]
    certificates = [f for f in facts if f.kind == FactKind.CERTIFICATE]
    starts = [
        max(link.true_from, one.true_from, verified)
        for link in facts
        if link.kind == FactKind.EMPLOYMENT
        for one in certificates
        if one.person_id == link.person_id and _meet(link, one, verified)
    ]
    return min(starts, default=None)


def _meet(one: FactRow, other: FactRow, since: datetime) -> bool:
    start = max(one.true_from, other.true_from, since)
    return all(f.true_until is None or f.true_until > start for f in (one, other))


def funnel(paths: Sequence[Path]) -> list[Step]:
    """Each step with its count, its share of all registered, and the median days since the step before."""
    steps = []
    for n, name in enumerate(STEPS):
        reached = [p.times() for p in paths if p.times()[n] is not None]
        days = [
            (at - before).total_seconds() / 86400
            for times in reached
            if n and (at := times[n]) is not None and (before := times[n - 1]) is not None and at >= before
        ]
        steps.append(
            Step(
                name,
                len(reached),
                len(reached) / len(paths) if paths else None,
                median(days) if days else None,
            )
        )
    return steps


def by_month(paths: Iterable[tuple[str, Path]]) -> list[tuple[str, list[Step]]]:
    """The funnel of each month of registration ("2026-11"), the latest first."""
    months: dict[str, list[Path]] = {}
    for month, path in paths:
        months.setdefault(month, []).append(path)
    return [(month, funnel(months[month])) for month in sorted(months, reverse=True)]


def events(paths: Iterable[Path]) -> Counter[str]:
    """How many events the paths stand for, by step: what the funnel's counts must equal."""
    return Counter(
        name for path in paths for name, at in zip(STEPS, path.times(), strict=True) if at is not None
    )
