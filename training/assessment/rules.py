"""The self-test of the Seven Onlines: what is claimed, and what of it counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import mean

import yaml

CONTENT = Path(__file__).resolve().parents[1] / "content" / "assessment.yaml"
MOST = 4  # of one item
Text = dict[str, str]


@dataclass(frozen=True)
class Dimension:
    key: str
    module: str  # the lesson that teaches it
    items: tuple[Text, ...]


@lru_cache(maxsize=1)
def dimensions() -> tuple[Dimension, ...]:
    return tuple(
        Dimension(d["key"], d["module"], tuple(d["items"]))
        for d in yaml.safe_load(CONTENT.read_text(encoding="utf-8"))
    )


def names() -> list[str]:
    """Field names of every item, in order: owner_1 … customer_5."""
    return [f"{d.key}_{n}" for d in dimensions() for n in range(1, len(d.items) + 1)]


def claimed(answers: Mapping[str, int]) -> dict[str, float]:
    """0–100 a dimension: the sum of its items (0–4 each) over the most they can be."""
    return {
        d.key: round(
            100 * sum(answers[f"{d.key}_{n}"] for n in range(1, len(d.items) + 1)) / (MOST * len(d.items)), 1
        )
        for d in dimensions()
    }


def counted(scores: Mapping[str, float]) -> dict[str, float]:
    """What counts of the claims: employees never more than the owner, customers never more than the mean of the other six."""
    result = dict(scores)
    result["employee"] = min(scores["employee"], scores["owner"])
    others = [value for key, value in result.items() if key != "customer"]
    result["customer"] = round(min(scores["customer"], mean(others)), 1)
    return result


def overall(scores: Mapping[str, float]) -> float:
    """The mean of the seven counted scores."""
    return round(mean(scores.values()), 1)


def gaps(scores: Mapping[str, float], most: int = 2) -> list[Dimension]:
    """The weakest dimensions, to work on first."""
    return sorted(dimensions(), key=lambda d: scores[d.key])[:most]
