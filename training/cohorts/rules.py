"""Who is fostered: the score with its parts, the order, the states. Pure."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from portal.refusal import mark

SUBJECT = "cohort"  # in the record
PARTS = ("maturity", "hours", "certificates", "newcomer", "size", "waited", "scarce")


class Status(StrEnum):
    PLANNED = "planned"  # takes applications within its days
    CHOSEN = "chosen"
    FINISHED = "finished"


MOVES = {(Status.PLANNED, "choose"): Status.CHOSEN, (Status.CHOSEN, "finish"): Status.FINISHED}


class Applied(StrEnum):
    APPLIED = "applied"
    CHOSEN = "chosen"
    WAITING = "waiting"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    FINISHED = "finished"
    DROPPED = "dropped"


APPLICATION_MOVES = {
    (Applied.APPLIED, "choose"): Applied.CHOSEN,
    (Applied.APPLIED, "line_up"): Applied.WAITING,
    (Applied.WAITING, "move_up"): Applied.CHOSEN,
    (Applied.APPLIED, "decline"): Applied.DECLINED,
    (Applied.WAITING, "decline"): Applied.DECLINED,
    (Applied.APPLIED, "withdraw"): Applied.WITHDRAWN,
    (Applied.WAITING, "withdraw"): Applied.WITHDRAWN,
    (Applied.WITHDRAWN, "apply"): Applied.APPLIED,
    (Applied.CHOSEN, "drop"): Applied.DROPPED,
    (Applied.CHOSEN, "finish"): Applied.FINISHED,
}
STATES = {
    Applied.APPLIED: mark("applied"),
    Applied.CHOSEN: mark("taken in"),
    Applied.WAITING: mark("on the waiting list"),
    Applied.DECLINED: mark("declined"),
    Applied.WITHDRAWN: mark("withdrawn"),
    Applied.FINISHED: mark("finished"),
    Applied.DROPPED: mark("dropped out"),
}
INSIDE = (Applied.CHOSEN, Applied.FINISHED)


@dataclass(frozen=True)
class Inputs:
    """What the record says of an organisation on the day of scoring."""

    maturity: float  # verified, 0–100
    maturity_gate: float  # that the next level asks for, as are the next two
    hours: float  # training hours a head, 12 months
    hours_gate: float
    heads_needed: int  # people with a certificate
    progress: tuple[float, ...]  # of each person: share of the lessons of the next certificate, 1 with it
    verified_d: int  # days since verification
    heads: int
    cohort_d: int | None  # days since last in a cohort; None: never
    fellows: int  # certified providers of the same province, or of an industry it serves: the fewest


@dataclass(frozen=True)
class Part:
    """`value` (0–1) × `weight` = `points`, rounded to a tenth. `sentence`: a catalogue key filled by `values`."""

    key: str
    weight: float
    value: float
    points: float
    sentence: str
    values: dict[str, Any] = field(hash=False)


def _share(value: float, gate: float) -> float:
    return 1.0 if gate <= 0 else min(1.0, max(0.0, value / gate))


def score(inputs: Inputs, section: Mapping[str, Any]) -> list[Part]:
    """The parts of the score, each weight × value; together 0–100.

    Formula: programme, `fostering` (`section`). Near to the next level, new, small, long without a cohort, and where
    few others are: each raises it. Nothing but recorded facts goes in.
    """
    i, weights = inputs, section["weights"]
    needed = max(1, i.heads_needed)
    furthest = sorted(i.progress, reverse=True)[:needed]
    small, large = section["small_heads"], section["large_heads"]
    found: dict[str, tuple[float, str, dict[str, Any]]] = {
        "maturity": (
            _share(i.maturity, i.maturity_gate),
            mark("Verified maturity %(n)s of the %(gate)s that the next level asks for."),
            {"n": round(i.maturity, 1), "gate": i.maturity_gate},
        ),
        "hours": (
            _share(i.hours, i.hours_gate),
            mark("%(n)s training hours a head in 12 months; the next level asks for %(gate)s."),
            {"n": round(i.hours, 1), "gate": i.hours_gate},
        ),
        "certificates": (
            sum(furthest) / needed,
            mark("The %(needed)s furthest people have done %(percent)s%% of the way to a certificate."),
            {"needed": needed, "percent": round(100 * sum(furthest) / needed)},
        ),
        "newcomer": (
            1 - _share(i.verified_d, section["newcomer_d"]),
            mark("Verified %(n)s days ago; nothing is added after %(limit)s."),
            {"n": i.verified_d, "limit": section["newcomer_d"]},
        ),
        "size": (
            1 - _share(i.heads - small, large - small),
            mark("%(n)s people; full up to %(small)s, nothing from %(large)s."),
            {"n": i.heads, "small": small, "large": large},
        ),
        "waited": (
            1.0 if i.cohort_d is None else _share(i.cohort_d, section["waited_d"]),
            mark("Never in a cohort yet.")
            if i.cohort_d is None
            else mark("Last in a cohort %(n)s days ago."),
            {"n": i.cohort_d or 0},
        ),
        "scarce": (
            1 - _share(i.fellows, section["scarce_below"]),
            mark(
                "%(n)s other certified providers in the province or an industry; nothing is added from %(limit)s."
            ),
            {"n": i.fellows, "limit": section["scarce_below"]},
        ),
    }
    return [
        Part(
            key,
            weights[key],
            round(found[key][0], 4),
            round(weights[key] * found[key][0], 1),
            found[key][1],
            found[key][2],
        )
        for key in PARTS
    ]


def total(parts: Iterable[Part]) -> float:
    """0–100: the sum of the points as they are shown."""
    return round(sum(part.points for part in parts), 1)


@dataclass(frozen=True)
class Candidate:
    application_id: int
    organisation_id: int
    verified_at: datetime
    score: float


def in_order(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The highest score first; of equals the longer verified, then the lower number."""
    return sorted(candidates, key=lambda c: (-c.score, c.verified_at, c.organisation_id))


def first(order: Sequence[Candidate], cap: int) -> set[int]:
    """Applications that the score alone takes in."""
    return {c.application_id for c in order[:cap]}


def digest_of(order: Sequence[Candidate]) -> str:
    """What was read before it was confirmed."""
    text = ";".join(f"{c.application_id}:{c.score}" for c in order)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def takes(status: Status, apply_from: datetime, apply_until: datetime, now: datetime) -> bool:
    return status is Status.PLANNED and apply_from <= now < apply_until
