"""How a level is computed from facts and explains itself. Pure: facts, a time and the rules in, a reason tree out."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from math import floor
from typing import Any

from certification.standing.evidence import WINDOWS, Counted, Evidence, gate_values, read
from portal.ledger.rules import FactKind, FactRow


class Family(StrEnum):
    OPERATOR = "operator"
    ISV = "isv"


class LevelStatus(StrEnum):
    ACTIVE = "active"
    AT_RISK = "at_risk"  # seen by the organisation and platform staff alone
    PROBATION = "probation"  # public: 整改中
    SUSPENDED = "suspended"
    DOWNGRADED = "downgraded"  # below 3★ after its grace
    EXPIRED = "expired"
    REVOKED = "revoked"


PUBLIC = (
    LevelStatus.ACTIVE,
    LevelStatus.AT_RISK,
    LevelStatus.PROBATION,
)  # listed and matched; at risk reads as active outside

MOVES = {
    (LevelStatus.ACTIVE, "risk"): LevelStatus.AT_RISK,
    (LevelStatus.AT_RISK, "recover"): LevelStatus.ACTIVE,
    (LevelStatus.PROBATION, "recover"): LevelStatus.ACTIVE,
    (LevelStatus.AT_RISK, "probation"): LevelStatus.PROBATION,
    (LevelStatus.PROBATION, "ease"): LevelStatus.AT_RISK,  # what was public is mended, something newer is not
    (LevelStatus.PROBATION, "downgrade"): LevelStatus.DOWNGRADED,
    **{(status, "suspend"): LevelStatus.SUSPENDED for status in PUBLIC},
    (LevelStatus.SUSPENDED, "reinstate"): LevelStatus.ACTIVE,
    **{(status, "expire"): LevelStatus.EXPIRED for status in PUBLIC},
    **{(status, "revoke"): LevelStatus.REVOKED for status in (*PUBLIC, LevelStatus.SUSPENDED)},
}

LEVELS = (3, 4, 5)
SCORE = "score"


@dataclass(frozen=True)
class Metric:
    key: str
    weight: float
    value: float
    gate: float
    target: float
    points: float
    met: bool
    neutral: bool = False  # too small a sample: left out, the others carry its weight
    sample: int | None = None
    min_sample: int | None = None
    grace_d: int = 0
    counted: tuple[Counted, ...] = ()
    not_counted: tuple[Counted, ...] = ()


@dataclass(frozen=True)
class Gate:
    """A hard gate: points can't make up for it."""

    key: str
    value: float
    limit: float
    met: bool


@dataclass(frozen=True)
class Tree:
    """Everything that decides whether an organisation meets one number of stars at one time."""

    family: str
    stars: int
    at: datetime
    version: str
    score: float
    pass_score: float
    metrics: tuple[Metric, ...]
    gates: tuple[Gate, ...]
    met: bool

    @cached_property
    def digest(self) -> str:
        """Of all that decides: figures and facts, not the names that facts are shown by."""
        data = as_data(self)
        for metric in data["metrics"]:
            for counted in metric["counted"] + metric["not_counted"]:
                del counted["label"]
        return sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()

    def failing(self) -> dict[str, Metric | Gate | None]:
        """What is not met, by its key: metrics, hard gates, and the score when it is too low."""
        below: dict[str, Metric | Gate | None] = {m.key: m for m in self.metrics if not m.met}
        below |= {g.key: g for g in self.gates if not g.met}
        return below | ({SCORE: None} if self.score < self.pass_score else {})

    def metric(self, key: str) -> Metric:
        return next(m for m in self.metrics if m.key == key)


def _metric(evidence: Evidence, config: Mapping[str, Any], stars: int) -> Metric:
    star = str(stars)
    gate, target = (float(v) for v in config["levels"][star])
    value, counted, left, sample = read(evidence, config, stars)
    neutral = sample is not None and sample < config.get("neutral_when_sample_below", 0)
    min_sample = config.get("min_sample", {}).get(star)
    enough = neutral or min_sample is None or (sample or 0) >= min_sample
    points = 0.0 if neutral else config["weight"] * min(1.0, value / target)
    return Metric(
        config["key"],
        config["weight"],
        value,
        gate,
        target,
        round(points, 4),
        neutral or (enough and value >= gate and value > 0),
        neutral,
        sample,
        min_sample,
        config.get("grace_d", 0),
        tuple(counted),
        tuple(left),
    )


def _gates(evidence: Evidence, family: str, limits: Mapping[str, Any]) -> list[Gate]:
    values = gate_values(evidence, family)
    return [
        Gate(
            key,
            values[key],
            float(limit),
            values[key] <= float(limit) if key.endswith("_max") else values[key] >= float(limit),
        )
        for key, limit in limits.items()
    ]


def evaluate(
    facts: Iterable[FactRow],
    family: str,
    stars: int,
    at: datetime,
    rules: Mapping[str, Any],
    *,
    known_at: datetime | None = None,
) -> Tree:
    """The reason tree for 3, 4 or 5 stars at a time, from what the ledger knew at `known_at` (at that very time).

    Score = Σ weight · min(1, value / target) over the metrics with enough evidence, scaled to 100. Met when every hard gate
    and every metric's gate is met, none is zero, and the score reaches the pass mark of that number of stars.
    """
    return judge(Evidence(facts, at, rules, known_at), family, stars)


def judge(evidence: Evidence, family: str, stars: int) -> Tree:
    """As `evaluate`, from evidence that is laid out already: several numbers of stars of one organisation share it."""
    rules = evidence.rules
    config = rules["families"][str(family)]
    metrics = tuple(_metric(evidence, m, stars) for m in config["metrics"])
    gates = tuple(_gates(evidence, str(family), config["hard_gates"][str(stars)]))
    weight = sum(m.weight for m in metrics if not m.neutral)
    score = round(100 * sum(m.points for m in metrics) / weight, 2) if weight else 0.0
    pass_score = float(rules["scoring"]["pass_score"][str(stars)])
    met = all(m.met for m in metrics) and all(g.met for g in gates) and score >= pass_score
    return Tree(
        str(family), stars, evidence.at, str(rules["version"]), score, pass_score, metrics, gates, met
    )


@dataclass(frozen=True)
class Standing:
    """Where an organisation stands in a family at a time: the tree of every number of stars, and the most that is met."""

    family: str
    at: datetime
    version: str
    automatic: int  # 0 to 2, which need no decision
    trees: tuple[Tree, ...]  # 3★, 4★, 5★

    @property
    def stars(self) -> int:
        """The most stars whose criteria are met at that time; holding them takes days in a row and a decision."""
        return max((t.stars for t in self.trees if t.met), default=self.automatic)

    def tree(self, stars: int) -> Tree:
        return next(t for t in self.trees if t.stars == stars)

    @cached_property
    def digest(self) -> str:
        parts = [self.family, self.version, str(self.automatic), *(t.digest for t in self.trees)]
        return sha256("\n".join(parts).encode()).hexdigest()


def standing(
    facts: Iterable[FactRow],
    family: str,
    at: datetime,
    rules: Mapping[str, Any],
    *,
    known_at: datetime | None = None,
) -> Standing:
    """Pure and total: the same facts, time and rules give the same answer and the same hash, in whatever order."""
    evidence = Evidence(facts, at, rules, known_at)
    return Standing(
        str(family),
        at,
        str(rules["version"]),
        _come_by_themselves([f for f in evidence.known if f.holds(at)]),
        tuple(judge(evidence, family, stars) for stars in LEVELS),
    )


def credit_heads(required: float, share: float) -> int:
    """How many heads a continuity credit stands for: the share of those required, rounded down, but at least one."""
    return max(1, floor(share * required)) if required >= 1 else 0


def credit_again_at(facts: Iterable[FactRow], at: datetime) -> datetime | None:
    """When a credit may be used again, when one was used in the last 12 months; None when it may be used now."""
    used = [f.true_from for f in facts if f.kind == FactKind.CONTINUITY_CREDIT and f.known(at)]
    again = max(used) + WINDOWS["_12m"] if used else None
    return again if again and again > at else None


def creditable(tree: Tree, share: float) -> dict[str, int]:
    """Metric → heads of a credit, for each count of people below its gate."""
    return {
        m.key: credit_heads(m.gate, share)
        for m in tree.metrics
        if m.key.startswith("staff_") and not m.met and m.value < m.gate
    }


def as_data(tree: Tree) -> dict[str, Any]:
    """The tree as JSON keeps it."""
    data: dict[str, Any] = json.loads(json.dumps(asdict(tree), default=lambda v: v.isoformat()))
    return data


def automatic_stars(facts: Iterable[FactRow], at: datetime) -> int:
    """0 unverified, 1 verified, 2 verified with at least one certified person at work."""
    return _come_by_themselves([f for f in facts if f.known(at) and f.holds(at)])


def _come_by_themselves(held: Sequence[FactRow]) -> int:
    if not any(f.kind == FactKind.ORGANISATION_VERIFIED for f in held):
        return 0
    employed = {f.person_id for f in held if f.kind == FactKind.EMPLOYMENT}
    return 2 if any(f.kind == FactKind.CERTIFICATE and f.person_id in employed for f in held) else 1


def next_lapses(tree: Tree, at: datetime, most: int = 3) -> list[tuple[datetime, str, str]]:
    """(when, metric, label) of the counted facts that stop counting first."""
    lapses = [
        (c.lapses_at, m.key, c.label)
        for m in tree.metrics
        for c in m.counted
        if c.lapses_at and c.lapses_at > at
    ]
    return sorted(lapses)[:most]


def best_step(tree: Tree) -> Metric | None:
    """The metric to work on next: one below its gate first, heaviest loss of points first; None when all targets are reached."""
    open_ones = [m for m in tree.metrics if not m.neutral and (not m.met or m.points < m.weight)]
    return max(open_ones, key=lambda m: (not m.met, m.weight - m.points), default=None)
