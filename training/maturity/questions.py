"""The questionnaires: files in both languages, each item with what can be seen at 0, 2 and 4."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

import yaml

from portal.programme.rules import Text
from portal.refusal import mark

CONTENT = Path(__file__).resolve().parents[1] / "content"
MOST = 4  # of one item


class Instrument(StrEnum):
    SEVEN = "seven_onlines"
    RISES = "five_rises"
    FORCES = "four_forces"


NAMES = {
    Instrument.SEVEN: mark("Seven Onlines"),
    Instrument.RISES: mark("Five Rises"),
    Instrument.FORCES: mark("Four Forces"),
}
OPEN_TO = {"provider": tuple(Instrument), "brand": (Instrument.SEVEN,)}


class Step(StrEnum):
    """What a gap leads to."""

    TASK = "task"  # somebody learns and does
    SUPERVISION = "supervision"  # somebody looks and settles


@dataclass(frozen=True)
class Item:
    name: str  # of its field: "owner_1"
    text: Text
    seen: dict[int, Text]  # at 0, 2 and 4
    module: str  # the lesson that teaches it
    step: Step
    action: Text


@dataclass(frozen=True)
class Dimension:
    key: str
    name: Text
    items: tuple[Item, ...]


@lru_cache(maxsize=len(Instrument))
def dimensions(instrument: Instrument) -> tuple[Dimension, ...]:
    """In the programme's order. KeyError for a file that lacks something."""
    entries = yaml.safe_load((CONTENT / f"{instrument}.yaml").read_text(encoding="utf-8"))
    return tuple(
        Dimension(
            d["key"],
            d["name"],
            tuple(
                Item(
                    f"{d['key']}_{n}",
                    {"zh": i["zh"], "en": i["en"]},
                    {
                        level: {"zh": i["seen_zh"][at], "en": i["seen_en"][at]}
                        for at, level in enumerate((0, 2, 4))
                    },
                    i.get("module", d["module"]),
                    Step(i.get("step", "task")),
                    {"zh": i["do_zh"], "en": i["do_en"]},
                )
                for n, i in enumerate(d["items"], 1)
            ),
        )
        for d in entries
    )


def dimension_of(instrument: Instrument, key: str) -> Dimension | None:
    return next((d for d in dimensions(instrument) if d.key == key), None)


def names(instrument: Instrument) -> list[str]:
    """Field names of every item, in order: owner_1 … customer_5."""
    return [item.name for d in dimensions(instrument) for item in d.items]
