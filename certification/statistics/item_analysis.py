"""Classical figures of items, options and the test, from a matrix of item scores.

`x` is n candidates × k items, each cell 0…top of its item, NaN where the item was not on that candidate's paper.
`top` are the k maxima, `scored` says which items count (an unscored pilot item is held against the others).

A candidate's total is over the scored items of their own paper; the rest score R of an item leaves that item out.
Where papers differ in their points, a total is first made a share of what could be had and then multiplied with
the mean of that, so that papers compare and equal papers keep their points.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc  # scipy.stats holds the same, and takes a third of a second to load

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
ROUNDING = 1e-12  # smaller than this is nothing


@dataclass(frozen=True)
class ItemFigures:
    """One item. Covariances are in points², with n − 1; None where a figure has no meaning (nothing varies)."""

    n: int  # candidates asked
    mean: float | None
    p: float | None  # facility: mean share of the maximum
    sd: float | None
    variance: float | None
    rest_variance: float | None
    covariance: float | None  # C(x, R)
    covariance_max: float | None  # C(x, R), both sorted
    r_rest: float | None
    r_total: float | None
    index: float | None  # Moodle's discrimination index, 100·r(x, R)
    efficiency: float | None  # 100·C(x, R) / Cmax(x, R)
    intended_weight: float | None  # percent of a paper's points
    effective_weight: float | None  # percent; None for a negative covariance with the total


@dataclass(frozen=True)
class TestFigures:
    """The test as a whole. Figures with a formula of Moodle's are named as there."""

    n: int
    items: float  # scored items a paper has (the mean, where papers differ)
    top: float  # points a paper has (likewise)
    mean: float | None
    median: float | None
    sd: float | None
    skewness: float | None
    kurtosis: float | None
    alpha: float | None  # KR-20 for items of 0 and 1
    cic: float | None  # coefficient of internal consistency, percent
    error_ratio: float | None  # percent
    sem: float | None  # points


@dataclass(frozen=True)
class OptionFigures:
    number: int  # from 1; 0 is "no answer"
    n: int
    share: float
    r: float | None  # of choosing it with the rest score
    by_fifth: tuple[float | None, ...]  # share choosing it in each fifth of the rest score, the weakest first


@dataclass(frozen=True)
class Consistency:
    """Would a second, parallel paper decide alike? Subkoviak (1976), from one administration."""

    agreement: float
    kappa: float | None
    cut: float  # points of a paper
    conditional_sem: float | None  # Lord's, at the cut, in points


def raw_totals(x: Floats, top: Floats, scored: Bools) -> tuple[Floats, Floats]:
    """(points, points there were) of each candidate over the scored items of their paper."""
    counted = np.where(scored[None, :], x, np.nan)
    return np.nansum(counted, axis=1), (~np.isnan(counted)) @ top


def _on_one_scale(points: Floats, most: Floats) -> Floats:
    """Points as they are when all papers have the same; else a share of the most, times its mean. NaN without a paper."""
    if most.size and most.min() == most.max() and most[0] > 0:
        return points
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(most > 0, points / most, np.nan)
    return share * (most[most > 0].mean() if (most > 0).any() else np.nan)


def totals(x: Floats, top: Floats, scored: Bools) -> Floats:
    """Each candidate's total on one scale; NaN for a paper without scored items."""
    return _on_one_scale(*raw_totals(x, top, scored))


def rest_scores(
    x: Floats, top: Floats, scored: Bools, item: int, had: tuple[Floats, Floats] | None = None
) -> tuple[NDArray[np.intp], Floats]:
    """(candidates asked this item, their rest scores): the scored items of their papers without this one.

    `had` are the raw totals, for whoever asks for one item after another.
    """
    points, most = had or raw_totals(x, top, scored)
    return _rest(x, top, scored, item, points, most)


def _rest(
    x: Floats, top: Floats, scored: Bools, item: int, points: Floats, most: Floats
) -> tuple[NDArray[np.intp], Floats]:
    asked = np.flatnonzero(~np.isnan(x[:, item]))
    own, its_top = (x[asked, item], top[item]) if scored[item] else (0.0, 0.0)
    rest = _on_one_scale(points[asked] - own, most[asked] - its_top)
    there = ~np.isnan(rest)
    return asked[there], rest[there]


def _varies(values: Floats) -> bool:
    """More than rounding does."""
    return values.size > 1 and float(np.ptp(values)) > ROUNDING * max(1.0, float(np.abs(values).max()))


def _covariance(a: Floats, b: Floats) -> float:
    return float(((a - a.mean()) * (b - b.mean())).sum() / (a.size - 1))


def correlation(a: Floats, b: Floats) -> float | None:
    """Pearson's r; None when either does not vary."""
    if not (_varies(a) and _varies(b)):
        return None
    return float(np.clip(_covariance(a, b) / np.sqrt(_covariance(a, a) * _covariance(b, b)), -1, 1))


def item_figures(x: Floats, top: Floats, scored: Bools) -> list[ItemFigures]:
    """The figures of every item, in the order of the columns."""
    n, k = x.shape
    points, most = raw_totals(x, top, scored)
    total = _on_one_scale(points, most)
    roots, shares = np.zeros(k), np.zeros(k)
    rows: list[dict[str, Any]] = []
    for item in range(k):
        asked = np.flatnonzero(~np.isnan(x[:, item]))
        own = x[asked, item]
        row: dict[str, Any] = dict.fromkeys(ItemFigures.__dataclass_fields__)
        row["n"] = int(asked.size)
        rows.append(row)
        if not asked.size:
            continue
        row["mean"], row["p"] = float(own.mean()), float(own.mean() / top[item])
        if asked.size < 2:
            continue
        row["variance"] = _covariance(own, own)
        row["sd"] = float(np.sqrt(row["variance"]))
        there, rest = _rest(x, top, scored, item, points, most)
        if there.size > 1:
            his = x[there, item]
            row["rest_variance"], row["covariance"] = _covariance(rest, rest), _covariance(his, rest)
            row["covariance_max"] = _covariance(np.sort(his), np.sort(rest))
            row["r_rest"] = correlation(his, rest)
            if row["r_rest"] is not None:
                row["index"] = 100 * row["r_rest"]
                row["efficiency"] = 100 * row["covariance"] / row["covariance_max"]
        with_total = asked[~np.isnan(total[asked])]
        if with_total.size > 1:
            row["r_total"] = correlation(x[with_total, item], total[with_total])
        if scored[item]:
            mean_top = float(most[asked].mean())
            row["intended_weight"] = 100 * float(top[item]) / mean_top
            shares[item] = asked.size / n
            if with_total.size > 1:
                covariance = _covariance(x[with_total, item], total[with_total])
                if covariance > -ROUNDING:
                    roots[item] = np.sqrt(covariance) if covariance > ROUNDING else 0.0
                    row["effective_weight"] = 0.0
    whole = float(roots @ shares)  # over the items of one paper, when papers are drawn
    for item, row in enumerate(rows):
        if row["effective_weight"] is not None and whole > 0:
            row["effective_weight"] = 100 * float(roots[item]) / whole
    return [ItemFigures(**row) for row in rows]


def alpha_of(x: Floats, scored: Bools) -> float | None:
    """Cronbach's alpha; KR-20 for items of 0 and 1. At most 1; below 0 is possible and says that nothing hangs together.

    k/(k − 1) · (1 − Σ z² / Σ (Σ z)²), z = score − mean of the item, over the items of each candidate's own paper.
    With one paper for all this is Cronbach's formula exactly; with drawn papers the difficulty of what was drawn
    is taken out first and does not pass for ability.
    """
    counted = x[:, scored]
    asked = ~np.isnan(counted)
    per_paper = asked.sum(axis=1)
    if counted.shape[0] < 2 or not per_paper.any():
        return None
    k = float(per_paper[per_paper > 0].mean())
    reached = asked.sum(axis=0)
    means = np.nansum(counted, axis=0) / np.maximum(reached, 1)
    z = np.where(asked, counted - means, 0.0)
    of_totals = float((z.sum(axis=1) ** 2).sum())
    if k <= 1 or of_totals <= ROUNDING:
        return None
    return min(1.0, k / (k - 1) * (1 - float((z**2).sum()) / of_totals))


def test_figures(x: Floats, top: Floats, scored: Bools) -> TestFigures:
    """Mean, spread, shape (k-statistics, as Moodle) and reliability of the totals."""
    points, most = raw_totals(x, top, scored)
    total = _on_one_scale(points, most)
    kept = ~np.isnan(total)
    total, most = total[kept], most[kept]
    n = int(total.size)
    items = float((~np.isnan(x[kept][:, scored])).sum(axis=1).mean()) if n else 0.0
    if not n:
        return TestFigures(0, items, 0.0, *[None] * 9)
    mean = float(total.mean())
    deviations = total - mean
    m2, m3, m4 = (float((deviations**power).mean()) for power in (2, 3, 4))
    varies = _varies(total)
    k2 = n * m2 / (n - 1) if n > 1 else None
    skewness = kurtosis = None
    if varies and k2 and n > 2:
        skewness = n * n * m3 / ((n - 1) * (n - 2)) / k2**1.5
    if varies and k2 and n > 3:
        k4 = n * n * ((n + 1) * m4 - 3 * (n - 1) * m2**2) / ((n - 1) * (n - 2) * (n - 3))
        kurtosis = k4 / k2**2
    sd = float(np.sqrt(k2)) if k2 is not None else None
    alpha = alpha_of(x, scored) if varies else None
    error = float(np.sqrt(1 - alpha)) if alpha is not None else None
    return TestFigures(
        n,
        items,
        float(most.mean()),
        mean,
        float(np.median(total)),
        sd,
        skewness,
        kurtosis,
        alpha,
        None if alpha is None else 100 * alpha,
        None if error is None else 100 * error,
        None if error is None or sd is None else sd * error,
    )


def _ranks(values: Floats) -> Floats:
    """From 1; equals share the mean of theirs."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(counts) - (counts - 1) / 2)[which]
    return ranks


def option_figures(
    chosen: NDArray[np.int64], options: int, asked: NDArray[np.intp], rest: Floats
) -> list[OptionFigures]:
    """Each option, and last "no answer" as number 0.

    `chosen` are sets as bits (option 1 is 1, option 2 is 2, option 3 is 4 …) of the candidates `asked`, beside
    their rest scores. Where one option is chosen the shares sum to 1.
    """
    n = int(asked.size)
    if not n:
        return []
    fifths = np.minimum(4, (5 * (_ranks(rest) - 0.5) / n).astype(int))
    found = []
    for number in [*range(1, options + 1), 0]:
        took = (chosen == 0) if number == 0 else (chosen >> (number - 1)) & 1 == 1
        taken = took.astype(np.float64)
        by_fifth = tuple(
            float(taken[fifths == one].mean()) if (fifths == one).any() else None for one in range(5)
        )
        found.append(
            OptionFigures(number, int(took.sum()), float(taken.mean()), correlation(taken, rest), by_fifth)
        )
    return found


def consistency(total: Floats, test: TestFigures, cut: float) -> Consistency | None:
    """Decision consistency at a cut of so many points of a paper: Subkoviak (1976) with a binomial error model.

    A candidate's true share is estimated by Kelley's regression, α·x/k + (1 − α)·mean/k; a parallel paper of k
    items is binomial around it. Items of more points count as one each. The conditional standard error is Lord's
    (1957), √(x(k − x)/(k − 1)) items at the cut, in points.
    """
    k = round(test.items)
    if test.alpha is None or test.mean is None or k < 2 or test.top <= 0:
        return None
    alpha = min(1.0, max(0.0, test.alpha))
    share = total[~np.isnan(total)] / test.top
    true = np.clip(alpha * share + (1 - alpha) * test.mean / test.top, 0, 1)
    needed = int(np.ceil(cut / test.top * k - 1e-9))
    passes = bdtrc(needed - 1, k, true)
    agreement = float((passes**2 + (1 - passes) ** 2).mean())
    by_chance = float(passes.mean() ** 2 + (1 - passes.mean()) ** 2)
    at = min(max(cut / test.top * k, 0.0), float(k))
    return Consistency(
        agreement,
        (agreement - by_chance) / (1 - by_chance) if by_chance < 1 - ROUNDING else None,
        cut,
        float(np.sqrt(at * (k - at) / (k - 1)) * test.top / k),
    )
