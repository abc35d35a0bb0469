"""From papers and answers to arrays: who was asked what, what was chosen, what it scored."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from certification.banks.rules import CHOICE, QuestionKind
from certification.marking.rules import Given, Key
from certification.statistics.item_analysis import Bools, Floats
from certification.statistics.rules import score_of


@dataclass(frozen=True)
class Asked:
    """A question as the statistics need it."""

    id: int
    code: str
    topic: str
    group: str
    kind: str
    stem: dict[str, str] = field(hash=False)
    options: tuple[dict[str, Any], ...] = field(hash=False)
    marking: Key = field(hash=False)
    retired: bool

    @property
    def key(self) -> tuple[int, ...]:
        """The right options, from 1; of use for choices only."""
        return self.marking.key if self.kind in CHOICE else ()


@dataclass(frozen=True)
class Column:
    """One column of the matrix: a question, scored or on trial."""

    question: Asked
    pilot: bool = False


@dataclass(frozen=True)
class Paper:
    """One marked sitting. `asked` are (question, pilot) in the order of the paper."""

    id: int
    at: datetime
    pass_marks: int
    passed: bool
    asked: tuple[tuple[int, bool], ...]


@dataclass(frozen=True)
class Responses:
    """Everything that was answered in the marked sittings of one exam. Rows are papers, columns are items."""

    papers: tuple[Paper, ...]
    columns: tuple[Column, ...]
    x: Floats = field(hash=False)  # points; NaN: not asked
    chosen: NDArray[np.int64] = field(hash=False)  # sets of options as bits; 0: none, −1: not asked
    top: Floats = field(hash=False)
    scored: Bools = field(hash=False)

    @property
    def cut(self) -> float | None:
        """The pass mark in points of a paper: that of the latest sitting, as a share, over the mean paper."""
        if not self.papers or not self.scored.any():
            return None
        latest = max(range(len(self.papers)), key=lambda n: (self.papers[n].at, self.papers[n].id))
        most = (~np.isnan(self.x[:, self.scored])) @ self.top[self.scored]
        return float(self.papers[latest].pass_marks / most[latest] * most.mean()) if most[latest] else None


def arrange(
    questions: Iterable[Asked],
    papers: Sequence[Paper],
    answers: Iterable[tuple[int, int, Given]],
    by_people: Mapping[tuple[int, int], int | None] | None = None,
) -> Responses:
    """`answers` are (sitting, question, what was given); `by_people` the points of long ones, by the same pair.

    A question that nobody was asked gets no column.
    """
    known = {question.id: question for question in questions}
    places = sorted({one for paper in papers for one in paper.asked if one[0] in known})
    column = {one: n for n, one in enumerate(places)}
    row = {paper.id: n for n, paper in enumerate(papers)}
    x = np.full((len(papers), len(places)), np.nan)
    chosen = np.full((len(papers), len(places)), -1, dtype=np.int64)
    nothing = [score_of(known[q].marking, Given()) for q, _ in places]
    where: dict[tuple[int, int], int] = {}
    for n, paper in enumerate(papers):
        for one in paper.asked:
            c = column.get(one)
            if c is not None:
                where[n, one[0]] = c
                x[n, c], chosen[n, c] = nothing[c][0], 0
    people = by_people or {}
    marks: dict[tuple[int, Given], tuple[float, int]] = {}
    for sitting, question, given in answers:
        n = row.get(sitting, -1)
        c = where.get((n, question))
        if c is None:
            continue
        q = known[question]
        if q.kind == QuestionKind.LONG:
            x[n, c] = score_of(q.marking, given, people.get((sitting, question)))[0]
            continue
        said = question, given
        if said not in marks:
            bits = sum(1 << (o - 1) for o in set(given.chosen) if 1 <= o <= 62) if q.kind in CHOICE else 0
            marks[said] = score_of(q.marking, given)[0], bits
        x[n, c], chosen[n, c] = marks[said]
    return Responses(
        tuple(papers),
        tuple(Column(known[q], pilot) for q, pilot in places),
        x,
        chosen,
        np.array([most for _, most in nothing], dtype=np.float64),
        np.array([not pilot for _, pilot in places], dtype=bool),
    )
