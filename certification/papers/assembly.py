"""Fixed parallel forms by integer programming: disjoint, within the plan, as alike in information as can be.

Minimax automated test assembly (van der Linden, Linear Models for Optimal Test Design, 2005, ch. 5–6): a binary
variable says that an item stands in a form; the largest distance of any form from the target is made small.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from certification.papers.rules import Blueprint, Item, cells

Floats = NDArray[np.float64]
THETAS = (-2.0, -1.0, 0.0, 1.0, 2.0)
EXCHANGES = 200
_STATES = {0: "optimal", 1: "time_limit"}  # of HiGHS, when there is a solution


class CannotAssemble(ValueError):
    """`reason`: "few" (a cell has too few items), "none" (no such forms exist) or "time" (none found in time)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Known:
    """What is known of an item: slope and intercept of the 2PL model, else its facility, else only its level."""

    a: float | None = None
    d: float | None = None
    p: float | None = None

    def information(self, thetas: Floats) -> Floats:
        """a²P(1 − P); zeros without estimates."""
        if self.a is None or self.d is None:
            return np.zeros_like(thetas)
        chance = 1 / (1 + np.exp(-(self.a * thetas + self.d)))
        return np.asarray(self.a**2 * chance * (1 - chance))


@dataclass(frozen=True)
class Assembled:
    """Forms of item ids, with how near they came. `basis`: items of the pool by what they were matched on."""

    forms: tuple[tuple[int, ...], ...]
    thetas: tuple[float, ...]
    target: tuple[float, ...]
    information: tuple[tuple[float, ...], ...]
    deviation: float  # largest |information − target|, over forms and abilities
    spread: float  # the same over sums of facility, of its spread and of level, of items without estimates
    basis: dict[str, int] = field(hash=False)
    state: str  # "optimal" or "time_limit"
    gap: float | None  # relative, as the solver says
    seconds: float

    def as_json(self, form: int) -> dict[str, Any]:
        return {
            "thetas": list(self.thetas),
            "target": list(self.target),
            "values": list(self.information[form]),
            "deviation": self.deviation,
            "spread": self.spread,
            "basis": self.basis,
            "state": self.state,
            "gap": self.gap,
            "seconds": self.seconds,
        }


def _measures(
    items: Sequence[Item], known: Mapping[int, Known], thetas: Floats
) -> tuple[Floats, dict[str, int]]:
    """Rows to be matched × items: information at each ability; facility, its squared distance from the mean,
    and level for items without estimates. And how many items are matched on what."""
    facts = [known.get(item.id, Known()) for item in items]
    rows = [np.array([fact.information(thetas) for fact in facts]).T]
    modelled = np.array([fact.a is not None and fact.d is not None for fact in facts])
    facility = np.array([fact.p is not None for fact in facts]) & ~modelled
    bare = ~modelled & ~facility
    if facility.any():
        p = np.array([fact.p if use else 0.0 for fact, use in zip(facts, facility, strict=True)], dtype=float)
        rows += [p[None, :], np.where(facility, (p - p[facility].mean()) ** 2, 0.0)[None, :]]
    if bare.any():
        level = np.array([item.level for item in items], dtype=float)
        rows.append(np.where(bare, level, 0.0)[None, :])
    counts = {"model": int(modelled.sum()), "facility": int(facility.sum()), "level": int(bare.sum())}
    return np.vstack(rows), counts


def assemble(
    items: Sequence[Item],
    known: Mapping[int, Known],
    blueprint: Blueprint,
    forms: int,
    *,
    thetas: Sequence[float] = THETAS,
    target: Sequence[float] | None = None,
    seconds: float = 10.0,
) -> Assembled:
    """`forms` disjoint forms that fill the blueprint exactly and hold no two enemies.

    The target is the information a form has on average when its cells are filled by chance, unless one is given
    (a value for each ability). The best solution within `seconds` is taken. CannotAssemble without one.
    """
    began = time.perf_counter()
    plan = cells(blueprint)
    pool = [
        item
        for item in sorted(items, key=lambda item: item.id)
        if not item.pilot and any(_fits(item, cell) for cell in plan)
    ]
    members = {
        cell: np.array([n for n, item in enumerate(pool) if _fits(item, cell)], dtype=int) for cell in plan
    }
    if any(members[cell].size < forms * count for cell, count in plan.items()):
        raise CannotAssemble("few")
    points = np.array(thetas, dtype=float)
    rows, basis = _measures(pool, known, points)
    mean = sum(
        (count * rows[:, members[cell]].mean(axis=1) for cell, count in plan.items()), np.zeros(len(rows))
    )
    if target is not None:
        mean[: points.size] = target
    found = _solve(pool, plan, members, rows, mean, forms, seconds)
    if found.x is None:
        raise CannotAssemble("none" if found.status == 2 else "time")
    solved = np.round(found.x[:-1]).astype(bool).reshape(forms, len(pool))
    chosen = min(
        solved,
        _swapped(solved, pool, members, rows, mean),
        key=lambda c: float(np.abs(c @ rows.T - mean).max()),
    )
    values = chosen @ rows.T
    away = np.abs(values - mean)
    k = points.size
    gap = getattr(found, "mip_gap", None)
    return Assembled(
        tuple(tuple(pool[n].id for n in np.flatnonzero(row)) for row in chosen),
        tuple(float(t) for t in points),
        tuple(float(v) for v in mean[:k]),
        tuple(tuple(float(v) for v in row[:k]) for row in values),
        float(away[:, :k].max()),
        float(away[:, k:].max()) if len(rows) > k else 0.0,
        basis,
        _STATES.get(found.status, "time_limit"),
        float(gap) if gap is not None and np.isfinite(gap) else None,
        time.perf_counter() - began,
    )


def _fits(item: Item, cell: tuple[str, int | None]) -> bool:
    topic, level = cell
    return item.topic == topic and level in (None, item.level)


def _swapped(
    solved: NDArray[np.bool_],
    pool: Sequence[Item],
    members: Mapping[tuple[str, int | None], NDArray[np.int_]],
    rows: Floats,
    target: Floats,
) -> NDArray[np.bool_]:
    """The solver's incumbent after single exchanges with unused items of the same cell, each the best that lowers
    the sum of squared distances; plan and enemies hold throughout."""
    chosen = solved.copy()
    place = {item.id: at for at, item in enumerate(pool)}
    against = np.zeros((len(pool), len(pool)), dtype=bool)
    for at, item in enumerate(pool):
        for enemy in (place[e] for e in item.enemies if e in place):
            against[at, enemy] = against[enemy, at] = True
    for _ in range(EXCHANGES):
        best: tuple[float, int, int, int] | None = None
        taken = np.asarray(chosen.any(axis=0))
        for f in range(len(chosen)):
            row = np.asarray(chosen[f])
            away = rows @ row - target
            now = float(away @ away)
            for cell in members.values():
                inside, outside = cell[row[cell]], cell[~taken[cell]]
                if not inside.size or not outside.size:
                    continue
                change = rows[:, None, outside] - rows[:, inside, None]
                cost = ((away[:, None, None] + change) ** 2).sum(axis=0)
                clashes = against[outside][:, row].sum(axis=1)[None, :] - against[np.ix_(inside, outside)]
                cost[clashes > 0] = np.inf
                at = divmod(int(cost.argmin()), cost.shape[1])
                gain = float(cost[at]) - now
                if gain < -1e-12 and (best is None or gain < best[0]):
                    best = gain, f, int(inside[at[0]]), int(outside[at[1]])
        if best is None:
            break
        _, f, out, into = best
        chosen[f, out], chosen[f, into] = False, True
    return chosen


def _solve(
    pool: Sequence[Item],
    plan: Mapping[tuple[str, int | None], int],
    members: Mapping[tuple[str, int | None], NDArray[np.int_]],
    rows: Floats,
    target: Floats,
    forms: int,
    seconds: float,
) -> Any:
    """min y, so that |measure − target| ≤ y for every form; variables are form by form, y the last."""
    n = len(pool)
    size = forms * n + 1
    place = {item.id: at for at, item in enumerate(pool)}
    pairs = sorted(
        {
            (min(at, place[e]), max(at, place[e]))
            for at, item in enumerate(pool)
            for e in item.enemies
            if e in place
        }
    )
    at_row: list[NDArray[np.int_]] = []
    at_column: list[NDArray[np.int_]] = []
    value: list[Floats] = []
    low: list[float] = []
    high: list[float] = []

    def add(columns: NDArray[np.int_], values: Floats, least: float, most: float) -> None:
        at_row.append(np.full(columns.size, len(low)))
        at_column.append(columns)
        value.append(values)
        low.append(least)
        high.append(most)

    every, y = np.arange(n), np.array([size - 1])
    for f in range(forms):
        for cell, count in plan.items():
            add(f * n + members[cell], np.ones(members[cell].size), count, count)
        for one, other in pairs:
            add(np.array([f * n + one, f * n + other]), np.ones(2), -np.inf, 1)
        for row, wanted in zip(rows, target, strict=True):
            columns = np.concatenate([f * n + every, y])
            add(columns, np.append(row, -1.0), -np.inf, wanted)
            add(columns, np.append(row, 1.0), wanted, np.inf)
    for at in range(n):
        add(np.arange(forms) * n + at, np.ones(forms), -np.inf, 1)
    matrix = coo_array(
        (np.concatenate(value), (np.concatenate(at_row), np.concatenate(at_column))), shape=(len(low), size)
    ).tocsr()
    cost = np.zeros(size)
    cost[-1] = 1
    most = np.ones(size)
    most[-1] = np.inf
    return milp(
        cost,
        constraints=LinearConstraint(matrix, low, high),
        bounds=Bounds(np.zeros(size), most),
        integrality=np.append(np.ones(size - 1), 0),
        options={"time_limit": seconds, "mip_rel_gap": 0.01},
    )
