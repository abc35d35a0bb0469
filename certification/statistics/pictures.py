"""Where the strokes of a picture go: plain coordinates in a field of 320 × 200, drawn by the template."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from certification.statistics.irt import ItemModel, Model
from certification.statistics.item_analysis import Floats, OptionFigures
from certification.statistics.rules import letter

LEFT, RIGHT, TOP, BOTTOM = 48.0, 292.0, 12.0, 168.0
APART = 14.0  # between two labels
ABILITY = 3.0


@dataclass(frozen=True)
class Line:
    name: str
    points: str  # of a polyline
    dots: tuple[tuple[float, float], ...]
    label: tuple[float, float]  # where its name stands
    key: bool
    nth: int


@dataclass(frozen=True)
class Curve:
    points: str
    dots: tuple[tuple[float, float, float], ...]  # x, y, radius
    top: float  # what the upper edge stands for


def _y(share: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * share, 1)


def _x(theta: float) -> float:
    return round(LEFT + (RIGHT - LEFT) * (theta + ABILITY) / (2 * ABILITY), 1)


def _points(pairs: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in pairs)


def option_lines(options: Sequence[OptionFigures], key: Sequence[int]) -> list[Line]:
    """A line an option over the fifths of the rest score, weakest first; names kept apart at the right edge."""
    step = (RIGHT - LEFT) / 4
    drawn = []
    for one in options:
        if not one.number:
            continue
        dots = [
            (round(LEFT + step * n, 1), _y(share))
            for n, share in enumerate(one.by_fifth)
            if share is not None
        ]
        if dots:
            drawn.append((one, dots))
    labels: dict[int, float] = {}
    below = TOP - APART
    for one, dots in sorted(drawn, key=lambda pair: (pair[1][-1][1], pair[0].number)):
        below = labels[one.number] = max(dots[-1][1], below + APART)
    over = max(0.0, max(labels.values(), default=0.0) - BOTTOM)
    return [
        Line(
            letter(one.number),
            _points(dots),
            tuple(dots),
            (RIGHT + 10, round(labels[one.number] - over + 5, 1)),
            one.number in key,
            one.number,
        )
        for one, dots in drawn
    ]


def item_curve(item: ItemModel, share: Floats, ability: Floats, groups: int = 10) -> Curve:
    """P over ability from −3 to 3, and the observed shares of groups of equally many candidates."""
    theta = np.linspace(-ABILITY, ABILITY, 61)
    points = _points([(_x(float(t)), _y(float(p))) for t, p in zip(theta, item.chance(theta), strict=True)])
    order = np.argsort(ability, kind="stable")
    dots = []
    for group in np.array_split(order, min(groups, max(1, order.size // 30))):
        if group.size:
            at = float(np.clip(ability[group].mean(), -ABILITY, ABILITY))
            dots.append((_x(at), _y(float(share[group].mean())), 4.0))
    return Curve(points, tuple(dots), 1.0)


def information_curve(model: Model) -> Curve:
    """Test information over ability, as high as its greatest value."""
    theta = np.linspace(-ABILITY, ABILITY, 61)
    values = model.information(theta)
    top = max(float(values.max()), 1e-9)
    points = _points([(_x(float(t)), _y(float(v) / top)) for t, v in zip(theta, values, strict=True)])
    return Curve(points, (), top)
