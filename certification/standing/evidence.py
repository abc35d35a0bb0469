"""What the facts say: for each metric its value, the facts that counted and those that did not, with the reason. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor
from statistics import median
from typing import Any

from portal.ledger.rules import FactKind, FactRow
from portal.refusal import mark
from training.maturity.rules import proved_score

WINDOWS = {
    "_24m": timedelta(days=730),
    "_18m": timedelta(days=548),
    "_12m": timedelta(days=365),
    "_90d": timedelta(days=90),
    "_180d": timedelta(days=180),
}
REVIEW_PRIOR, REVIEW_PRIOR_MEAN = 3, 4.0  # as if three average reviews had come before the first


@dataclass(frozen=True)
class Counted:
    """A fact in the tree: which, about whom, and when it stops counting."""

    fact_id: int
    label: str
    lapses_at: datetime | None = None
    why_not: str = ""  # catalogue key; empty when it counted
    heads: int = 0  # how many people a continuity credit stands for


class Evidence:
    """The facts true at a time, as the ledger knew them at a time, ready to be counted."""

    def __init__(
        self,
        facts: Iterable[FactRow],
        at: datetime,
        rules: Mapping[str, Any],
        known_at: datetime | None = None,
    ) -> None:
        self.at, self.rules = at, rules
        rows = (f.as_known(known_at or at) for f in facts)
        self.known = sorted(
            (f for f in rows if f is not None and f.true_from <= at), key=lambda f: (f.true_from, f.id)
        )
        self._of: dict[str, list[FactRow]] = {}
        for f in self.known:
            self._of.setdefault(f.kind, []).append(f)
        self.roles = {c["code"]: c["counts_as"] for c in rules["personal_certificates"]}
        self.employed = {f.person_id for f in self.holding(FactKind.EMPLOYMENT)}
        self.cap = float(rules["scoring"]["same_client_max_share_of_evidence"])

    def of(self, kind: FactKind) -> list[FactRow]:
        return self._of.get(kind, [])

    def within(self, kind: FactKind, window: timedelta) -> tuple[list[FactRow], list[FactRow]]:
        """(inside the window, before it)"""
        every, since = self.of(kind), self.at - window
        return [f for f in every if f.true_from > since], [f for f in every if f.true_from <= since]

    def holding(self, kind: FactKind) -> list[FactRow]:
        return [f for f in self.of(kind) if f.holds(self.at)]

    def of_clients(
        self, kind: FactKind, window: timedelta, keep: Callable[[FactRow], bool] = lambda _: True
    ) -> tuple[list[FactRow], list[Counted]]:
        """Evidence from clients: none older than the window, no client with more than its share, newest first kept."""
        inside, outside = self.within(kind, window)
        ended = [f for f in inside if not f.holds(self.at)]  # withdrawn, or answered anew
        inside = [f for f in inside if keep(f) and f.holds(self.at)]
        most = max(1, floor(self.cap * len(inside)))
        taken: Counter[str] = Counter()
        counted = []
        left = [
            Counted(f.id, _label(f), why_not=why_not)
            for facts, why_not in (
                (outside, mark("older than the period")),
                (ended, mark("it was withdrawn or replaced")),
            )
            for f in facts
            if keep(f)
        ]
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
    """What counted, each with when it stops: at the end of its period, or sooner when it ends itself."""
    return [Counted(f.id, _label(f), _lapse(f, window)) for f in facts]


def _lapse(f: FactRow, window: timedelta | None) -> datetime | None:
    ends = [end for end in (f.true_from + window if window else None, f.true_until) if end]
    return min(ends, default=None)


def _heads(role: str) -> Callable[[Evidence, timedelta | None, Mapping[str, Any], int], Reading]:
    def read(e: Evidence, _w: timedelta | None, config: Mapping[str, Any], stars: int) -> Reading:
        best: dict[int, FactRow] = {}
        left = []
        for f in e.of(FactKind.CERTIFICATE):
            if e.roles.get(str(f.value.get("code"))) != role or f.person_id is None:
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
    e: Evidence, role: str, have: int, config: Mapping[str, Any], stars: int
) -> tuple[list[Counted], list[Counted]]:
    """The continuity credit for this role: up to the gate, never beyond it, and for no higher level than was held."""
    missing, counted, left = max(0, floor(config["levels"][str(stars)][0]) - have), [], []
    for f in e.of(FactKind.CONTINUITY_CREDIT):
        if f.value.get("metric") != role:
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


def _training(e: Evidence, window: timedelta | None, _c: Mapping[str, Any], _s: int) -> Reading:
    inside, _ = e.within(FactKind.TRAINING, window or WINDOWS["_12m"])
    mine = [f for f in inside if f.person_id in e.employed]
    hours = sum(float(f.value.get("hours", 0)) for f in mine)
    return round(hours / len(e.employed), 2) if e.employed else 0.0, _counts(mine, window), [], None


def _client_count(kind: FactKind, keep: Callable[[FactRow], bool] = lambda _: True) -> Callable[..., Reading]:
    def read(e: Evidence, window: timedelta | None, _c: Mapping[str, Any], _s: int) -> Reading:
        counted, left = e.of_clients(kind, window or WINDOWS["_24m"], keep)
        return len(counted), _counts(counted, window), left, len(counted)

    return read


def _attainment(e: Evidence, _w: timedelta | None, _c: Mapping[str, Any], _s: int) -> Reading:
    counted, left = e.of_clients(
        FactKind.OUTCOME_ATTESTED, WINDOWS["_12m"], lambda f: f.value.get("attainment") is not None
    )
    values = [float(f.value["attainment"]) for f in counted]
    return round(median(values), 4) if values else 0.0, _counts(counted, WINDOWS["_12m"]), left, len(values)


def _reviews(e: Evidence, window: timedelta | None, _c: Mapping[str, Any], _s: int) -> Reading:
    """Bayesian mean (m·μ + Σr) / (m + n), m = 3, μ = 4: few reviews move it little."""
    counted, left = e.of_clients(FactKind.REVIEW, window or WINDOWS["_18m"])
    ratings = [float(f.value["rating"]) for f in counted]
    value = (
        (REVIEW_PRIOR * REVIEW_PRIOR_MEAN + sum(ratings)) / (REVIEW_PRIOR + len(ratings)) if ratings else 0.0
    )
    return round(value, 4), _counts(counted, window), left, len(ratings)


def _share(kind: FactKind, good: Callable[[FactRow, Mapping[str, Any], int], bool]) -> Callable[..., Reading]:
    def read(e: Evidence, window: timedelta | None, config: Mapping[str, Any], stars: int) -> Reading:
        inside, _ = e.within(kind, window or WINDOWS["_90d"])
        value = sum(good(f, config, stars) for f in inside) / len(inside) if inside else 0.0
        return round(value, 4), _counts(inside, window), [], len(inside)

    return read


def _latest(kind: FactKind, name: str) -> Callable[..., Reading]:
    def read(e: Evidence, _w: timedelta | None, _c: Mapping[str, Any], _s: int) -> Reading:
        facts = e.holding(kind)
        return (float(facts[-1].value[name]), _counts(facts[-1:]), [], None) if facts else (0.0, [], [], None)

    return read


def _maturity(e: Evidence, _w: timedelta | None, _c: Mapping[str, Any], _s: int) -> Reading:
    """The Seven Onlines as seen on the spot, or as evidence proved them dimension by dimension: the higher counts.

    So handing in the first dimension never lowers what somebody saw of all seven, and neither way outlives its end.
    """
    facts = e.holding(FactKind.MATURITY_VERIFIED)
    seen = [f for f in facts if "dimension" not in f.value][-1:]
    parts = {str(f.value["dimension"]): f for f in facts if "dimension" in f.value}
    on_the_spot = float(seen[0].value["score"]) if seen else 0.0
    seven = e.rules["maturity"]["seven_onlines"]
    proved = proved_score({key: float(f.value["score"]) for key, f in parts.items()}, seven) if parts else 0.0
    ways = [(on_the_spot, seen), (proved, list(parts.values()))]
    (value, counted), (_less, left) = ways if on_the_spot >= proved else ways[::-1]
    why_not = mark("verified in another way that gives more")
    return value, _counts(counted), [Counted(f.id, _label(f), why_not=why_not) for f in left], None


def _holding_count(kind: FactKind, distinct: str = "") -> Callable[..., Reading]:
    def read(e: Evidence, window: timedelta | None, _c: Mapping[str, Any], _s: int) -> Reading:
        facts = e.within(kind, window)[0] if window else e.holding(kind)
        unique = {str(f.value.get(distinct, f.id)) if distinct else f.id: f for f in facts}
        return len(unique), _counts(list(unique.values()), window), [], None

    return read


def _fixed_in_time(f: FactRow, config: Mapping[str, Any], stars: int) -> bool:
    days = f.value.get("fixed_in_days")
    return days is not None and float(days) <= float(config["fix_days"][str(stars)])


@dataclass(frozen=True)
class Reader:
    """How a metric is read, and from which kinds of facts: with their dates one knows when it can change."""

    read: Callable[[Evidence, timedelta | None, Mapping[str, Any], int], Reading]
    kinds: tuple[FactKind, ...]
    window: timedelta | None = None  # when the key of the metric names none


_HEADS = (FactKind.EMPLOYMENT, FactKind.CERTIFICATE, FactKind.CONTINUITY_CREDIT)
READERS: dict[str, Reader] = {
    "staff_certified": Reader(_heads("staff_certified"), _HEADS),
    "staff_senior": Reader(_heads("staff_senior"), _HEADS),
    "staff_developer": Reader(_heads("staff_developer"), _HEADS),
    "staff_solution": Reader(_heads("staff_solution"), _HEADS),
    "training_hours_per_head_12m": Reader(_training, (FactKind.EMPLOYMENT, FactKind.TRAINING)),
    "cases_published_24m": Reader(_client_count(FactKind.CASE_PUBLISHED), (FactKind.CASE_PUBLISHED,)),
    "cases_named_public_24m": Reader(
        _client_count(FactKind.CASE_PUBLISHED, lambda f: bool(f.value.get("named"))),
        (FactKind.CASE_PUBLISHED,),
    ),
    "outcomes_attested_12m": Reader(_client_count(FactKind.OUTCOME_ATTESTED), (FactKind.OUTCOME_ATTESTED,)),
    "outcome_attainment_median": Reader(_attainment, (FactKind.OUTCOME_ATTESTED,), WINDOWS["_12m"]),
    "reviews_bayes_18m": Reader(_reviews, (FactKind.REVIEW,)),
    "renewal_rate_24m": Reader(
        _share(FactKind.RENEWAL, lambda f, _c, _s: bool(f.value.get("renewed"))), (FactKind.RENEWAL,)
    ),
    "response_sla_rate_90d": Reader(
        _share(FactKind.RESPONSE, lambda f, _c, _s: bool(f.value.get("in_time"))), (FactKind.RESPONSE,)
    ),
    "maturity_verified": Reader(_maturity, (FactKind.MATURITY_VERIFIED,)),
    "products_reviewed_valid": Reader(
        _holding_count(FactKind.PRODUCT_REVIEWED, "product"), (FactKind.PRODUCT_REVIEWED,)
    ),
    "platform_integrations": Reader(
        _holding_count(FactKind.INTEGRATION, "platform"), (FactKind.INTEGRATION,)
    ),
    "solutions_published": Reader(
        _holding_count(FactKind.SOLUTION_PUBLISHED), (FactKind.SOLUTION_PUBLISHED,)
    ),
    "live_customers_90d": Reader(_holding_count(FactKind.LIVE_CUSTOMER, "client"), (FactKind.LIVE_CUSTOMER,)),
    "support_in_sla_rate_90d": Reader(
        _share(FactKind.SUPPORT, lambda f, _c, _s: bool(f.value.get("in_time"))), (FactKind.SUPPORT,)
    ),
    "critical_vuln_fix_rate_12m": Reader(
        _share(FactKind.VULNERABILITY, _fixed_in_time), (FactKind.VULNERABILITY,)
    ),
    "openness_checklist_10": Reader(_latest(FactKind.OPENNESS, "items"), (FactKind.OPENNESS,)),
}


def read(e: Evidence, config: Mapping[str, Any], stars: int) -> Reading:
    """What the facts say of one metric of the programme; some are judged by what the number of stars asks."""
    reader = READERS[config["key"]]
    return reader.read(e, window_of(config["key"]), config, stars)


def window_of(key: str) -> timedelta | None:
    return next((window for suffix, window in WINDOWS.items() if key.endswith(suffix)), None)


CLIENT_KINDS = (FactKind.CASE_PUBLISHED, FactKind.OUTCOME_ATTESTED, FactKind.REVIEW)
# What the hard gates look at, and for how long; None: while it is true.
GATE_KINDS = {
    **dict.fromkeys(CLIENT_KINDS, WINDOWS["_24m"]),
    FactKind.COMPLAINT_UPHELD: WINDOWS["_12m"],
    FactKind.VIOLATION: WINDOWS["_180d"],
    FactKind.ORGANISATION_VERIFIED: None,
    FactKind.DATA_EXPORT: None,
    FactKind.UPTIME: None,
    FactKind.CONDUCT: None,
    FactKind.LEVEL: None,
}


def conduct(facts: Iterable[FactRow], at: datetime, rules: Mapping[str, Any]) -> float:
    """From 100: deductions as recorded, and what each clean month gives back, never above the start.

    `facts`: what was known, by the time from which it is true.
    """
    start, recovery = float(rules["conduct"]["start"]), float(rules["conduct"]["recovery_per_clean_month"])
    score, last = start, None
    for f in facts:
        if f.true_until is not None and f.true_until <= at:
            continue
        if last is not None:
            score = min(start, score + recovery * ((f.true_from - last).days // 30))
        score += float(f.value["delta"])
        last = f.true_from
    return max(0.0, min(start, score + recovery * ((at - last).days // 30))) if last else start


def days_at(e: Evidence, family: str, stars: int) -> int:
    """For how many whole days in a row, ending now, at least so many stars of this family were held."""
    held = [f for f in e.of(FactKind.LEVEL) if f.value["family"] == family and int(f.value["stars"]) >= stars]
    since = min((f.true_from for f in held if f.holds(e.at)), default=None)
    for f in reversed(held):
        if since and f.true_from < since and f.true_until and f.true_until >= since:
            since = f.true_from
    return (e.at - since).days if since else 0


def gate_values(e: Evidence, family: str) -> dict[str, float]:
    """What the hard gates look at, by the key of the gate."""
    clients = {
        str(f.value.get("client"))
        for kind in CLIENT_KINDS
        for f in e.within(kind, WINDOWS["_24m"])[0]
        if f.value.get("client") and f.holds(e.at)
    }
    uptime = e.holding(FactKind.UPTIME)
    return {
        "org_verified": float(bool(e.holding(FactKind.ORGANISATION_VERIFIED))),
        "conduct_min": conduct(e.of(FactKind.CONDUCT), e.at, e.rules),
        "complaints_upheld_12m_max": float(len(e.within(FactKind.COMPLAINT_UPHELD, WINDOWS["_12m"])[0])),
        "major_open_max": float(
            sum(f.value.get("severity") == "major" for f in e.holding(FactKind.COMPLAINT_UPHELD))
        ),
        "distinct_clients_24m_min": float(len(clients)),
        "violations_180d_max": float(len(e.within(FactKind.VIOLATION, WINDOWS["_180d"])[0])),
        "data_export": float(bool(e.holding(FactKind.DATA_EXPORT))),
        "uptime_90d_min": float(uptime[-1].value["share"]) if uptime else 0.0,
        "held_4star_days_min": float(days_at(e, family, 4)),
    }
