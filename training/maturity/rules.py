"""What is claimed and what is verified, what of it counts, what to do next, what training was worth."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from math import floor
from statistics import mean
from typing import Any

from portal.programme.rules import Text
from portal.refusal import mark
from training.maturity.questions import MOST, Instrument, Step, dimensions

SUBJECT = "maturity"  # on the review desk, and the source of its facts
GAP_BELOW = 3  # an item below it leads to something to do
MOST_PIECES = 20  # of evidence for one dimension
Prerequisites = Mapping[str, Sequence[str]]


class ProofStatus(StrEnum):
    DRAFT = "draft"
    SENT = "sent"
    ASKED = "asked"  # the reviewer wants more
    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


MOVES = {
    (ProofStatus.DRAFT, "send"): ProofStatus.SENT,
    (ProofStatus.ASKED, "send"): ProofStatus.SENT,
    (ProofStatus.SENT, "approve"): ProofStatus.ACCEPTED,
    (ProofStatus.SENT, "ask"): ProofStatus.ASKED,
    (ProofStatus.SENT, "reject"): ProofStatus.REFUSED,
    (ProofStatus.DRAFT, "withdraw"): ProofStatus.WITHDRAWN,
    (ProofStatus.SENT, "withdraw"): ProofStatus.WITHDRAWN,
    (ProofStatus.ASKED, "withdraw"): ProofStatus.WITHDRAWN,
}
EDITABLE = (ProofStatus.DRAFT, ProofStatus.ASKED)
OPEN = (ProofStatus.DRAFT, ProofStatus.SENT, ProofStatus.ASKED)


def score(levels: Collection[int]) -> float:
    """0–100 of one dimension: the sum of its items (0–4 each) over the most they can be."""
    return round(100 * sum(levels) / (MOST * len(levels)), 1)


def claimed(instrument: Instrument, answers: Mapping[str, int]) -> dict[str, float]:
    """0–100 a dimension, from the answers to every item."""
    return {d.key: score([answers[i.name] for i in d.items]) for d in dimensions(instrument)}


@dataclass(frozen=True)
class Accepted:
    """Levels that a reviewer accepted for one dimension; an item without accepted evidence has 0."""

    dimension: str
    score: float
    at: datetime
    until: datetime


def verified(instrument: Instrument, accepted: Iterable[Accepted], at: datetime) -> dict[str, float]:
    """0–100 a dimension at that moment: what was accepted last and holds; 0 where nothing does."""
    result = {d.key: 0.0 for d in dimensions(instrument)}
    for one in sorted(accepted, key=lambda a: a.at):
        if one.at <= at < one.until:
            result[one.dimension] = one.score
    return result


def counted(scores: Mapping[str, float], prerequisites: Prerequisites) -> dict[str, float]:
    """What counts: no dimension more than the mean of what it rests on (itself after its own prerequisites).

    Formula: programme, `maturity.seven_onlines.prerequisites`; employees rest on the owner, customers on the other six.
    """
    result: dict[str, float] = {}

    def value(key: str) -> float:
        if key not in result:
            rests_on = [value(k) for k in prerequisites.get(key, ())]
            cap = floor(10 * mean(rests_on) + 1e-6) / 10 if rests_on else 100.0  # rounded down: a cap is kept
            result[key] = min(scores[key], cap)
        return result[key]

    return {key: value(key) for key in scores}


def overall(scores: Mapping[str, float]) -> float:
    """The mean of the counted scores."""
    return round(mean(scores.values()), 1)


def proved_score(parts: Mapping[str, float], seven: Mapping[str, Any]) -> float:
    """The verified score of the Seven Onlines as a level counts it. `seven`: the programme's section."""
    return overall(counted({k: parts.get(k, 0.0) for k in seven["order"]}, seven["prerequisites"]))


def over_claims(said: Mapping[str, float], proved: Mapping[str, float], most: float) -> list[str]:
    """The dimensions that claim more than `most` points above what is verified, largest first. They lower nothing."""
    by = {key: round(said[key] - proved[key], 1) for key in said}
    return sorted((key for key in by if by[key] > most), key=lambda key: -by[key])


@dataclass(frozen=True)
class Suggestion:
    """Something to do about one item. `reason` is a catalogue key filled by `values`."""

    instrument: Instrument
    dimension: str
    item: str
    step: Step
    title: Text
    module: str
    reason: str
    values: dict[str, Any] = field(hash=False)
    effect: float  # points of the counted overall score when the item reaches 4


def suggestions(
    instrument: Instrument, answers: Mapping[str, int], prerequisites: Prerequisites
) -> list[Suggestion]:
    """One for each item below 3, the largest effect on the counted score first, then the lowest item.

    An item of a dimension that is capped has no effect of its own until what it rests on has risen.
    """
    now = mean(counted(claimed(instrument, answers), prerequisites).values())
    found = []
    for d in dimensions(instrument):
        for item in d.items:
            level = answers[item.name]
            if level >= GAP_BELOW:
                continue
            better = counted(claimed(instrument, {**answers, item.name: MOST}), prerequisites)
            effect = round(mean(better.values()) - now, 1)
            reason = (
                mark("Stands at %(level)s of 4; at 4 the score that counts rises by %(points)s.")
                if effect > 0
                else mark("Stands at %(level)s of 4; it counts once what it rests on has risen.")
            )
            found.append(
                Suggestion(
                    instrument,
                    d.key,
                    item.name,
                    item.step,
                    item.action,
                    item.module,
                    reason,
                    {"level": level, "points": effect},
                    effect,
                )
            )
    return sorted(found, key=lambda s: (-s.effect, answers[s.item]))


@dataclass(frozen=True)
class Gain:
    """What changed between two times, as the difference of two means over the same organisations."""

    organisations: int
    before: dict[str, float]
    after: dict[str, float]
    by: dict[str, float]


def means(scores: Collection[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each dimension, and of the whole under ""; nothing of nobody."""
    if not scores:
        return {}
    every = [{**one, "": mean(one.values())} for one in scores]
    return {key: round(mean(one[key] for one in every), 2) for key in every[0]}


def gain(
    cohort: Collection[int],
    before: Mapping[int, Mapping[str, float]],
    after: Mapping[int, Mapping[str, float]],
) -> Gain:
    """Of those of the cohort that were measured both times. Organisation → dimension → 0–100."""
    both = [one for one in sorted(cohort) if one in before and one in after]
    first, second = means([before[one] for one in both]), means([after[one] for one in both])
    return Gain(len(both), first, second, {key: round(second[key] - first[key], 2) for key in first})
