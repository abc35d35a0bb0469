"""Three disjoint forms of 40 out of 300 items: how near to the target information, and how soon.

python -m bench.forms
"""

import numpy as np

from certification.papers.assembly import Known, assemble
from certification.papers.rules import Blueprint, Item

PLAN: Blueprint = {"A": {"1": 6, "2": 8}, "B": {"1": 8, "2": 4}, "C": 14}


def bank(count: int = 300, seed: int = 7) -> tuple[list[Item], dict[int, Known]]:
    """Simulated items: slopes log-normal around 1, difficulties normal; every tenth has an enemy."""
    draw = np.random.default_rng(seed)
    items, known = [], {}
    for n in range(1, count + 1):
        enemy = frozenset({n + 1} if n % 10 == 1 else {n - 1} if n % 10 == 2 else ())
        items.append(Item(n, "ABC"[n % 3], f"g{n % 12}", 4, level=1 + n // 3 % 2, enemies=enemy))
        a = float(np.exp(draw.normal(0, 0.3)))
        known[n] = Known(a, -a * float(draw.normal(0, 1)), None)
    return items, known


def main() -> None:
    items, known = bank()
    for seconds in (5.0, 20.0):
        made = assemble(items, known, PLAN, 3, seconds=seconds)
        print(
            f"limit {seconds:.0f} s: largest deviation {made.deviation:.4f} of target {min(made.target):.2f} to "
            f"{max(made.target):.2f}; {made.state}, {made.seconds:.1f} s"
        )


if __name__ == "__main__":
    main()
