"""How a draft of the rules is tried on what is known of organisations, and how it comes into force. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from certification.standing.evidence import READERS, Evidence, days_at
from certification.standing.movement import GRACE, Clock, changes, days_held, grace_of
from certification.standing.rules import LEVELS, SCORE, Gate, Metric, Tree, evaluate, judge
from portal.ledger.rules import FactKind, FactRow
from portal.programme.checking import Known
from portal.refusal import mark

CHINA = ZoneInfo("Asia/Shanghai")
CHUNK = 200  # organisations computed at a time
QUARTERS = 4
HARD_GATES = (
    "org_verified",
    "conduct_min",
    "complaints_upheld_12m_max",
    "major_open_max",
    "distinct_clients_24m_min",
    "violations_180d_max",
    "data_export",
    "uptime_90d_min",
    "held_4star_days_min",
)


class DraftStatus(StrEnum):
    DRAFT = "draft"
    IN_REVIEW = "in_review"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


STATES = {
    DraftStatus.DRAFT: mark("draft of rules"),
    DraftStatus.IN_REVIEW: mark("waits for a second person"),
    DraftStatus.PUBLISHED: mark("published rules"),
    DraftStatus.WITHDRAWN: mark("draft withdrawn"),
}
MOVES: Mapping[tuple[str, str], str] = {
    (DraftStatus.DRAFT, "submit"): DraftStatus.IN_REVIEW,
    (DraftStatus.IN_REVIEW, "take_back"): DraftStatus.DRAFT,
    (DraftStatus.IN_REVIEW, "publish"): DraftStatus.PUBLISHED,
    (DraftStatus.DRAFT, "withdraw"): DraftStatus.WITHDRAWN,
    (DraftStatus.IN_REVIEW, "withdraw"): DraftStatus.WITHDRAWN,
}


class BacktestStatus(StrEnum):
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"  # a newer one of the same draft took its place


def digest_of(text: str) -> str:
    """Which text exactly a back-test was made of."""
    return sha256(text.encode()).hexdigest()


def known_of(rights: Mapping[str, Any]) -> Known:
    """What the code reads; the rights are those that this release of the portal asks for."""
    return Known(
        frozenset(READERS), frozenset(HARD_GATES), frozenset(rights["table"]), frozenset(rights["staff"])
    )


def effective_from(day: date, now: datetime) -> datetime:
    """The first moment of a day in China; for today this very moment, for rules never reach back."""
    start = datetime.combine(day, time(), CHINA)
    return max(start, now)


def moments(now: datetime) -> list[datetime]:
    """The last moments of the latest four quarters that are over, oldest first, and now."""
    today = now.astimezone(CHINA).date()
    first = date(today.year, 3 * ((today.month - 1) // 3) + 1, 1)
    ends = []
    for _ in range(QUARTERS):
        ends.append(datetime.combine(first, time(), CHINA) - timedelta(seconds=1))
        last = first - timedelta(days=1)
        first = date(last.year, 3 * ((last.month - 1) // 3) + 1, 1)
    return [*reversed(ends), now]


# ——— One organisation under one version ———


class Outcome(StrEnum):
    RISE = "rise"  # more stars than held have been met for the days in a row
    FALL = "fall"  # something has not been met for longer than its grace
    GRACE = "grace"  # something is not met, and its clock runs
    SAME = "same"


OUTCOMES = {
    Outcome.RISE: mark("rises"),
    Outcome.FALL: mark("falls"),
    Outcome.GRACE: mark("in grace"),
    Outcome.SAME: mark("as held"),
}


class Trees:
    """The tree of each number of stars, computed when it is asked for."""

    def __init__(self, evidence: Evidence, family: str) -> None:
        self._evidence, self._family, self._made = evidence, family, dict[int, Tree]()

    def __getitem__(self, stars: int) -> Tree:
        if stars not in self._made:
            self._made[stars] = judge(self._evidence, self._family, stars)
        return self._made[stars]


@dataclass(frozen=True)
class Outlook:
    """Where an organisation stands at a moment, as if these rules had been in force all along."""

    outcome: Outcome
    held: int  # 0 or 3 to 5
    stars: int  # that it may rise to, or is left with
    trees: Trees
    over: Mapping[str, datetime]  # what is not met of the stars held → when its grace ends or ended

    @property
    def tree(self) -> Tree:
        """That of the stars held, else of the first level."""
        return self.trees[self.held or LEVELS[0]]


def held_at(evidence: Evidence, family: str) -> int:
    return max(
        (int(f.value["stars"]) for f in evidence.holding(FactKind.LEVEL) if f.value["family"] == family),
        default=0,
    )


def outlook(
    facts: Sequence[FactRow],
    family: str,
    at: datetime,
    rules: Mapping[str, Any],
    running: Mapping[str, Clock] | None = None,
) -> Outlook:
    """From what the ledger knew at that moment. Total; the same facts, time and rules give the same answer.

    `running`: the clocks that run for the level held, where they are known: they go on instead of being reckoned anew.
    A higher star never asks for less (a check of the file), so nobody meets one without those below it.
    """
    evidence = Evidence(facts, at, rules)
    held, trees = held_at(evidence, family), Trees(evidence, family)
    if held and not trees[held].met:
        since = at - timedelta(days=days_at(evidence, family, held))
        ends = _ends(facts, family, trees[held], since, evidence, running or {})
        if all(end > at for end in ends.values()):
            return Outlook(Outcome.GRACE, held, held, trees, ends)
        left = max((s for s in LEVELS if s < held and trees[s].met), default=0)
        return Outlook(Outcome.FALL, held, left, trees, ends)
    need, risen = int(rules["scoring"]["hold_days_before_upgrade"]), held
    for stars in LEVELS:
        if stars > held:
            if not trees[stars].met or days_held(facts, family, stars, at, rules) < need:
                break
            risen = stars
    return Outlook(Outcome.RISE if risen > held else Outcome.SAME, held, risen, trees, {})


def _grace(evidence: Evidence, tree: Tree, key: str) -> timedelta:
    """That of the rules, and more for people whom a client hired."""
    grace = grace_of(tree, key, evidence.rules)
    if key.startswith("staff_") and any(f.value.get("confirmed") for f in evidence.of(FactKind.DEPARTURE)):
        departure = evidence.rules["lifecycle"]["staff_departure"]
        grace += timedelta(days=departure["hired_by_client"]["extra_grace_d"])
    return grace


def _ends(
    facts: Sequence[FactRow],
    family: str,
    tree: Tree,
    since: datetime,
    evidence: Evidence,
    running: Mapping[str, Clock],
) -> dict[str, datetime]:
    """When the grace of each thing that is not met ends: counted from when that was known, or from the award."""
    at, rules = tree.at, evidence.rules
    graces = {key: _grace(evidence, tree, key) for key in sorted(tree.failing())}
    ends = {key: running[key].until for key in graces if key in running}
    graces = {key: grace for key, grace in graces.items() if key not in ends}
    if not graces:
        return ends
    start = max(at - max(graces.values()), since)
    since_when = dict.fromkeys(graces, at)
    still, asked = set(graces), _only(rules, family, graces)
    for moment in reversed([start, *changes(facts, family, asked, start, at)]):
        still &= evaluate(facts, family, tree.stars, moment, asked).failing().keys()
        since_when |= dict.fromkeys(still, moment)
        if not still:
            break
    return ends | {key: since_when[key] + graces[key] for key in graces}


def _only(rules: Mapping[str, Any], family: str, keys: Iterable[str]) -> Mapping[str, Any]:
    """The rules with nothing but these metrics and gates: each is met or not whatever the others are, save the score."""
    wanted = set(keys)
    if SCORE in wanted:
        return rules
    own = rules["families"][family]
    fewer = {
        **own,
        "metrics": [m for m in own["metrics"] if m["key"] in wanted],
        "hard_gates": {
            star: {key: limit for key, limit in gates.items() if key in wanted}
            for star, gates in own["hard_gates"].items()
        },
    }
    return {**rules, "families": {family: fewer}}


# ——— Two versions side by side ———


@dataclass(frozen=True)
class Decider:
    """Something that makes the difference: its value and what each version asks."""

    key: str
    value: float
    old: float | None  # None: that version does not ask for it
    new: float | None


@dataclass(frozen=True)
class Compared:
    """One organisation and family at one moment."""

    at: datetime
    held: int
    before: Outlook
    after: Outlook
    deciders: tuple[Decider, ...]

    @property
    def moves(self) -> bool:
        return (self.before.outcome, self.before.stars) != (self.after.outcome, self.after.stars)

    @property
    def difference(self) -> float:
        return round(self.after.tree.score - self.before.tree.score, 2)

    def as_data(self) -> dict[str, Any]:
        return {
            "at": self.at.isoformat(),
            "held": self.held,
            "before": [self.before.outcome.value, self.before.stars, self.before.tree.score],
            "after": [self.after.outcome.value, self.after.stars, self.after.tree.score],
            "ends": min((e.isoformat() for e in self.after.over.values()), default=None),
            "deciders": [[d.key, d.value, d.old, d.new] for d in self.deciders],
        }


def compared(
    facts: Sequence[FactRow],
    family: str,
    at: datetime,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    running: Mapping[str, Clock] | None = None,
) -> Compared:
    before = outlook(facts, family, at, old, running)
    after = before if old is new else outlook(facts, family, at, new, _other(running or {}, before, old, new))
    return Compared(at, before.held, before, after, _deciders(before, after))


def _other(
    running: Mapping[str, Clock], before: Outlook, old: Mapping[str, Any], new: Mapping[str, Any]
) -> dict[str, Clock]:
    """The clocks as the new rules would have set them: longer or shorter by what they change."""
    return {
        key: replace(clock, until=clock.until + _published(before, key, new) - _published(before, key, old))
        for key, clock in running.items()
        if key in before.tree.failing()
    }


def _published(before: Outlook, key: str, rules: Mapping[str, Any]) -> timedelta:
    metrics = rules["families"][before.tree.family]["metrics"]
    own = next((m["grace_d"] for m in metrics if m["key"] == key), None)
    if own is not None:
        return timedelta(days=own)
    name = "score_grace_d" if key == SCORE else "hard_gate_grace_d"
    return timedelta(days=rules["lifecycle"].get(name, GRACE[name]))


def _deciders(before: Outlook, after: Outlook) -> tuple[Decider, ...]:
    """What one version finds met and the other does not, at the number of stars that is in question."""
    stars = max(before.held, LEVELS[0])
    for one in (before, after):
        if one.outcome is Outcome.RISE:
            stars = max(stars, one.stars)
    old, new = before.trees[stars], after.trees[stars]
    keys = sorted(old.failing().keys() ^ new.failing().keys())
    if not keys and before.outcome is not after.outcome:
        keys = sorted(new.failing())
    return tuple(_decider(key, old, new) for key in keys)


def _decider(key: str, old: Tree, new: Tree) -> Decider:
    if key == SCORE:
        return Decider(key, new.score, old.pass_score, new.pass_score)
    was, now = _item(old, key), _item(new, key)
    shown = now or was
    return Decider(key, shown.value if shown else 0.0, _asked(was), _asked(now))


def _item(tree: Tree, key: str) -> Metric | Gate | None:
    items: tuple[Metric | Gate, ...] = (*tree.metrics, *tree.gates)
    return next((item for item in items if item.key == key), None)


def _asked(item: Metric | Gate | None) -> float | None:
    return None if item is None else item.limit if isinstance(item, Gate) else item.gate


# ——— Figures ———

SIZES = ("0", "1-4", "5-19", "20+")


def size_of(facts: Iterable[FactRow], at: datetime) -> str:
    """By the number of people who work there, as known."""
    people = {
        f.person_id
        for f in facts
        if f.kind == FactKind.EMPLOYMENT and (row := f.as_known(at)) is not None and row.holds(at)
    }
    n = len(people)
    return SIZES[0] if n == 0 else SIZES[1] if n < 5 else SIZES[2] if n < 20 else SIZES[3]


def counted(figures: dict[str, Any], lines: Iterable[tuple[Mapping[str, str], Compared]]) -> dict[str, Any]:
    """The figures with these lines added: by moment and version, outcome and stars; of the last moment also by group."""
    totals: dict[str, Any] = figures.get("moments", {})
    groups: dict[str, Any] = figures.get("by", {})
    for place, one in lines:
        at = totals.setdefault(one.at.isoformat(), {"before": {}, "after": {}})
        for version, seen in (("before", one.before), ("after", one.after)):
            stars = seen.stars if seen.outcome is Outcome.RISE else seen.held
            by_stars = at[version].setdefault(seen.outcome.value, {})
            by_stars[str(stars)] = by_stars.get(str(stars), 0) + 1
        for name, value in place.items():  # empty except at the last moment
            cell = groups.setdefault(name, {}).setdefault(value, {})
            for field in ("all", f"before_{one.before.outcome}", f"after_{one.after.outcome}"):
                cell[field] = cell.get(field, 0) + 1
    return {**figures, "moments": totals, "by": groups}


def gini(values: Iterable[float]) -> float:
    """0 when all change alike, near 1 when one changes alone; of absolute values. Σ(2i − n − 1)·x / (n·Σx), x ascending.

    Source: Gini 1912, in the form for a sorted sample. 0 when nothing changes.
    """
    ordered = sorted(abs(v) for v in values)
    n, total = len(ordered), sum(ordered)
    if not n or total == 0:
        return 0.0
    return round(sum((2 * i - n - 1) * x for i, x in enumerate(ordered, 1)) / (n * total), 4)
