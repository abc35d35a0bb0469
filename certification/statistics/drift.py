"""Does an item still behave as it did? Two windows of responses, compared plainly and at equal ability."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from certification.statistics.item_analysis import Floats, correlation
from certification.statistics.rules import JUDGED_FROM, Flag
from portal.refusal import mark

MATCHED_FROM = 100  # responses in each window, before candidates are matched by their rest score
MOVED = 0.10  # a change of facility that matters, beside being more than chance
SIGNIFICANT = 2.576  # two-sided 1 %: many items are looked at together
LARGE = 1.5  # |delta| of Mantel–Haenszel; 1.0 to 1.5 is called moderate (Zieky, 1993)
STRATA = 5


@dataclass(frozen=True)
class Window:
    """The responses to one item in one period or of one version: shares of its maximum, and rest scores beside them."""

    share: Floats
    rest: Floats

    @property
    def n(self) -> int:
        return int(self.share.size)

    @property
    def p(self) -> float | None:
        return float(self.share.mean()) if self.n else None

    @property
    def r(self) -> float | None:
        return correlation(self.share, self.rest)


@dataclass(frozen=True)
class Matched:
    """Mantel–Haenszel over fifths of the rest score: right or not, later or earlier."""

    odds: float  # common odds ratio, later : earlier
    delta: float  # −2.35·ln(odds) on the scale of item difficulty: over 0 is harder now
    z: float  # of the chi-square with continuity correction, signed as ln(odds)


@dataclass(frozen=True)
class Drift:
    before: Window
    after: Window
    change: float | None  # p after − p before
    low: float | None  # its 95 % interval
    high: float | None
    z: float | None  # two proportions
    matched: Matched | None  # None with too few responses, or points between none and all
    flags: tuple[Flag, ...]


def _wilson(p: float, n: int, z: float = 1.959964) -> tuple[float, float]:
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return float(middle - half), float(middle + half)


def difference(p1: float, n1: int, p2: float, n2: int) -> tuple[float, float, float, float | None]:
    """(p2 − p1, its 95 % interval by Newcombe's (1998) method 10, z of two proportions); z None when nothing varies."""
    change = p2 - p1
    low1, high1 = _wilson(p1, n1)
    low2, high2 = _wilson(p2, n2)
    low = change - float(np.hypot(p2 - low2, high1 - p1))
    high = change + float(np.hypot(high2 - p2, p1 - low1))
    pooled = (p1 * n1 + p2 * n2) / (n1 + n2)
    spread = float(np.sqrt(max(0.0, pooled * (1 - pooled)) * (1 / n1 + 1 / n2)))
    return change, low, high, change / spread if spread > 1e-12 else None


def mantel_haenszel(before: Window, after: Window) -> Matched | None:
    """Candidates of both windows are matched by fifths of their rest scores; None when the strata say nothing."""
    rest = np.concatenate([before.rest, after.rest])
    right = np.concatenate([before.share, after.share]) > 0.5
    later = np.repeat([False, True], [before.n, after.n])
    strata = np.searchsorted(np.quantile(rest, np.arange(1, STRATA) / STRATA), rest, side="right")
    above = below = surplus = variance = 0.0
    for stratum in np.unique(strata):
        here = strata == stratum
        a, b = _count(here & later & right), _count(here & later & ~right)
        c, d = _count(here & ~later & right), _count(here & ~later & ~right)
        total = a + b + c + d
        if total < 2 or not (a + b) or not (c + d):
            continue
        above, below = above + a * d / total, below + b * c / total
        surplus += a - (a + b) * (a + c) / total
        variance += (a + b) * (c + d) * (a + c) * (b + d) / (total**2 * (total - 1))
    if above <= 0 or below <= 0 or variance <= 0:
        return None
    odds = above / below
    z = float(np.sign(surplus) * max(0.0, abs(surplus) - 0.5) / np.sqrt(variance))
    return Matched(odds, float(-2.35 * np.log(odds)), z)


def _count(where: NDArray[np.bool_]) -> float:
    return float(np.count_nonzero(where))


def compare(before: Window, after: Window) -> Drift:
    """Both windows side by side, with the reasons to look again."""
    if before.p is None or after.p is None:
        return Drift(before, after, None, None, None, None, None, ())
    change, low, high, z = difference(before.p, before.n, after.p, after.n)
    whole = set(np.unique(np.concatenate([before.share, after.share])).tolist()) <= {0.0, 1.0}
    enough = min(before.n, after.n) >= MATCHED_FROM
    matched = mantel_haenszel(before, after) if whole and enough else None
    flags = tuple(_flags(before, after, change, z, matched))
    return Drift(before, after, change, low, high, z, matched, flags)


def _flags(
    before: Window, after: Window, change: float, z: float | None, matched: Matched | None
) -> list[Flag]:
    if min(before.n, after.n) < JUDGED_FROM:
        return [
            Flag(
                "few",
                mark(
                    "Not judged yet: %(before)s and %(after)s responses; %(least)s are needed on both sides."
                ),
                {"before": before.n, "after": after.n, "least": JUDGED_FROM},
            )
        ]
    found = []
    if matched and abs(matched.z) > SIGNIFICANT and abs(matched.delta) >= 1:
        size = abs(matched.delta) >= LARGE
        found.append(
            Flag(
                "matched",
                {
                    (True, True): mark(
                        "Much easier than before for equally good candidates (Δ %(delta)s): it may be known by now."
                    ),
                    (True, False): mark("Much harder than before for equally good candidates (Δ %(delta)s)."),
                    (False, True): mark(
                        "Somewhat easier than before for equally good candidates (Δ %(delta)s)."
                    ),
                    (False, False): mark(
                        "Somewhat harder than before for equally good candidates (Δ %(delta)s)."
                    ),
                }[size, matched.delta < 0],
                {"delta": f"{matched.delta:+.2f}"},
            )
        )
    elif z is not None and abs(z) > SIGNIFICANT and abs(change) >= MOVED and matched is None:
        found.append(
            Flag(
                "moved",
                mark(
                    "Facility moved by %(change)s (z %(z)s). With fewer than %(least)s responses on a side "
                    "nobody can tell yet whether the item changed or the candidates did."
                ),
                {"change": f"{change:+.2f}", "z": f"{z:+.1f}", "least": MATCHED_FROM},
            )
        )
    return found
