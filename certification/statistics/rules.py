"""What an answer scores, what a guess would, and when a figure deserves a second look."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from certification.banks.rules import CHOICE, QuestionKind
from certification.marking.rules import Given, Key, score
from portal.refusal import mark

JUDGED_FROM = 30  # responses, before anything is said of an item
MODEL_FROM = 300  # responses an item needs for the two-parameter model
RARE = 0.05
WEAK_KEY = 0.15
HARD, EASY = 0.25, 0.95


def score_of(key: Key, given: Given, by_people: int | None = None) -> tuple[float, float]:
    """(points, points there were) of one answer; a long one has what its markers agreed on."""
    if key.kind == QuestionKind.LONG:
        return float(by_people or 0), float(key.points)
    return float(score(key, given)), float(key.points)


def guess_score(kind: str, options: int) -> float | None:
    """Expected share of the points of somebody who guesses; None where nobody can say.

    One of n options: 1/n. Several of n, all or nothing: one of the 2^n − 1 sets that are not empty.
    """
    if options < 1:
        return None
    if kind == QuestionKind.SEVERAL:
        return 1 / float(2**options - 1)
    return 1 / options if kind in CHOICE else None


@dataclass(frozen=True)
class Period:
    """Whole days in one time zone, both included; None is open. An end before its start holds nothing."""

    since: date | None = None
    until: date | None = None

    def bounds(self, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
        """The first moment, and the first one after it."""
        since = datetime.combine(self.since, time(), zone) if self.since else None
        after = datetime.combine(self.until, time(), zone) + timedelta(days=1) if self.until else None
        return since, after


def day_of(text: str) -> date | None:
    """A day as an address carries it; None for everything else, and for years that no exam was sat in."""
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2200 else None


# ——— Flags ———


@dataclass(frozen=True)
class Flag:
    """Something to look at, with the reason as a sentence (catalogue key). No verdict."""

    code: str
    text: str
    values: dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class OptionShare:
    """One option as the flags see it: its number from 1, whether it is a key, its share, its r with the rest."""

    number: int
    is_key: bool
    share: float
    r: float | None


def letter(number: int) -> str:
    """1 → A. Beyond Z the number itself."""
    return chr(64 + number) if 1 <= number <= 26 else str(number)


def flags_of(n: int, p: float | None, r: float | None, options: Sequence[OptionShare] = ()) -> list[Flag]:
    """Every reason at once; empty for an item that behaves. Under 30 responses nothing is judged.

    What hardly anybody chooses is named as rare; its r would be that of a few candidates.
    `p` and `r` are facility (0–1) and r(x, R) of the item; r is None when it cannot be computed.
    """
    if n < JUDGED_FROM:
        return [
            Flag(
                "few",
                mark("Not judged yet: %(n)s responses, and figures are read from %(least)s on."),
                {"n": n, "least": JUDGED_FROM},
            )
        ]
    flags = []
    if p is not None and p < HARD:
        flags.append(
            Flag(
                "hard",
                mark("Very hard: facility is %(p)s, under 0.25. Check the key, then whether it is taught."),
                {"p": f"{p:.3f}"},
            )
        )
    if p is not None and p > EASY:
        flags.append(
            Flag(
                "easy",
                mark(
                    "Very easy: facility is %(p)s, over 0.95. It tells good candidates from weak ones no more."
                ),
                {"p": f"{p:.3f}"},
            )
        )
    if r is not None and r < WEAK_KEY:
        flags.append(
            Flag(
                "key",
                mark(
                    "The right answer goes with the rest of the paper by r %(r)s only, under 0.15. "
                    "Check the key and the wording."
                ),
                {"r": f"{r:.3f}"},
            )
        )
    rare = [one for one in options if one.share < RARE]
    flags += [
        Flag(
            "distractor",
            mark(
                "Wrong option %(option)s draws the better candidates: r %(r)s, over 0. "
                "It may be right, too, or read as right."
            ),
            {"option": letter(one.number), "r": f"{one.r:.3f}"},
        )
        for one in options
        if not one.is_key and one not in rare and one.r is not None and one.r > 0
    ]
    for text, found in (
        (
            mark("Right and chosen by fewer than 5 in a hundred: %(options)s. Check the key."),
            [one for one in rare if one.is_key],
        ),
        (
            mark("Chosen by fewer than 5 in a hundred: %(options)s. What nobody takes distracts nobody."),
            [one for one in rare if not one.is_key],
        ),
    ):
        if found:
            named = ", ".join(f"{letter(one.number)} ({100 * one.share:.0f}%)" for one in found)
            flags.append(Flag("rare", text, {"options": named}))
    return flags


WEIGHT = {"key": 5, "distractor": 4, "hard": 3, "easy": 2, "rare": 1, "few": 0}


def urgency(flags: Iterable[Flag]) -> int:
    """For sorting: the heaviest flags first, several before one."""
    return sum(10 ** WEIGHT[flag.code] for flag in flags if flag.code != "few")
