"""Awards: what each is scored from, who may be nominated, how a nomination moves, who wins. Pure.

Weights, targets and gates stand in the programme (`season.awards` and beside it); a part is weight × a share of 0 to 1.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from statistics import median
from typing import Any

from portal.refusal import mark

SUBJECT = "award"  # in the record: a nomination
ROUND = "award_round"


class Status(StrEnum):
    NOMINATED = "nominated"
    ELIGIBLE = "eligible"  # checked by staff
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    SHORTLISTED = "shortlisted"
    DROPPED = "dropped"  # out of the running: what it stood on fell, or an objection was right
    WON = "won"
    LOST = "lost"
    REVOKED = "revoked"


MOVES = {
    (Status.NOMINATED, "accept"): Status.ELIGIBLE,
    (Status.NOMINATED, "refuse"): Status.REFUSED,
    (Status.NOMINATED, "withdraw"): Status.WITHDRAWN,
    (Status.ELIGIBLE, "withdraw"): Status.WITHDRAWN,
    (Status.SHORTLISTED, "withdraw"): Status.WITHDRAWN,
    (Status.WITHDRAWN, "nominate"): Status.NOMINATED,
    (Status.REFUSED, "nominate"): Status.NOMINATED,
    (Status.ELIGIBLE, "shortlist"): Status.SHORTLISTED,
    (Status.ELIGIBLE, "lose"): Status.LOST,
    (Status.SHORTLISTED, "win"): Status.WON,
    (Status.SHORTLISTED, "lose"): Status.LOST,
    (Status.NOMINATED, "drop"): Status.DROPPED,
    (Status.ELIGIBLE, "drop"): Status.DROPPED,
    (Status.SHORTLISTED, "drop"): Status.DROPPED,
    (Status.WON, "revoke"): Status.REVOKED,
}
STATES = {
    Status.NOMINATED: mark("waits for the check"),
    Status.ELIGIBLE: mark("eligible"),
    Status.REFUSED: mark("not admitted"),
    Status.WITHDRAWN: mark("withdrawn"),
    Status.SHORTLISTED: mark("on the short list"),
    Status.DROPPED: mark("out of the running"),
    Status.WON: mark("winner"),
    Status.LOST: mark("not won"),
    Status.REVOKED: mark("award revoked"),
}
RUNNING = (Status.NOMINATED, Status.ELIGIBLE, Status.SHORTLISTED)


class Round(StrEnum):
    """How far the awards of a season are."""

    COLLECTING = "collecting"
    SHORTLISTED = "shortlisted"
    PROPOSED = "proposed"
    PUBLISHED = "published"


ROUND_MOVES = {
    (Round.COLLECTING, "shortlist"): Round.SHORTLISTED,
    (Round.SHORTLISTED, "propose"): Round.PROPOSED,
    (Round.PROPOSED, "return"): Round.SHORTLISTED,
    (Round.PROPOSED, "confirm"): Round.PUBLISHED,
}


@dataclass(frozen=True)
class Inputs:
    """What the ledger and the casebook say on the day of scoring. Of the case nominated, then of the organisation."""

    attainment: float = 0.0  # median share of the targets of its confirmed outcomes
    rating: float = 0.0  # the client's, 1–5; 0: none
    outcomes: int = 0  # confirmed by the client
    sop: bool = False
    lesson: bool = False
    systems: bool = False
    age_d: int = 0  # since it was published
    clients_alike: int = 0  # other clients with cases that share two capabilities
    industries_alike: int = 0
    case_stands: bool = False  # published, confirmed, nothing retracted
    maturity: float = 0.0  # verified, 0–100
    dimensions: int = 0
    hours: float = 0.0  # a head, 12 months
    cases: int = 0  # 24 months
    attested: int = 0  # 12 months
    reviews: float = 0.0  # Bayesian mean, 18 months; 0: none
    reviewers: int = 0
    answered: float = 0.0  # share in time, 90 days
    renewal: float = 0.0  # share, 24 months
    small: int = 0  # briefs won in 12 months: with a small budget,
    province: int = 0  # from a province with few certified providers,
    industry: int = 0  # from an industry with few
    conduct: float = 100.0
    major_open: int = 0
    stars: int = 0
    verified: bool = False
    verified_d: int = 0


@dataclass(frozen=True)
class Part:
    """`value` (0–1) × `weight` = `points`, rounded to a tenth. `sentence`: a catalogue key filled by `values`."""

    key: str
    weight: float
    value: float
    points: float
    sentence: str
    values: dict[str, Any] = field(hash=False)


Found = tuple[float, str, dict[str, Any]]


def _shown(n: float) -> float:
    """Without a useless .0"""
    return int(n) if n == int(n) else round(n, 2)


def _of(n: float, target: float, sentence: str) -> Found:
    return n / target, sentence, {"n": _shown(round(n, 1)), "target": target}


def _percent(share: float, sentence: str) -> Found:
    return share, sentence, {"percent": round(100 * share)}


_ALIKE = mark("%(n)s other clients with published cases that share two capabilities; full at %(target)s.")
_INDUSTRIES = mark("In %(n)s industries; full at %(target)s.")
READ: dict[str, Callable[[Inputs, Mapping[str, Any]], Found]] = {
    "attainment": lambda i, _t: _percent(
        i.attainment, mark("Its confirmed outcomes reached %(percent)s%% of their targets (median).")
    ),
    "review": lambda i, _t: (
        (i.rating - 1) / 4,
        mark("The client gave %(n)s of 5.") if i.rating else mark("The client gave no rating."),
        {"n": _shown(i.rating)},
    ),
    "outcomes": lambda i, t: _of(
        i.outcomes, t["outcomes"], mark("%(n)s outcomes confirmed by the client; full at %(target)s.")
    ),
    "replicable": lambda i, _t: (
        0.5 * i.sop + 0.25 * i.lesson + 0.25 * i.systems,
        mark("%(n)s of 4: a version of the SOP counts two, what failed first one, the systems named one."),
        {"n": 2 * i.sop + i.lesson + i.systems},
    ),
    "fresh": lambda i, t: (
        1 - i.age_d / t["fresh_d"],
        mark("Published %(n)s days ago; nothing is added after %(target)s."),
        {"n": i.age_d, "target": t["fresh_d"]},
    ),
    "reuse": lambda i, t: _of(i.clients_alike, t["reuse"], _ALIKE),
    "industries": lambda i, t: _of(i.industries_alike, t["industries"], _INDUSTRIES),
    "maturity": lambda i, t: _of(i.maturity, t["maturity"], mark("Verified maturity %(n)s of %(target)s.")),
    "dimensions": lambda i, t: _of(
        i.dimensions, t["dimensions"], mark("%(n)s of %(target)s dimensions verified with evidence.")
    ),
    "hours": lambda i, t: _of(
        i.hours, t["hours"], mark("%(n)s training hours a head in 12 months; full at %(target)s.")
    ),
    "cases": lambda i, t: _of(
        i.cases, t["cases"], mark("%(n)s cases published in 24 months; full at %(target)s.")
    ),
    "attested": lambda i, t: _of(
        i.attested, t["attested"], mark("%(n)s outcomes confirmed in 12 months; full at %(target)s.")
    ),
    "reviews": lambda i, _t: (
        (i.reviews - 3) / 2,
        mark("Reviews at %(n)s of 5, weighted for their number; nothing is added at 3 and below."),
        {"n": round(i.reviews, 2)},
    ),
    "answered": lambda i, _t: _percent(
        i.answered, mark("%(percent)s%% of invitations answered in time, 90 days.")
    ),
    "trust": lambda i, _t: (
        i.reviews / 5 * i.renewal,
        mark("Reviews at %(n)s of 5, times %(percent)s%% of clients who went on."),
        {"n": round(i.reviews, 2), "percent": round(100 * i.renewal)},
    ),
    "reviewers": lambda i, t: _of(
        i.reviewers, t["reviewers"], mark("%(n)s clients reviewed it; full at %(target)s.")
    ),
    "small": lambda i, t: _of(
        i.small, t["small"], mark("%(n)s briefs won with small budgets, 12 months; full at %(target)s.")
    ),
    "province": lambda i, t: _of(
        i.province, t["province"], mark("%(n)s briefs won in provinces with few certified providers.")
    ),
    "industry": lambda i, t: _of(
        i.industry, t["industry"], mark("%(n)s briefs won in industries with few certified providers.")
    ),
}


def award_scores(inputs: Inputs, award: Mapping[str, Any], targets: Mapping[str, Any]) -> list[Part]:
    """A part for each weight of the award, in its order; together 0–100."""
    parts = []
    for key, weight in award["weights"].items():
        value, sentence, values = READ[key](inputs, targets)
        share = min(1.0, max(0.0, value))
        parts.append(Part(key, weight, round(share, 4), round(weight * share, 1), sentence, values))
    return parts


def performance(parts: Iterable[Part]) -> float:
    """0–100: the sum of the points as they are shown."""
    return round(sum(p.points for p in parts), 1)


_TERM = re.compile(r"\s*(\d+(?:\.\d+)?)\s*\*\s*(performance|conduct)\s*")


def formula_of(text: str) -> dict[str, float]:
    """ "0.5 * performance + 0.5 * conduct" → the two weights. ValueError for anything else, or a sum that is not 1."""
    weights: dict[str, float] = {}
    for term in text.split("+"):
        match = _TERM.fullmatch(term)
        if match is None or match[2] in weights:
            raise ValueError(f"not a formula of performance and conduct: {text}")
        weights[match[2]] = float(match[1])
    if abs(sum(weights.values()) - 1) > 1e-9:
        raise ValueError(f"the weights do not add up to 1: {text}")
    return weights


def merit(done: float, conduct: float, award: Mapping[str, Any], formula: str) -> float:
    """A case stands for itself; a provider by `conduct.award_formula`. 0–100, as both are."""
    if award["subject"] == "case":
        return round(done, 1)
    weights = formula_of(formula)
    return round(
        weights.get("performance", 0.0) * done + weights.get("conduct", 0.0) * min(100.0, conduct), 1
    )


def juror_points(marks: Mapping[str, int]) -> float:
    """The mean of marks of 0–10 as 0–100."""
    return round(10 * sum(marks.values()) / len(marks), 1)


def jury_points(of_jurors: Sequence[float], jurors: int) -> float | None:
    """The median; None until all have scored."""
    return round(float(median(of_jurors)), 1) if len(of_jurors) >= jurors else None


def final(of_merit: float, of_jury: float | None, award: Mapping[str, Any]) -> float | None:
    """(100 − jury) % of the merit and jury % of the jury; None while the jury is to come."""
    share = award["jury"] / 100
    if share == 0:
        return of_merit
    return None if of_jury is None else round((1 - share) * of_merit + share * of_jury, 1)


@dataclass(frozen=True)
class Candidate:
    nomination_id: int
    total: float
    merit: float
    nominated_at: datetime


def in_order(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The highest first; of equals the higher merit, then the earlier nomination, then the lower number."""
    return sorted(candidates, key=lambda c: (-c.total, -c.merit, c.nominated_at, c.nomination_id))


def digest_of(order: Iterable[Candidate]) -> str:
    """What was read before it was confirmed."""
    text = ";".join(f"{c.nomination_id}:{c.total}" for c in order)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Condition:
    met: bool
    sentence: str
    values: dict[str, Any] = field(default_factory=dict, hash=False)


def conditions(inputs: Inputs, award: Mapping[str, Any], gates: Mapping[str, Any]) -> list[Condition]:
    """What must hold on nominating, at the check and at the short list; the award's own gates above the common."""
    g = {**gates, **award.get("gates", {})}
    found = [
        Condition(inputs.verified, mark("The organisation is verified and not suspended.")),
        Condition(
            inputs.stars >= g["stars_min"],
            mark("At least %(min)s★; now %(n)s★."),
            {"min": g["stars_min"], "n": inputs.stars},
        ),
        Condition(
            inputs.conduct >= g["conduct_min"],
            mark("Conduct of at least %(min)s; now %(n)s."),
            {"min": g["conduct_min"], "n": _shown(round(inputs.conduct, 1))},
        ),
        Condition(
            inputs.major_open <= g["major_open_max"],
            mark("No open major complaint; now %(n)s."),
            {"n": inputs.major_open},
        ),
    ]
    if "verified_d_max" in g:
        found.append(
            Condition(
                inputs.verified_d < g["verified_d_max"],
                mark("Verified less than %(max)s days ago; now %(n)s."),
                {"max": g["verified_d_max"], "n": inputs.verified_d},
            )
        )
    if award["subject"] == "case":
        found.append(
            Condition(inputs.case_stands, mark("The case is published and its client confirmed an outcome."))
        )
    return found
