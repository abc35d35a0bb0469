"""Matching: hard filters, ten named parts that add up to 100, four places by score and one fair place."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from casebook.search.rules import bm25
from portal.refusal import mark

Matching = Mapping[str, Any]  # the section `matching` of the programme
Words = tuple[str, dict[str, Any]]  # a catalogue key and its values; a list among them holds taxonomy keys

# How well something is known, as a share of its points.
PROVEN, CERTIFIED, DECLARED = 1.0, 0.8, 0.5  # of a capability
INDUSTRY_PROVEN, INDUSTRY_DECLARED, INDUSTRY_SIBLING = 1.0, 0.7, 0.4
WISHED = 0.5  # a wished capability weighs half a must-have
UNKNOWN = 0.5  # what nobody has said counts as the middle
PRIOR_REVIEWS = 3
DAYS_A_MONTH = 365.25 / 12


@dataclass(frozen=True)
class Brief:
    """What is asked. Money is CNY a month; an empty or None field asks nothing."""

    industry: str = ""  # a leaf of the taxonomy
    industry_group: str = ""
    siblings: frozenset[str] = frozenset()  # the other leaves of its group
    must_have: tuple[str, ...] = ()
    wished: tuple[str, ...] = ()
    budget_low: int | None = None
    budget_high: int | None = None
    province: str = ""
    city: str = ""
    on_site: bool = False
    languages: frozenset[str] = frozenset()
    start_by: date | None = None
    size: float | None = None  # of the brand, 0 smallest to 1 largest
    segment: str = "smb"
    brand_id: int = 0
    blocked: frozenset[int] = frozenset()  # providers the brand does not want
    mean_rating: float = 3.0  # of all reviews on the portal: what a provider without reviews counts as


@dataclass(frozen=True)
class Candidate:
    """What is known of a provider at one moment; what is not known is left out."""

    id: int
    accepting: bool = False
    stars: int = 0
    capacity: int = 0  # clients it can still take
    capabilities: Mapping[str, float] = field(default_factory=dict, hash=False)  # key → how known
    industries: Mapping[str, float] = field(default_factory=dict, hash=False)  # leaf or group → how known
    price_low: int | None = None
    price_high: int | None = None
    min_budget: int | None = None
    refused_industries: frozenset[str] = frozenset()  # leaves or groups
    conflicts: frozenset[int] = frozenset()  # brands it does not work for
    languages: frozenset[str] = frozenset()
    province: str = ""
    city: str = ""
    remote: bool = False
    nationwide: bool = False
    coverage: frozenset[str] = frozenset()  # provinces where it works on site beside its own
    can_start: date | None = None  # at once when None
    ratings: tuple[float, ...] = ()  # 1 to 5, those young enough to count
    outcomes_verified: int = 0
    outcomes_unverified: int = 0
    client_sizes: tuple[float, ...] = ()  # 0 to 1, as Brief.size
    offered: int = 0
    in_time: int = 0
    likeness: float = 0.0  # of its most alike case, aged: see `aged`
    likeness_title: str = ""


# (a) Hard filters. Each name is the reason code that both sides read; their order is the programme's.


def _within_floor(brief: Brief, candidate: Candidate, matching: Matching) -> bool:
    budget = brief.budget_high or brief.budget_low
    if not budget or candidate.price_low is None:
        return True
    return bool(candidate.price_low <= matching["price_floor_ratio"] * budget)


def _comes_to(province: str, candidate: Candidate) -> bool:
    return province == candidate.province or candidate.nationwide or province in candidate.coverage


def _refuses(brief: Brief, candidate: Candidate) -> bool:
    budget = brief.budget_high or brief.budget_low
    too_small = bool(budget and candidate.min_budget and budget < candidate.min_budget)
    return (
        too_small
        or brief.brand_id in candidate.conflicts
        or bool({brief.industry, brief.industry_group} & candidate.refused_industries)
    )


def stars_needed(brief: Brief, matching: Matching) -> int:
    gates = matching["level_gates"]
    return int(max(gates.get(brief.segment, 0), gates.get("on_site_delivery", 0) if brief.on_site else 0))


FILTERS: dict[str, Callable[[Brief, Candidate, Matching], bool]] = {
    "certified_and_accepting": lambda _b, c, _m: c.accepting and c.stars > 0,
    "capacity_left": lambda _b, c, _m: c.capacity > 0,
    "must_have_capability": lambda b, c, _m: all(c.capabilities.get(need, 0) > 0 for need in b.must_have),
    "language": lambda b, c, _m: b.languages <= c.languages,
    "region_if_on_site": lambda b, c, _m: not b.on_site or not b.province or _comes_to(b.province, c),
    "price_floor": _within_floor,
    "start_date": lambda b, c, _m: b.start_by is None or c.can_start is None or c.can_start <= b.start_by,
    "provider_refusals": lambda b, c, _m: not _refuses(b, c),
    "blocked_by_brand": lambda b, c, _m: c.id not in b.blocked,
    "level_gate": lambda b, c, m: c.stars >= stars_needed(b, m),
}


def first_failed_filter(brief: Brief, candidate: Candidate, matching: Matching) -> str | None:
    """The reason code of the first filter that the candidate fails, in the programme's order; None when it
    passes all. `minimum_score` is among them."""
    for name in matching["hard_filters"]:
        if name == "minimum_score":
            if score(brief, candidate, matching) < matching["minimum_score"]:
                return str(name)
        elif name in FILTERS and not FILTERS[name](brief, candidate, matching):
            return str(name)
    return None


# (b) The ten parts: each is worth its weight times a share x between 0 and 1.


def _capability(brief: Brief, candidate: Candidate, _matching: Matching) -> float:
    needs = {**dict.fromkeys(brief.wished, WISHED), **dict.fromkeys(brief.must_have, 1.0)}
    whole = sum(needs.values())
    known = candidate.capabilities
    return sum(weight * known.get(need, 0.0) for need, weight in needs.items()) / whole if whole else UNKNOWN


def _similar_case(_brief: Brief, candidate: Candidate, _matching: Matching) -> float:
    return candidate.likeness


def _industry(brief: Brief, candidate: Candidate, _matching: Matching) -> float:
    known = candidate.industries
    own = known.get(brief.industry, 0.0)
    if own < INDUSTRY_DECLARED and brief.industry_group in known:
        own = INDUSTRY_DECLARED
    if own < INDUSTRY_SIBLING and any(leaf in known for leaf in brief.siblings):
        own = INDUSTRY_SIBLING
    return own


def _price(brief: Brief, candidate: Candidate, _matching: Matching) -> float:
    """1 where budget and price meet; above the budget it falls fast, below it slowly, by magnitude."""
    least, most = brief.budget_low or brief.budget_high, brief.budget_high or brief.budget_low
    low, high = candidate.price_low, candidate.price_high
    if not least or not most or low is None or high is None:
        return UNKNOWN
    if most < low:
        return math.exp(-((math.log10(low / most) / 0.2) ** 2))
    if least > high:
        return math.exp(-((math.log10(least / max(high, 1)) / 0.6) ** 2))
    return 1.0


def _reviews(brief: Brief, candidate: Candidate, _matching: Matching) -> float:
    ratings = candidate.ratings
    return ((PRIOR_REVIEWS * brief.mean_rating + sum(ratings)) / (PRIOR_REVIEWS + len(ratings)) - 1) / 4


def _certification(_brief: Brief, candidate: Candidate, _matching: Matching) -> float:
    return {3: 0.5, 4: 0.75, 5: 1.0}.get(candidate.stars, 0.0)


def _region_language(brief: Brief, candidate: Candidate, _matching: Matching) -> float:
    if brief.province and brief.province == candidate.province:
        return 1.0 if brief.city and brief.city == candidate.city else 0.8
    return 0.6 if candidate.remote else 0.2


def _evidence(_brief: Brief, candidate: Candidate, _matching: Matching) -> float:
    return 1 - math.exp(-(candidate.outcomes_verified + 0.5 * candidate.outcomes_unverified) / 4)


def _size_fit(brief: Brief, candidate: Candidate, _matching: Matching) -> float:
    if brief.size is None or not candidate.client_sizes:
        return UNKNOWN
    return 1 - abs(brief.size - sum(candidate.client_sizes) / len(candidate.client_sizes))


def _responsiveness(_brief: Brief, candidate: Candidate, _matching: Matching) -> float:
    return (6 + candidate.in_time) / (8 + candidate.offered)


SHARES: dict[str, Callable[[Brief, Candidate, Matching], float]] = {
    "capability": _capability,
    "similar_case": _similar_case,
    "industry": _industry,
    "price": _price,
    "reviews": _reviews,
    "certification": _certification,
    "region_language": _region_language,
    "evidence": _evidence,
    "size_fit": _size_fit,
    "responsiveness": _responsiveness,
}
PARTS = tuple(SHARES)


def shares(brief: Brief, candidate: Candidate, matching: Matching) -> dict[str, float]:
    """part → x between 0 and 1."""
    return {key: min(1.0, max(0.0, share(brief, candidate, matching))) for key, share in SHARES.items()}


def points(found: Mapping[str, float], matching: Matching) -> dict[str, float]:
    """part → points, from its share."""
    weights = matching["weights"]
    return {key: weights[key] * x for key, x in found.items()}


def score(brief: Brief, candidate: Candidate, matching: Matching) -> float:
    """Of 100."""
    return sum(points(shares(brief, candidate, matching), matching).values())


@dataclass(frozen=True)
class Sifted:
    """Candidates after the filters: those who passed with their shares, the others with a reason code."""

    passed: Mapping[int, Mapping[str, float]]
    failed: Mapping[int, str]
    scores: Mapping[int, float]  # of those who passed


def sift(brief: Brief, candidates: Iterable[Candidate], matching: Matching) -> Sifted:
    passed, failed, scores = {}, {}, {}
    for candidate in candidates:
        reason = first_failed_filter(brief, candidate, matching)
        if reason:
            failed[candidate.id] = reason
        else:
            found = shares(brief, candidate, matching)
            passed[candidate.id], scores[candidate.id] = found, sum(points(found, matching).values())
    return Sifted(passed, failed, scores)


@dataclass(frozen=True)
class Part:
    """One of the ten, with the facts behind it as sentences."""

    key: str
    weight: float
    share: float
    points: float
    words: tuple[Words, ...] = field(hash=False)


def parts(brief: Brief, candidate: Candidate, matching: Matching) -> tuple[Part, ...]:
    """The ten parts in order. Their points add up to `score`."""
    weights = matching["weights"]
    return tuple(
        Part(key, weights[key], x, weights[key] * x, tuple(_WORDS[key](brief, candidate, x)))
        for key, x in shares(brief, candidate, matching).items()
    )


def _capability_words(brief: Brief, candidate: Candidate, _x: float) -> list[Words]:
    by_level: dict[float, list[str]] = {}
    for need in dict.fromkeys((*brief.must_have, *brief.wished)):
        by_level.setdefault(candidate.capabilities.get(need, 0.0), []).append(need)
    sentences = {
        PROVEN: mark("Shown by published cases: %(capabilities)s."),
        CERTIFIED: mark("Certified: %(capabilities)s."),
        DECLARED: mark("Its own statement: %(capabilities)s."),
        0.0: mark("Not offered: %(capabilities)s."),
    }
    return [
        (sentence, {"capabilities": by_level[level]})
        for level, sentence in sentences.items()
        if level in by_level
    ]


def _similar_case_words(_brief: Brief, candidate: Candidate, x: float) -> list[Words]:
    if x == 0:
        return [(mark("No published case that resembles this brief."), {})]
    return [(mark("The most alike of its cases: %(title)s."), {"title": candidate.likeness_title})]


def _industry_words(_brief: Brief, _candidate: Candidate, x: float) -> list[Words]:
    if x >= INDUSTRY_PROVEN:
        return [(mark("A published case in this industry."), {})]
    if x >= INDUSTRY_DECLARED:
        return [(mark("Says it serves this industry; no published case yet."), {})]
    if x > 0:
        return [(mark("Has worked in a neighbouring industry."), {})]
    return [(mark("Has not worked in this industry."), {})]


def _price_words(brief: Brief, candidate: Candidate, x: float) -> list[Words]:
    low, high = candidate.price_low, candidate.price_high
    least, most = brief.budget_low or brief.budget_high, brief.budget_high or brief.budget_low
    if not least or not most or low is None or high is None:
        return [(mark("The price cannot be compared with a monthly budget."), {})]
    band = {"low": low, "high": high}
    if x >= 1:
        return [(mark("The price, CNY %(low)s to %(high)s a month, meets the budget."), band)]
    if most < low:
        return [(mark("The price begins at CNY %(low)s a month, above the budget."), band)]
    return [(mark("The price ends at CNY %(high)s a month, below the budget."), band)]


def _reviews_words(brief: Brief, candidate: Candidate, _x: float) -> list[Words]:
    n = len(candidate.ratings)
    if n == 0:
        return [
            (
                mark("No reviews yet: counted as the portal's mean, %(mean)s of 5."),
                {"mean": round(brief.mean_rating, 1)},
            )
        ]
    return [
        (
            mark("%(n)s reviews counted, %(mean)s of 5 on average."),
            {"n": n, "mean": round(sum(candidate.ratings) / n, 1)},
        )
    ]


def _certification_words(_brief: Brief, candidate: Candidate, _x: float) -> list[Words]:
    return [(mark("Holds %(stars)s stars."), {"stars": candidate.stars})]


def _region_words(_brief: Brief, _candidate: Candidate, x: float) -> list[Words]:
    if x >= 1:
        return [(mark("In the same city."), {})]
    if x >= 0.8:
        return [(mark("In the same province."), {})]
    if x >= 0.6:
        return [(mark("Elsewhere; works remotely."), {})]
    return [(mark("Elsewhere; does not work remotely."), {})]


def _evidence_words(_brief: Brief, candidate: Candidate, _x: float) -> list[Words]:
    return [
        (
            mark("%(verified)s outcomes confirmed by clients, %(unverified)s cases not confirmed yet."),
            {"verified": candidate.outcomes_verified, "unverified": candidate.outcomes_unverified},
        )
    ]


def _size_words(brief: Brief, candidate: Candidate, x: float) -> list[Words]:
    if brief.size is None or not candidate.client_sizes:
        return [(mark("The size of its clients is not known: counted as the middle."), {})]
    if x >= 0.75:
        return [(mark("Its clients are of about this size."), {})]
    return [(mark("Its clients are mostly of another size."), {})]


def _responsiveness_words(_brief: Brief, candidate: Candidate, _x: float) -> list[Words]:
    if candidate.offered == 0:
        return [(mark("No invitations yet: counted as six of eight in time."), {})]
    return [
        (
            mark("Answered %(in_time)s of %(offered)s invitations in time."),
            {"in_time": candidate.in_time, "offered": candidate.offered},
        )
    ]


_WORDS: dict[str, Callable[[Brief, Candidate, float], list[Words]]] = {
    "capability": _capability_words,
    "similar_case": _similar_case_words,
    "industry": _industry_words,
    "price": _price_words,
    "reviews": _reviews_words,
    "certification": _certification_words,
    "region_language": _region_words,
    "evidence": _evidence_words,
    "size_fit": _size_words,
    "responsiveness": _responsiveness_words,
}


# Similar case: BM25 between the brief and a case, both as lists of terms.


@dataclass(frozen=True)
class Corpus:
    """How often terms occur in the published cases."""

    documents: int
    mean_length: float
    containing: Mapping[str, int] = field(hash=False)  # term → documents that hold it

    @classmethod
    def of(cls, texts: Iterable[Sequence[str]]) -> "Corpus":
        containing: Counter[str] = Counter()
        documents = length = 0
        for text in texts:
            containing.update(set(text))
            documents, length = documents + 1, length + len(text)
        return cls(documents, length / documents if documents else 0.0, containing)


def alike(brief: Sequence[str], case: Sequence[str], corpus: Corpus) -> float:
    """How much a case resembles a brief: 1 as much as the brief resembles itself, 0 not at all."""
    asked = sorted(set(brief))

    def fit(text: Sequence[str]) -> float:
        return bm25(
            asked,
            Counter(text),
            length=len(text),
            frequencies=corpus.containing,
            documents=corpus.documents,
            mean_length=corpus.mean_length,
        )

    itself = fit(brief)
    return min(1.0, fit(case) / itself) if itself > 0 else 0.0


def aged(likeness: float, age_days: float, matching: Matching) -> float:
    """A case counts half after each half-life."""
    return float(likeness * 2 ** (-max(0.0, age_days) / DAYS_A_MONTH / matching["case_half_life_months"]))


# (c) The shortlist.


@dataclass(frozen=True)
class Account:
    """Of a provider: what a lottery among the qualified would have given it, and what it was given."""

    share: float = 0.0
    intro: float = 0.0


def debt(account: Account, matching: Matching) -> float:
    """Introductions the provider is owed; negative when it had more than the guarantee."""
    return float(matching["guarantee_alpha"] * account.share - account.intro)


@dataclass(frozen=True)
class Place:
    id: int
    place: int  # from 1, by score; the fair place last
    kind: Literal["merit", "fair"]
    score: float


@dataclass(frozen=True)
class Shortlist:
    places: tuple[Place, ...]
    kth_score: float  # of the last place by score alone; 0 when nobody passed
    qualified: frozenset[int]  # the pool: near enough to the kth score for the fair place
    ledger: Mapping[int, Account] = field(hash=False)  # the accounts that changed


def by_score(scored: Mapping[int, float]) -> list[int]:
    """Best first; equal scores by id."""
    return sorted(scored, key=lambda i: (-scored[i], i))


def shortlist(scored: Mapping[int, float], ledger: Mapping[int, Account], matching: Matching) -> Shortlist:
    """Who is shown, of those who passed the filters. `scored`: id → score.

    All places but the fair one go by score. The fair one goes to whoever of the qualified is owed: to the
    most owed once a whole introduction is due, else to the best of those owed; to the next by score when
    nobody is.
    """
    if not scored:
        return Shortlist((), 0.0, frozenset(), {})
    order = by_score(scored)
    size = min(matching["shortlist_size"], len(order))
    kth = scored[order[size - 1]]
    pool = [i for i in order if scored[i] >= (1 - matching["pool_epsilon"]) * kth]
    accounts = {i: ledger.get(i, Account()) for i in pool}
    accounts = {i: Account(a.share + size / len(pool), a.intro) for i, a in accounts.items()}

    fair_places = matching["places"]["fair"] if len(pool) > size else 0
    chosen = order[: size - fair_places]
    places = [Place(i, n, "merit", scored[i]) for n, i in enumerate(chosen, 1)]
    for n in range(len(chosen) + 1, size + 1):
        rest = [i for i in pool if i not in {p.id for p in places}]
        pick = _owed_most(rest, accounts, matching)
        places.append(
            Place(rest[0], n, "merit", scored[rest[0]])
            if pick is None
            else Place(pick, n, "fair", scored[pick])
        )
    for place in places:
        account = accounts[place.id]
        accounts[place.id] = Account(account.share, account.intro + 1)
    return Shortlist(tuple(places), kth, frozenset(pool), accounts)


def _owed_most(rest: Sequence[int], accounts: Mapping[int, Account], matching: Matching) -> int | None:
    """Who of `rest` (best score first) takes the fair place; None when nobody is owed."""
    owed = {i: debt(accounts[i], matching) for i in rest}
    most = max(owed.values(), default=0.0)
    if most >= 1:
        return min(i for i in rest if owed[i] == most)
    return next((i for i in rest if owed[i] > matching["owed_threshold"]), None)


def faded(amount: float, age_days: float, matching: Matching) -> float:
    """Shares and introductions of long ago count less, both alike, so that no debt is for ever."""
    return float(amount * 2 ** (-age_days / matching["debt_half_life_d"]))


# Why not shown.


@dataclass(frozen=True)
class Gap:
    """By how much, and how many more points each part could have given, the largest first."""

    missing: float
    rooms: tuple[tuple[str, float], ...]

    @property
    def enough_alone(self) -> tuple[str, ...]:
        """Parts of which one alone, brought to its full points, would have closed the gap."""
        return tuple(key for key, room in self.rooms if room >= self.missing > 0)


def gap(found: Mapping[str, float], kth_score: float, matching: Matching) -> Gap:
    """`found`: part → share of somebody who was not shown."""
    weights = matching["weights"]
    had = sum(weights[key] * x for key, x in found.items())
    rooms = sorted(
        ((key, weights[key] * (1 - x)) for key, x in found.items()),
        key=lambda room: (-room[1], PARTS.index(room[0])),
    )
    return Gap(max(0.0, kth_score - had), tuple(rooms))
