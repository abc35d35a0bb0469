"""All figures of one exam together: what the pages, the download and the command show."""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from certification.banks.rules import CHOICE
from certification.statistics import irt
from certification.statistics.drift import Drift, Window, compare
from certification.statistics.item_analysis import (
    Consistency,
    Floats,
    ItemFigures,
    OptionFigures,
    TestFigures,
    consistency,
    item_figures,
    option_figures,
    raw_totals,
    rest_scores,
    test_figures,
    totals,
)
from certification.statistics.responses import Column, Responses
from certification.statistics.rules import (
    MODEL_FROM,
    Flag,
    OptionShare,
    flags_of,
    guess_score,
    urgency,
)


@dataclass(frozen=True)
class ItemLine:
    """One item with all that is known of it."""

    column: Column
    figures: ItemFigures
    guess: float | None
    options: tuple[OptionFigures, ...]
    flags: tuple[Flag, ...]
    model: irt.ItemModel | None = None
    left: str = ""  # why the model does not hold it
    at: int = 0  # column of the matrix

    @property
    def judged(self) -> bool:
        return not any(flag.code == "few" for flag in self.flags)


@dataclass(frozen=True)
class Report:
    responses: Responses
    test: TestFigures
    pass_rate: float | None
    consistency: Consistency | None
    items: tuple[ItemLine, ...]  # flags first, then by topic and code
    model: irt.Model | None
    totals: Floats = field(hash=False)

    @property
    def flagged(self) -> int:
        return sum(1 for line in self.items if line.judged and line.flags)

    @property
    def pilots(self) -> int:
        return sum(1 for line in self.items if line.column.pilot)

    def line(self, question: int) -> ItemLine | None:
        """That of a question; the scored one when it was asked on trial, too."""
        found = [line for line in self.items if line.column.question.id == question]
        return min(found, key=lambda line: line.column.pilot, default=None)


def _item(responses: Responses, at: int, figures: ItemFigures, had: tuple[Floats, Floats]) -> ItemLine:
    column = responses.columns[at]
    question = column.question
    options: tuple[OptionFigures, ...] = ()
    if question.kind in CHOICE:
        asked, rest = rest_scores(responses.x, responses.top, responses.scored, at, had)
        options = tuple(option_figures(responses.chosen[asked, at], len(question.options), asked, rest))
    shares = [OptionShare(o.number, o.number in question.key, o.share, o.r) for o in options if o.number]
    flags = flags_of(figures.n, figures.p, figures.r_rest, shares)
    guess = guess_score(question.kind, len(question.options))
    return ItemLine(column, figures, guess, options, tuple(flags), at=at)


def report_of(responses: Responses, *, with_model: bool = True, least: int = MODEL_FROM) -> Report:
    """Compute everything. Without `with_model` the two-parameter model is left out: the list of exams needs none."""
    x, top, scored = responses.x, responses.top, responses.scored
    test, cut, total = test_figures(x, top, scored), responses.cut, totals(x, top, scored)
    had = raw_totals(x, top, scored)
    lines = [_item(responses, at, figures, had) for at, figures in enumerate(item_figures(x, top, scored))]
    counted = np.where(scored[None, :], x / top, np.nan)  # all of the points or none read 1 and 0
    model = irt.fit(counted, least=least) if with_model and x.size else None
    if model:
        fitted = {one.item: one for one in model.items}
        left = {one.item: one.reason for one in model.left}
        lines = [
            ItemLine(
                line.column,
                line.figures,
                line.guess,
                line.options,
                line.flags,
                fitted.get(line.at),
                "pilot" if line.column.pilot else left.get(line.at, ""),
                line.at,
            )
            for line in lines
        ]
    lines.sort(key=lambda n: (-urgency(n.flags), n.column.question.topic, n.column.question.code, n.at))
    papers = responses.papers
    return Report(
        responses,
        test,
        sum(paper.passed for paper in papers) / len(papers) if papers else None,
        consistency(total, test, cut) if cut is not None else None,
        tuple(lines),
        model,
        total,
    )


# ——— Drift ———


@dataclass(frozen=True)
class DriftLine:
    """One item before and after a day, or the version before beside the one after it."""

    earlier: Column
    later: Column
    drift: Drift

    @property
    def versions(self) -> bool:
        return self.earlier.question.id != self.later.question.id


def _window(
    responses: Responses, at: int, had: tuple[Floats, Floats], rows: NDArray[np.intp] | None = None
) -> Window:
    asked, rest = rest_scores(responses.x, responses.top, responses.scored, at, had)
    kept = np.ones(asked.size, dtype=bool) if rows is None else np.isin(asked, rows)
    return Window(responses.x[asked[kept], at] / responses.top[at], rest[kept])


def drift_since(responses: Responses, moment: datetime) -> list[DriftLine]:
    """Every item that was asked both before that moment and from it on."""
    late = np.array([paper.at >= moment for paper in responses.papers], dtype=bool)
    had = raw_totals(responses.x, responses.top, responses.scored)
    lines = []
    for at, column in enumerate(responses.columns):
        before = _window(responses, at, had, np.flatnonzero(~late))
        after = _window(responses, at, had, np.flatnonzero(late))
        if before.n and after.n:
            lines.append(DriftLine(column, column, compare(before, after)))
    return _sorted(lines)


def drift_of_versions(responses: Responses) -> list[DriftLine]:
    """Every new wording beside the one before it: questions of one code, in the order they were written."""
    had = raw_totals(responses.x, responses.top, responses.scored)
    versions: dict[tuple[str, bool], list[int]] = {}
    for at, column in enumerate(responses.columns):
        versions.setdefault((column.question.code, column.pilot), []).append(at)
    lines = [
        DriftLine(
            responses.columns[one],
            responses.columns[other],
            compare(_window(responses, one, had), _window(responses, other, had)),
        )
        for found in versions.values()
        for one, other in pairwise(found)
    ]
    return _sorted(lines)


def _sorted(lines: list[DriftLine]) -> list[DriftLine]:
    def key(line: DriftLine) -> tuple[bool, bool, float, str]:
        codes = {flag.code for flag in line.drift.flags}
        return (
            not codes - {"few"},
            "few" in codes,
            -abs(line.drift.change or 0.0),
            line.later.question.code,
        )

    return sorted(lines, key=key)
