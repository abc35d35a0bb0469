"""Modified Angoff: what judges rate, who counts, and the cut that comes of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import sqrt
from statistics import mean, stdev

JUDGES_LEAST = 2


class StandardStatus(StrEnum):
    ROUND_ONE = "round_one"
    ROUND_TWO = "round_two"
    CLOSED = "closed"
    ADOPTED = "adopted"
    REPLACED = "replaced"  # a later cut holds, or the programme's again
    DROPPED = "dropped"


# (state, move) → state. Ratings are taken in the two rounds only; each round is blind while it runs.
MOVES = {
    (StandardStatus.ROUND_ONE, "next_round"): StandardStatus.ROUND_TWO,
    (StandardStatus.ROUND_ONE, "close"): StandardStatus.CLOSED,
    (StandardStatus.ROUND_TWO, "close"): StandardStatus.CLOSED,
    (StandardStatus.CLOSED, "adopt"): StandardStatus.ADOPTED,
    (StandardStatus.ADOPTED, "replace"): StandardStatus.REPLACED,
    (StandardStatus.ROUND_ONE, "drop"): StandardStatus.DROPPED,
    (StandardStatus.ROUND_TWO, "drop"): StandardStatus.DROPPED,
    (StandardStatus.CLOSED, "drop"): StandardStatus.DROPPED,
}
ROUNDS = {StandardStatus.ROUND_ONE: 1, StandardStatus.ROUND_TWO: 2}


def moves_from(status: StandardStatus) -> set[str]:
    return {move for state, move in MOVES if state == status}


@dataclass(frozen=True)
class Rated:
    """One judge's word on one question: the chance that a candidate who just deserves to pass gets it right."""

    judge: int
    question: int
    round: int
    chance: float  # 0–1
    note: str = ""


@dataclass(frozen=True)
class Cut:
    """`share` of the points; `error` is its standard error, a share, too."""

    share: float
    error: float
    judges: tuple[int, ...]  # those who rated every question
    left_out: tuple[int, ...]  # those who did not
    means: dict[int, float] = field(hash=False)  # question → mean over the judges
    spreads: dict[int, float] = field(hash=False)  # question → standard deviation


def latest(ratings: Iterable[Rated]) -> dict[int, dict[int, Rated]]:
    """Judge → question → the rating that holds: that of the second round, where there is one."""
    held: dict[int, dict[int, Rated]] = {}
    for one in sorted(ratings, key=lambda r: r.round):
        held.setdefault(one.judge, {})[one.question] = one
    return held


def complete(ratings: Iterable[Rated], questions: Sequence[int]) -> dict[int, dict[int, Rated]]:
    """The judges who have rated every question of the session."""
    return {
        judge: rated
        for judge, rated in latest(ratings).items()
        if all(question in rated for question in questions)
    }


def cut_of(
    ratings: Iterable[Rated], questions: Sequence[int], points: Mapping[int, int] | None = None
) -> Cut | None:
    """The cut of a session; None with fewer than two judges who rated everything.

    cut = Σ_i w_i·mean_j p_ij and SE = SD_j(Σ_i w_i·p_ij)/√J, w the points of the questions (one, unless told),
    both over Σ w.
    """
    rows = list(ratings)
    whole = complete(rows, questions)
    if len(whole) < JUDGES_LEAST or not questions:
        return None
    weight = {q: (points or {}).get(q, 1) for q in questions}
    most = sum(weight.values())
    sums = [sum(weight[q] * rated[q].chance for q in questions) for rated in whole.values()]
    columns = {q: [rated[q].chance for rated in whole.values()] for q in questions}
    return Cut(
        mean(sums) / most,
        stdev(sums) / sqrt(len(sums)) / most,
        tuple(sorted(whole)),
        tuple(sorted({one.judge for one in rows} - set(whole))),
        {q: mean(values) for q, values in columns.items()},
        {q: stdev(values) for q, values in columns.items()},
    )


def progress(ratings: Iterable[Rated], questions: Sequence[int]) -> Mapping[int, int]:
    """Judge → how many questions they have rated, never how: the round is blind."""
    wanted = set(questions)
    return {judge: len(wanted & set(rated)) for judge, rated in latest(ratings).items()}
