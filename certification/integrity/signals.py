"""Signals in the answers of finished sittings: pure arithmetic on arrays. None of them is a verdict.

Every p-value is a tail of a sum of independent yes-or-no events with chances of their own (Poisson binomial),
and is corrected by Bonferroni for all sittings or pairs that were looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from certification.integrity.rules import Kind

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ALPHA = 1e-4  # of one false file among all sittings or pairs of an exam
FAST_SHARE, FAST_MOST = 0.10, 10.0  # of an item's median time, and seconds: NT10 (Wise and Ma, 2012)
TIMED_FROM = 30  # times an item needs, and responses for its shares
FAST_LEAST = 5  # fast answers a sitting needs
SHARED_LEAST, DAYS_APART = 10, 30.0  # of a pair
PAIRS_FROM = 50  # sittings, before pairs are compared
PAIRS_OF = 3000  # the newest sittings that are compared in pairs
LOOKED_AGAIN = 4.0  # standard deviations over the expectation, before an exact tail is computed
QUICKER = 0.7  # a leaked item: median time of right answers now to that before
EXPOSED_FAST, EXPOSED_LEAST = 0.5, 3  # of the median before; items answered so
CANARY_ALPHA, CANARY_LEAST = 1e-3, 2


@dataclass(frozen=True)
class Looked:
    """Sittings of one exam, n rows × k items. Times are seconds, NaN where unknown."""

    ids: Ints
    persons: Ints
    days: Floats  # when begun
    right: Bools
    asked: Bools
    chosen: Ints  # what was given as a number of its own: 0 nothing, −1 not asked or no choice
    times: Floats
    guess: Floats  # chance to be right by guessing, of each item
    canary: Bools  # of each item


@dataclass(frozen=True)
class Signal:
    """What opens a file: a kind, the sitting, and the figures as plain values."""

    kind: Kind
    sitting: int
    figures: dict[str, Any] = field(hash=False)


def response_times(started_at: datetime, firsts: Mapping[int, datetime]) -> dict[int, float]:
    """Question → seconds between the first answer before it, or the start, and its own first answer."""
    times, before = {}, started_at
    for question, at in sorted(firsts.items(), key=lambda pair: (pair[1], pair[0])):
        times[question] = max(0.0, (at - before).total_seconds())
        before = at
    return times


def tails(chances: Floats, counts: Ints) -> Floats:
    """P(X ≥ count) of each row: X is the number of successes of independent trials with the row's chances."""
    rows, trials = chances.shape
    mass = np.zeros((rows, trials + 1))
    mass[:, 0] = 1
    for n in range(trials):
        p = chances[:, n, None]
        mass[:, 1 : n + 2] = mass[:, 1 : n + 2] * (1 - p) + mass[:, : n + 1] * p
        mass[:, 0] *= 1 - p[:, 0]
    over = np.cumsum(mass[:, ::-1], axis=1)[:, ::-1]
    over = np.concatenate([over, np.zeros((rows, 1))], axis=1)
    return np.asarray(np.clip(over[np.arange(rows), np.minimum(counts, trials + 1)], 0.0, 1.0))


def medians(times: Floats) -> Floats:
    """Of each column; NaN under 30 times."""
    enough = (~np.isnan(times)).sum(axis=0) >= TIMED_FROM
    found = np.full(times.shape[1], np.nan)
    if enough.any():
        found[enough] = np.nanmedian(times[:, enough], axis=0)
    return found


# ——— Speed ———


def speed(data: Looked) -> list[Signal]:
    """Sittings whose rapid answers are right more often than guesses are.

    Rapid is under 10 % of the item's median time, at most 10 s (normative threshold NT10; Wise and Ma, 2012).
    """
    limit = np.minimum(FAST_SHARE * medians(data.times), FAST_MOST)
    with np.errstate(invalid="ignore"):
        fast = (data.times < limit[None, :]) & ~data.canary[None, :]
    judged = (~np.isnan(data.times) & ~np.isnan(limit)[None, :] & ~data.canary[None, :]).sum(axis=1)
    rows = np.flatnonzero(fast.sum(axis=1) >= FAST_LEAST)
    if not rows.size:
        return []
    right = (fast & data.right)[rows].sum(axis=1)
    chances = np.where(fast[rows], data.guess[None, :], 0.0)
    p = tails(chances, right)
    return [
        Signal(
            Kind.SPEED,
            int(data.ids[row]),
            {
                "fast": int(fast[row].sum()),
                "of": int(judged[row]),
                "right": int(right[n]),
                "expected": float(chances[n].sum()),
                "p": float(p[n]),
                "looked_at": len(data.ids),
            },
        )
        for n, row in enumerate(rows)
        if p[n] < ALPHA / len(data.ids)
    ]


# ——— Similarity ———


def _codes(chosen: Ints) -> tuple[Ints, int]:
    """What was given, numbered from 0 within each item; −1 for nothing. And how many numbers there are."""
    codes = np.full(chosen.shape, -1, dtype=np.int64)
    most = 0
    for item in range(chosen.shape[1]):
        given = chosen[:, item] > 0
        if given.any():
            values, codes[given, item] = np.unique(chosen[given, item], return_inverse=True)
            most = max(most, values.size)
    return codes, most


def _shares(codes: Ints, asked: Bools, most: int, group: Ints, groups: int) -> Floats:
    """Group × item × answer: the share that gives it, drawn towards that of everybody with the weight of ten."""
    hot = np.stack([codes == v for v in range(most)], axis=2).astype(np.float64)
    everybody = hot.sum(axis=0) / np.maximum(asked.sum(axis=0), 1)[:, None]
    found = []
    for g in range(groups):
        mine = group == g
        found.append((hot[mine].sum(axis=0) + 10 * everybody) / (asked[mine].sum(axis=0)[:, None] + 10))
    return np.stack(found)


@dataclass(frozen=True)
class Pair:
    """Two sittings (rows) with more in common than ability explains."""

    one: int
    other: int
    shared: int
    identical: int
    expected: float
    wrong: int  # identical and wrong
    expected_wrong: float
    p: float  # twice the smaller of the two tails


def similar_pairs(data: Looked) -> tuple[list[Pair], int]:
    """Pairs with p < 10⁻⁴ over all pairs that were looked at, and how many those were.

    Generalised binomial test (van der Linden and Sotaridona, 2006), once for all identical answers and once for
    identical wrong ones: answers of two people are independent given their ability, so that an item is matched with
    chance Σ_v P(v|g)·P(v|h), g and h being their fifths of the paper's share right. Pairs share ten items or more,
    began within 30 days of each other and are two people. Answers nobody was given a choice in count for nothing.
    """
    newest = np.sort(np.argsort(data.days, kind="stable")[-PAIRS_OF:])
    if newest.size < PAIRS_FROM:
        return [], 0
    use = ((data.chosen >= 0)[newest].sum(axis=0) >= TIMED_FROM) & ~data.canary
    chosen, right = data.chosen[np.ix_(newest, use)], data.right[np.ix_(newest, use)]
    asked = chosen >= 0
    codes, most = _codes(chosen)
    if not most:
        return [], 0
    ability = right.sum(axis=1) / np.maximum(asked.sum(axis=1), 1)
    groups = int(np.clip(newest.size // 40, 1, 5))
    order = np.argsort(np.argsort(ability, kind="stable"), kind="stable")
    group = order * groups // newest.size
    shares = _shares(codes, asked, most, group, groups)
    key = np.zeros((chosen.shape[1], most), dtype=bool)
    for v in range(most):
        key[:, v] = ((codes == v) & right).any(axis=0)
    of_all = np.einsum("gqv,hqv->ghq", shares, shares)
    of_wrong = np.einsum("gqv,hqv->ghq", shares * ~key, shares * ~key)

    def both(left: Bools) -> NDArray[np.float32]:
        taken = left.astype(np.float32)
        return np.asarray(taken @ taken.T)

    shared = both(asked)
    identical, wrong = np.zeros_like(shared), np.zeros_like(shared)
    for v in range(most):
        identical += both(codes == v)
        wrong += both((codes == v) & ~right)
    who, days = data.persons[newest], data.days[newest]
    eligible = (
        (shared >= SHARED_LEAST)
        & (who[:, None] != who[None, :])
        & (np.abs(days[:, None] - days[None, :]) <= DAYS_APART)
    )
    eligible = np.triu(eligible, 1)
    count = int(eligible.sum())
    if not count:
        return [], 0
    again = np.zeros_like(eligible)
    for found, chance in ((identical, of_all), (wrong, of_wrong)):
        mean, variance = _moments(asked, group, groups, chance)
        again |= eligible & (found - mean > LOOKED_AGAIN * np.sqrt(np.maximum(variance, 1e-9)))
    at = np.argwhere(again)
    pairs = []
    for n in range(0, len(at), 2000):
        i, j = at[n : n + 2000].T
        seen = asked[i] & asked[j]
        all_chances = np.where(seen, of_all[group[i], group[j]], 0.0)
        wrong_chances = np.where(seen, of_wrong[group[i], group[j]], 0.0)
        p = 2 * np.minimum(
            tails(all_chances, identical[i, j].astype(np.int64)),
            tails(wrong_chances, wrong[i, j].astype(np.int64)),
        )
        pairs += [
            Pair(
                int(newest[i[m]]),
                int(newest[j[m]]),
                int(shared[i[m], j[m]]),
                int(identical[i[m], j[m]]),
                float(all_chances[m].sum()),
                int(wrong[i[m], j[m]]),
                float(wrong_chances[m].sum()),
                float(p[m]),
            )
            for m in np.flatnonzero(p < ALPHA / count)
        ]
    return pairs, count


def _moments(
    asked: Bools, group: Ints, groups: int, chance: Floats
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Expected matches of every two rows and their variance."""
    n = asked.shape[0]
    mean, variance = np.zeros((n, n), dtype=np.float32), np.zeros((n, n), dtype=np.float32)
    taken = asked.astype(np.float32)
    for g in range(groups):
        for h in range(groups):
            p = chance[g, h].astype(np.float32)
            at = np.ix_(group == g, group == h)
            mean[at] = (taken[group == g] * p) @ taken[group == h].T
            variance[at] = (taken[group == g] * (p * (1 - p))) @ taken[group == h].T
    return mean, variance


def similarity(data: Looked) -> list[Signal]:
    """A signal for every sitting that is one of such a pair, with all its partners, the least likely first."""
    pairs, count = similar_pairs(data)
    partners: dict[int, list[dict[str, Any]]] = {}
    for pair in pairs:
        facts = {
            "shared": pair.shared,
            "identical": pair.identical,
            "expected": pair.expected,
            "wrong": pair.wrong,
            "expected_wrong": pair.expected_wrong,
            "p": pair.p,
        }
        for own, other in ((pair.one, pair.other), (pair.other, pair.one)):
            partners.setdefault(int(data.ids[own]), []).append({"sitting": int(data.ids[other]), **facts})
    return [
        Signal(
            Kind.SIMILARITY,
            sitting,
            {"partners": sorted(found, key=lambda f: (f["p"], f["sitting"])), "looked_at": count},
        )
        for sitting, found in sorted(partners.items())
    ]


# ——— Items that are known ———


def quicker(data: Looked, item: int, late: Bools) -> bool:
    """Whether right answers to the item come much sooner than they did, with ten times on both sides."""
    timed = data.right[:, item] & ~np.isnan(data.times[:, item])
    before, after = data.times[timed & ~late, item], data.times[timed & late, item]
    return min(before.size, after.size) >= 10 and bool(np.median(after) < QUICKER * np.median(before))


def exposure(data: Looked, leaked: list[int], late: Bools) -> list[Signal]:
    """Late sittings that answer the leaked items right and fast, far beyond how often that happened before.

    `leaked` are columns that drift found easier at equal ability (Mantel–Haenszel) and that are answered sooner.
    """
    if not leaked:
        return []
    times = data.times[:, leaked]
    usual = medians(times[~late])
    with np.errstate(invalid="ignore"):
        hit = data.right[:, leaked] & (times < EXPOSED_FAST * usual[None, :])
    known = ~np.isnan(times) & ~np.isnan(usual)[None, :]
    before = (hit[~late].sum(axis=0) + 0.5) / (known[~late].sum(axis=0) + 1.0)
    rows = np.flatnonzero(late)
    chances = np.where(known[rows], before[None, :], 0.0)
    hits = hit[rows].sum(axis=1)
    p = tails(chances, hits)
    return [
        Signal(
            Kind.EXPOSURE,
            int(data.ids[row]),
            {
                "of": int(known[row].sum()),
                "right": int(hits[n]),
                "expected": float(chances[n].sum()),
                "p": float(p[n]),
                "looked_at": int(rows.size),
            },
        )
        for n, row in enumerate(rows)
        if hits[n] >= EXPOSED_LEAST and p[n] < ALPHA / rows.size
    ]


def canaries(data: Looked) -> list[Signal]:
    """Sittings that give the keys of canary items, which only somebody who has seen the bank would give.

    Expected is how often everybody gives them, from 30 responses on; else the chance to guess.
    """
    columns = np.flatnonzero(data.canary)
    if not columns.size:
        return []
    asked, right = data.asked[:, columns], data.asked[:, columns] & data.right[:, columns]
    counts = asked.sum(axis=0)
    usual = (right.sum(axis=0) + 0.5) / (counts + 1.0)
    chance = np.where(counts >= TIMED_FROM, usual, data.guess[columns])
    hits = right.sum(axis=1)
    rows = np.flatnonzero(hits >= CANARY_LEAST)
    if not rows.size:
        return []
    chances = np.where(asked[rows], chance[None, :], 0.0)
    p = tails(chances, hits[rows])
    return [
        Signal(
            Kind.CANARY,
            int(data.ids[row]),
            {
                "of": int(asked[row].sum()),
                "right": int(hits[row]),
                "expected": float(chances[n].sum()),
                "p": float(p[n]),
                "looked_at": len(data.ids),
            },
        )
        for n, row in enumerate(rows)
        if p[n] < CANARY_ALPHA
    ]
