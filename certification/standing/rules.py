"""How a level is computed from facts, explains itself, and moves. Pure: facts, a time and the rules in, a reason tree out."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from math import floor
from statistics import median
from typing import Any

from portal.ledger.rules import FactKind, FactRow
from portal.refusal import mark
from training.maturity.rules import proved_score


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
    (LevelStatus.PROBATION, "downgrade"): LevelStatus.DOWNGRADED,
    **{(status, "suspend"): LevelStatus.SUSPENDED for status in PUBLIC},
    (LevelStatus.SUSPENDED, "reinstate"): LevelStatus.ACTIVE,
    **{(status, "expire"): LevelStatus.EXPIRED for status in PUBLIC},
    **{(status, "revoke"): LevelStatus.REVOKED for status in (*PUBLIC, LevelStatus.SUSPENDED)},
}

WINDOWS = {
    "_24m": timedelta(days=730),
    "_18m": timedelta(days=548),
    "_12m": timedelta(days=365),
    "_90d": timedelta(days=90),
    "_180d": timedelta(days=180),
}
REVIEW_PRIOR, REVIEW_PRIOR_MEAN = 3, 4.0  # as if three average reviews had come before the first
HARD_GATE_GRACE_D = 30


@dataclass(frozen=True)
class Counted:
    """A fact in the tree: which, about whom, and when it stops counting."""

    fact_id: int
    label: str
    lapses_at: datetime | None = None
    why_not: str = ""  # catalogue key; empty when it counted
    heads: int = 0  # how many people a continuity credit stands for


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
    digest: str = field(default="", compare=False)

    def metric(self, key: str) -> Metric:
        return next(m for m in self.metrics if m.key == key)


class _Evidence:
    """The facts that hold and are known at a time, ready to be counted."""

    def __init__(self, facts: Iterable[FactRow], at: datetime, rules: Mapping[str, Any]) -> None:
        self.at, self.rules = at, rules
        self.known = sorted(
            (f for f in facts if f.known(at) and f.true_from <= at), key=lambda f: (f.true_from, f.id)
        )
        self.roles = {c["code"]: c["counts_as"] for c in rules["personal_certificates"]}
        self.employed = {f.person_id for f in self.known if f.kind == FactKind.EMPLOYMENT and f.holds(at)}
        self.cap = float(rules["scoring"]["same_client_max_share_of_evidence"])

    def within(self, kind: FactKind, window: timedelta) -> tuple[list[FactRow], list[FactRow]]:
        """(inside the window, before it)"""
        every = [f for f in self.known if f.kind == kind]
        return [f for f in every if f.true_from > self.at - window], [
            f for f in every if f.true_from <= self.at - window
        ]

    def holding(self, kind: FactKind) -> list[FactRow]:
        return [f for f in self.known if f.kind == kind and f.holds(self.at)]

    def of_clients(
        self, kind: FactKind, window: timedelta, keep: Callable[[FactRow], bool] = lambda _: True
    ) -> tuple[list[FactRow], list[Counted]]:
        """Evidence from clients: none older than the window, no client with more than its share, newest first kept."""
        inside, outside = self.within(kind, window)
        inside = [f for f in inside if keep(f)]
        most = max(1, floor(self.cap * len(inside)))
        taken: Counter[str] = Counter()
        counted, left = (
            [],
            [Counted(f.id, _label(f), why_not=mark("older than the period")) for f in outside if keep(f)],
        )
        for f in reversed(inside):
            client = str(f.value.get("client", ""))
            taken[client] += 1
            if taken[client] <= most:
                counted.append(f)
            else:
                left.append(
                    Counted(
                        f.id,
                        _label(f),
                        why_not=mark("one client may make up at most two fifths of the evidence"),
                    )
                )
        return counted, left


def _label(fact: FactRow) -> str:
    value = fact.value
    return str(
        fact.person
        or value.get("client")
        or value.get("code")
        or value.get("product")
        or value.get("platform")
        or value.get("case_id")
        or ""
    )


Reading = tuple[
    float, list[Counted], list[Counted], int | None
]  # value, what counted, what did not, size of the sample


def _counts(facts: Sequence[FactRow], window: timedelta | None = None) -> list[Counted]:
    return [Counted(f.id, _label(f), f.true_from + window if window else f.true_until) for f in facts]


def _heads(role: str) -> Callable[[_Evidence, timedelta | None, Mapping[str, Any], int], Reading]:
    def read(e: _Evidence, _w: timedelta | None, config: Mapping[str, Any], stars: int) -> Reading:
        best: dict[int, FactRow] = {}
        left = []
        for f in e.known:
            if (
                f.kind != FactKind.CERTIFICATE
                or e.roles.get(str(f.value.get("code"))) != role
                or f.person_id is None
            ):
                continue
            if f.person_id not in e.employed:
                left.append(Counted(f.id, _label(f), why_not=mark("does not work here now")))
            elif not f.holds(e.at):
                left.append(Counted(f.id, _label(f), why_not=mark("the certificate has ended")))
            elif f.person_id in best:
                left.append(Counted(f.id, _label(f), why_not=mark("one person counts once in a role")))
            else:
                best[f.person_id] = f
        counted = _counts(list(best.values()))
        credit, why_not = _credit(e, role, len(best), config, stars)
        return len(best) + sum(c.heads for c in credit), counted + credit, left + why_not, None

    return read


def _credit(
    e: _Evidence, role: str, have: int, config: Mapping[str, Any], stars: int
) -> tuple[list[Counted], list[Counted]]:
    """The continuity credit for this role: up to the gate, never beyond it, and for no higher level than was held."""
    missing, counted, left = max(0, floor(config["levels"][str(stars)][0]) - have), [], []
    for f in e.known:
        if f.kind != FactKind.CONTINUITY_CREDIT or f.value.get("metric") != role:
            continue
        heads = min(int(f.value["heads"]), missing)
        if not f.holds(e.at):
            why_not = mark("the credit has ended")
        elif stars > int(f.value["stars"]):
            why_not = mark("a credit keeps a level and helps to no higher one")
        elif heads == 0:
            why_not = mark("the credit is not needed: enough people count")
        else:
            counted.append(Counted(f.id, "", f.true_until, heads=heads))
            continue
        left.append(Counted(f.id, "", why_not=why_not, heads=int(f.value["heads"])))
    return counted, left


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


def _training(e: _Evidence, window: timedelta | None, _c: Mapping[str, Any], _s: int) -> Reading:
    inside, _ = e.within(FactKind.TRAINING, window or WINDOWS["_12m"])
    mine = [f for f in inside if f.person_id in e.employed]
    hours = sum(float(f.value.get("hours", 0)) for f in mine)
    return round(hours / len(e.employed), 2) if e.employed else 0.0, _counts(mine, window), [], None


def _client_count(kind: FactKind, keep: Callable[[FactRow], bool] = lambda _: True) -> Callable[..., Reading]:
    def read(e: _Evidence, window: timedelta | None, _c: Mapping[str, Any], _s: int) -> Reading:
        counted, left = e.of_clients(kind, window or WINDOWS["_24m"], keep)
        return len(counted), _counts(counted, window), left, len(counted)

    return read


def _attainment(e: _Evidence, _w: timedelta | None, _c: Mapping[str, Any], _s: int) -> Reading:
    counted, left = e.of_clients(
        FactKind.OUTCOME_ATTESTED, WINDOWS["_12m"], lambda f: f.value.get("attainment") is not None
    )
    values = [float(f.value["attainment"]) for f in counted]
    return round(median(values), 4) if values else 0.0, _counts(counted, WINDOWS["_12m"]), left, len(values)


def _reviews(e: _Evidence, window: timedelta | None, _c: Mapping[str, Any], _s: int) -> Reading:
    """Bayesian mean (m·μ + Σr) / (m + n), m = 3, μ = 4: few reviews move it little."""
    counted, left = e.of_clients(FactKind.REVIEW, window or WINDOWS["_18m"])
    ratings = [float(f.value["rating"]) for f in counted]
    value = (
        (REVIEW_PRIOR * REVIEW_PRIOR_MEAN + sum(ratings)) / (REVIEW_PRIOR + len(ratings)) if ratings else 0.0
    )
    return round(value, 4), _counts(counted, window), left, len(ratings)


def _share(kind: FactKind, good: Callable[[FactRow, Mapping[str, Any], int], bool]) -> Callable[..., Reading]:
    def read(e: _Evidence, window: timedelta | None, config: Mapping[str, Any], stars: int) -> Reading:
        inside, _ = e.within(kind, window or WINDOWS["_90d"])
        value = sum(good(f, config, stars) for f in inside) / len(inside) if inside else 0.0
        return round(value, 4), _counts(inside, window), [], len(inside)

    return read


def _latest(kind: FactKind, name: str) -> Callable[..., Reading]:
    def read(e: _Evidence, _w: timedelta | None, _c: Mapping[str, Any], _s: int) -> Reading:
        facts = e.holding(kind)
        return (float(facts[-1].value[name]), _counts(facts[-1:]), [], None) if facts else (0.0, [], [], None)

    return read


def _maturity(e: _Evidence, _w: timedelta | None, _c: Mapping[str, Any], _s: int) -> Reading:
    """The Seven Onlines as seen on the spot, or as evidence proved them dimension by dimension: the higher counts.

    So handing in the first dimension never lowers what somebody saw of all seven, and neither way outlives its end.
    """
    facts = e.holding(FactKind.MATURITY_VERIFIED)
    seen = [f for f in facts if "dimension" not in f.value][-1:]
    parts = {str(f.value["dimension"]): f for f in facts if "dimension" in f.value}
    on_the_spot = float(seen[0].value["score"]) if seen else 0.0
    seven = e.rules["maturity"]["seven_onlines"]
    proved = proved_score({key: float(f.value["score"]) for key, f in parts.items()}, seven)
    ways = [(on_the_spot, seen), (proved, list(parts.values()))]
    (value, counted), (_less, left) = ways if on_the_spot >= proved else ways[::-1]
    why_not = mark("verified in another way that gives more")
    return value, _counts(counted), [Counted(f.id, _label(f), why_not=why_not) for f in left], None


def _holding_count(kind: FactKind, distinct: str = "") -> Callable[..., Reading]:
    def read(e: _Evidence, window: timedelta | None, _c: Mapping[str, Any], _s: int) -> Reading:
        facts = e.within(kind, window)[0] if window else e.holding(kind)
        unique = {str(f.value.get(distinct, f.id)) if distinct else f.id: f for f in facts}
        return len(unique), _counts(list(unique.values()), window), [], None

    return read


def _fixed_in_time(f: FactRow, config: Mapping[str, Any], stars: int) -> bool:
    days = f.value.get("fixed_in_days")
    return days is not None and float(days) <= float(config["fix_days"][str(stars)])


READERS: dict[str, Callable[..., Reading]] = {
    "staff_certified": _heads("staff_certified"),
    "staff_senior": _heads("staff_senior"),
    "staff_developer": _heads("staff_developer"),
    "staff_solution": _heads("staff_solution"),
    "training_hours_per_head_12m": _training,
    "cases_published_24m": _client_count(FactKind.CASE_PUBLISHED),
    "cases_named_public_24m": _client_count(FactKind.CASE_PUBLISHED, lambda f: bool(f.value.get("named"))),
    "outcomes_attested_12m": _client_count(FactKind.OUTCOME_ATTESTED),
    "outcome_attainment_median": _attainment,
    "reviews_bayes_18m": _reviews,
    "renewal_rate_24m": _share(FactKind.RENEWAL, lambda f, _c, _s: bool(f.value.get("renewed"))),
    "response_sla_rate_90d": _share(FactKind.RESPONSE, lambda f, _c, _s: bool(f.value.get("in_time"))),
    "maturity_verified": _maturity,
    "products_reviewed_valid": _holding_count(FactKind.PRODUCT_REVIEWED, "product"),
    "platform_integrations": _holding_count(FactKind.INTEGRATION, "platform"),
    "solutions_published": _holding_count(FactKind.SOLUTION_PUBLISHED),
    "live_customers_90d": _holding_count(FactKind.LIVE_CUSTOMER, "client"),
    "support_in_sla_rate_90d": _share(FactKind.SUPPORT, lambda f, _c, _s: bool(f.value.get("in_time"))),
    "critical_vuln_fix_rate_12m": _share(FactKind.VULNERABILITY, _fixed_in_time),
    "openness_checklist_10": _latest(FactKind.OPENNESS, "items"),
}


def _window(key: str) -> timedelta | None:
    return next((window for suffix, window in WINDOWS.items() if key.endswith(suffix)), None)


def _metric(evidence: _Evidence, config: Mapping[str, Any], stars: int) -> Metric:
    key, star = config["key"], str(stars)
    gate, target = (float(v) for v in config["levels"][star])
    value, counted, left, sample = READERS[key](evidence, _window(key), config, stars)
    neutral = sample is not None and sample < config.get("neutral_when_sample_below", 0)
    min_sample = config.get("min_sample", {}).get(star)
    enough = neutral or min_sample is None or (sample or 0) >= min_sample
    points = 0.0 if neutral else config["weight"] * min(1.0, value / target)
    return Metric(
        key,
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


def conduct(facts: Iterable[FactRow], at: datetime, rules: Mapping[str, Any]) -> float:
    """From 100: deductions as recorded, and what each clean month gives back, never above the start."""
    start, recovery = float(rules["conduct"]["start"]), float(rules["conduct"]["recovery_per_clean_month"])
    score, last = start, None
    for f in sorted(
        (f for f in facts if f.kind == FactKind.CONDUCT and f.known(at) and f.true_from <= at),
        key=lambda f: (f.true_from, f.id),
    ):
        if last is not None:
            score = min(start, score + recovery * ((f.true_from - last).days // 30))
        score += float(f.value["delta"])
        last = f.true_from
    return max(0.0, min(start, score + recovery * ((at - last).days // 30))) if last else start


def _gates(e: _Evidence, limits: Mapping[str, Any], held_4star_days: int) -> list[Gate]:
    clients = {
        str(f.value.get("client"))
        for kind in (FactKind.CASE_PUBLISHED, FactKind.OUTCOME_ATTESTED, FactKind.REVIEW)
        for f in e.within(kind, WINDOWS["_24m"])[0]
        if f.value.get("client")
    }
    uptime = e.holding(FactKind.UPTIME)
    values = {
        "org_verified": float(bool(e.holding(FactKind.ORGANISATION_VERIFIED))),
        "conduct_min": conduct(e.known, e.at, e.rules),
        "complaints_upheld_12m_max": float(len(e.within(FactKind.COMPLAINT_UPHELD, WINDOWS["_12m"])[0])),
        "major_open_max": float(
            sum(f.value.get("severity") == "major" for f in e.holding(FactKind.COMPLAINT_UPHELD))
        ),
        "distinct_clients_24m_min": float(len(clients)),
        "violations_180d_max": float(len(e.within(FactKind.VIOLATION, WINDOWS["_180d"])[0])),
        "data_export": float(bool(e.holding(FactKind.DATA_EXPORT))),
        "uptime_90d_min": float(uptime[-1].value["share"]) if uptime else 0.0,
        "held_4star_days_min": float(held_4star_days),
    }
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
    held_4star_days: int = 0,
) -> Tree:
    """The reason tree for 3, 4 or 5 stars at a time, from what was known then.

    Score = Σ weight · min(1, value / target) over the metrics with enough evidence, scaled to 100. Met when every hard gate
    and every metric's gate is met, none is zero, and the score reaches the pass mark of that number of stars.
    """
    evidence = _Evidence(facts, at, rules)
    config = rules["families"][str(family)]
    metrics = tuple(_metric(evidence, m, stars) for m in config["metrics"])
    gates = tuple(_gates(evidence, config["hard_gates"][str(stars)], held_4star_days))
    weight = sum(m.weight for m in metrics if not m.neutral)
    score = round(100 * sum(m.points for m in metrics) / weight, 2) if weight else 0.0
    pass_score = float(rules["scoring"]["pass_score"][str(stars)])
    met = all(m.met for m in metrics) and all(g.met for g in gates) and score >= pass_score
    tree = Tree(str(family), stars, at, str(rules["version"]), score, pass_score, metrics, gates, met)
    return Tree(
        **{**tree.__dict__, "digest": sha256(json.dumps(as_data(tree), sort_keys=True).encode()).hexdigest()}
    )


def as_data(tree: Tree) -> dict[str, Any]:
    """The tree as JSON keeps it."""
    data: dict[str, Any] = json.loads(json.dumps(asdict(tree), default=lambda v: v.isoformat()))
    data.pop("digest", None)
    return data


def automatic_stars(facts: Iterable[FactRow], at: datetime) -> int:
    """0 unverified, 1 verified, 2 verified with at least one certified person at work."""
    known = [f for f in facts if f.known(at) and f.holds(at)]
    if not any(f.kind == FactKind.ORGANISATION_VERIFIED for f in known):
        return 0
    employed = {f.person_id for f in known if f.kind == FactKind.EMPLOYMENT}
    return 2 if any(f.kind == FactKind.CERTIFICATE and f.person_id in employed for f in known) else 1


def days_held(
    facts: Sequence[FactRow],
    family: str,
    stars: int,
    at: datetime,
    rules: Mapping[str, Any],
    *,
    held_4star_days: int = 0,
) -> int:
    """For how many days in a row, ending now, the criteria were met as known on each day; counts no further than the rule asks."""
    need = int(rules["scoring"]["hold_days_before_upgrade"])
    for back in range(need + 1):
        if not evaluate(
            facts,
            family,
            stars,
            at - timedelta(days=back),
            rules,
            held_4star_days=max(0, held_4star_days - back),
        ).met:
            return max(0, back - 1) if back else 0
    return need


def grace_days(tree: Tree) -> int:
    """How long an organisation may stay below: the shortest grace among what fails; one published number for hard gates."""
    failing = [m.grace_d for m in tree.metrics if not m.met] + [
        HARD_GATE_GRACE_D for g in tree.gates if not g.met
    ]
    return min(failing) if failing else 90


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
