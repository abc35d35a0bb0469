"""What an answer is worth, and what a paper is."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from certification.banks.rules import CHOICE, QuestionKind

THIRD_MARKER_OVER = 15  # per cent of the points between two markers
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")


@dataclass(frozen=True)
class Given:
    """An answer as it is stored. `chosen` by kind: options; order: the place given to each option;
    match: the option given to each prompt (0: none). `text` for what is typed."""

    chosen: tuple[int, ...] = ()
    text: str = ""

    @property
    def empty(self) -> bool:
        return not any(self.chosen) and not self.text.strip()


@dataclass(frozen=True)
class Key:
    """What marking knows of a question."""

    kind: str
    key: tuple[int, ...] = ()
    accept: Sequence[Mapping[str, Any]] = ()
    case: bool = False
    points: int = 1


def number_in(text: str) -> Decimal | None:
    """The number somebody typed: full-width digits, a thousands comma or a decimal comma are understood."""
    plain = unicodedata.normalize("NFKC", text).replace(" ", "").replace("−", "-")
    if _THOUSANDS.fullmatch(plain):
        plain = plain.replace(",", "")
    elif plain.count(",") == 1 and "." not in plain:
        plain = plain.replace(",", ".")
    if len(plain) > 40:
        return None
    try:
        number = Decimal(plain)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < 100 else None


def folded(text: str, *, case: bool = False) -> str:
    """A short text as it is compared: one width, one space, no closing full stop, no capitals."""
    plain = " ".join(unicodedata.normalize("NFKC", text).split()).rstrip(".。!！ ")
    return plain if case else plain.casefold()


def fits(pattern: str, text: str) -> bool:
    """Whether `text` is `pattern`, in which * stands for any characters; linear in time."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    *middle, last = rest
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def is_right(key: Key, given: Given) -> bool:
    """By rule; a long answer never is: people mark it."""
    match key.kind:
        case kind if kind in CHOICE:
            return bool(given.chosen) and set(given.chosen) == set(key.key)
        case QuestionKind.ORDER | QuestionKind.MATCH:
            return given.chosen == key.key
        case QuestionKind.NUMERIC:
            number = number_in(given.text)
            return number is not None and any(
                Decimal(str(a["low"])) <= number <= Decimal(str(a["high"])) for a in key.accept
            )
        case QuestionKind.SHORT:
            text = folded(given.text, case=key.case)
            return bool(text) and any(fits(folded(a["text"], case=key.case), text) for a in key.accept)
    return False


def score(key: Key, given: Given) -> int:
    """All of the points or none."""
    return key.points if is_right(key, given) else 0


@dataclass(frozen=True)
class Asked:
    """A question of a sitting with what its answer is worth."""

    topic: str
    group: str
    score: int
    of: int = 1


@dataclass(frozen=True)
class Marked:
    score: int
    of: int
    topics: dict[str, tuple[int, int]] = field(hash=False)  # topic → points had, points there were
    groups: dict[str, tuple[int, int]] = field(hash=False)

    def as_json(self) -> dict[str, Any]:
        return {
            "score": self.score,
            "of": self.of,
            "topics": {k: list(v) for k, v in self.topics.items()},
            "groups": {k: list(v) for k, v in self.groups.items()},
        }


def mark_paper(asked: Iterable[Asked]) -> Marked:
    topics: dict[str, tuple[int, int]] = {}
    groups: dict[str, tuple[int, int]] = {}
    total = of = 0
    for one in asked:
        total, of = total + one.score, of + one.of
        for table, name in ((topics, one.topic), (groups, one.group)):
            had, there = table.get(name, (0, 0))
            table[name] = (had + one.score, there + one.of)
    return Marked(total, of, dict(sorted(topics.items())), dict(sorted(groups.items())))


# ——— Long answers: two people, blind to each other ———


def agreed(marks: Sequence[Sequence[int]], points: int) -> int | None:
    """The points of a long answer from the marks of two or three people; None while one is wanted.

    `marks`: one list a marker, a number for each line of the rubric. Two that lie within 15 per cent of the
    points give their mean (halves up); otherwise a third marker decides with the nearer of the two.
    """
    totals = [sum(m) for m in marks]
    if len(totals) < 2:
        return None
    first, second = totals[:2]
    if 100 * abs(first - second) <= THIRD_MARKER_OVER * points:
        return (first + second + 1) // 2
    if len(totals) < 3:
        return None
    third = totals[2]
    nearer = min((first, second), key=lambda t: (abs(t - third), -t))
    return (nearer + third + 1) // 2
