"""When a level moves: the clocks of what is not met, the days in a row before it rises, and when to look again. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from certification.standing.evidence import GATE_KINDS, READERS, window_of
from certification.standing.rules import SCORE, LevelStatus, Metric, Tree, evaluate
from portal.ledger.rules import FactKind, FactRow

MONTH = timedelta(days=30)  # of clean conduct
GRACE = {"hard_gate_grace_d": 30, "score_grace_d": 90}  # of versions that do not publish them


@dataclass(frozen=True)
class Clock:
    """Something is not met: since when that is known, and when its grace ends."""

    key: str
    since: datetime
    until: datetime

    def half(self, fraction: float) -> datetime:
        return self.since + (self.until - self.since) * fraction


def grace_of(tree: Tree, key: str, rules: Mapping[str, Any]) -> timedelta:
    """Its own for each metric; one published number for the hard gates, one for the score."""
    below = tree.failing()[key]
    if isinstance(below, Metric):
        return timedelta(days=below.grace_d)
    name = "score_grace_d" if key == SCORE else "hard_gate_grace_d"
    return timedelta(days=rules["lifecycle"].get(name, GRACE[name]))


def run_clocks(
    before: Iterable[Clock], tree: Tree, rules: Mapping[str, Any], now: datetime
) -> tuple[Clock, ...]:
    """Those that run go on for what is still not met, new ones start now, what is met again loses its own."""
    running = {clock.key: clock for clock in before}
    return tuple(
        running.get(key) or Clock(key, now, now + grace_of(tree, key, rules))
        for key in sorted(tree.failing())
    )


def next_move(
    status: LevelStatus,
    clocks: Sequence[Clock],
    valid_until: datetime,
    rules: Mapping[str, Any],
    now: datetime,
) -> str | None:
    """The one move that a level makes now (its status is one of PUBLIC); asked again until there is none."""
    lifecycle = rules["lifecycle"]
    if not clocks:
        due = valid_until <= now and lifecycle["auto_renew_when_all_met"]
        return "recover" if status is not LevelStatus.ACTIVE else "renew" if due else None
    if valid_until + timedelta(days=lifecycle["renewal_window_d"][1]) <= now:
        return "expire"
    fraction = float(lifecycle["probation_starts_at_fraction_of_grace"])
    over = any(clock.until <= now for clock in clocks)
    public = over or any(clock.half(fraction) <= now for clock in clocks)
    moves = {
        LevelStatus.ACTIVE: "risk",
        LevelStatus.AT_RISK: "probation" if public else None,
        LevelStatus.PROBATION: "downgrade" if over else None if public else "ease",
    }
    return moves[status]


def look_again(
    facts: Sequence[FactRow],
    family: str,
    clocks: Sequence[Clock],
    valid_until: datetime,
    rules: Mapping[str, Any],
    now: datetime,
    horizon: timedelta = timedelta(days=400),
) -> datetime:
    """The next moment at which something can change by time alone; before it nothing needs computing anew."""
    lifecycle = rules["lifecycle"]
    fraction = float(lifecycle["probation_starts_at_fraction_of_grace"])
    moments = [
        valid_until,
        valid_until + timedelta(days=lifecycle["renewal_window_d"][1]),
        *(m for clock in clocks for m in (clock.half(fraction), clock.until)),
        *_moments(facts, family, rules, now, now + horizon),
    ]
    return min((m for m in moments if m > now), default=now + horizon)


def changes(
    facts: Iterable[FactRow], family: str, rules: Mapping[str, Any], since: datetime, until: datetime
) -> list[datetime]:
    """Every moment after `since`, up to `until`, at which a tree of this family can become another one.

    The count of days for which a level has been held goes up in between; when it is enough is a moment.
    """
    return sorted(set(_moments(facts, family, rules, since, until)))


def _moments(
    facts: Iterable[FactRow], family: str, rules: Mapping[str, Any], since: datetime, until: datetime
) -> Iterator[datetime]:
    windows, held_days = _windows(family, rules), _held_days(family, rules)
    for f in facts:
        if f.kind not in windows:
            continue
        moments = [
            f.recorded_at,
            f.retracted_at,
            f.end_recorded_at,
            f.true_from,
            f.true_until,
            f.until_before,
        ]
        moments += [f.true_from + window for window in windows[f.kind]]
        if f.kind == FactKind.LEVEL:
            moments += [f.true_from + days for days in held_days]
        if f.kind == FactKind.CONDUCT:
            months = range(max(1, (since - f.true_from) // MONTH), (until - f.true_from) // MONTH + 1)
            moments += [f.true_from + MONTH * n for n in months]
        yield from (m for m in moments if m is not None and since < m <= until)


def _windows(family: str, rules: Mapping[str, Any]) -> dict[str, set[timedelta]]:
    """Kind of fact → for how long it counts, wherever it counts in this family."""
    windows: dict[str, set[timedelta]] = {
        str(kind): {window} if window else set() for kind, window in GATE_KINDS.items()
    }
    for metric in rules["families"][str(family)]["metrics"]:
        reader = READERS[metric["key"]]
        window = window_of(metric["key"]) or reader.window
        for kind in reader.kinds:
            windows.setdefault(str(kind), set()).update({window} if window else set())
    return windows


def _held_days(family: str, rules: Mapping[str, Any]) -> list[timedelta]:
    gates = rules["families"][str(family)]["hard_gates"].values()
    return [timedelta(days=g["held_4star_days_min"]) for g in gates if "held_4star_days_min" in g]


def met_since(
    facts: Sequence[FactRow],
    family: str,
    stars: int,
    at: datetime,
    rules: Mapping[str, Any],
    most: timedelta,
) -> datetime | None:
    """Since when the criteria have been met without a break, as was known at each moment; no earlier than `at - most`."""
    start = at - most
    moments = [start, *changes(facts, family, rules, start, at)]
    since = None
    for moment in reversed(moments):
        if not evaluate(facts, family, stars, moment, rules).met:
            break
        since = moment
    return since


def days_held(
    facts: Sequence[FactRow], family: str, stars: int, at: datetime, rules: Mapping[str, Any]
) -> int:
    """For how many whole days in a row, ending now, the criteria were met; counts no further than the rule asks."""
    need = timedelta(days=int(rules["scoring"]["hold_days_before_upgrade"]))
    since = met_since(facts, family, stars, at, rules, need)
    return (at - since).days if since else 0


@dataclass(frozen=True)
class Fall:
    """If nothing new happens: from when on something is not met any more."""

    at: datetime
    key: str
    tree: Tree  # at that moment


def falls(
    facts: Sequence[FactRow],
    family: str,
    stars: int,
    at: datetime,
    rules: Mapping[str, Any],
    most: timedelta,
) -> list[Fall]:
    """What lapses next and what that does: the first moment at which each thing that is met now stops being met."""
    seen = set(evaluate(facts, family, stars, at, rules).failing())
    found = []
    for moment in changes(facts, family, rules, at, at + most):
        tree = evaluate(facts, family, stars, moment, rules)
        for key in sorted(set(tree.failing()) - seen):
            found.append(Fall(moment, key, tree))
            seen.add(key)
    return found
