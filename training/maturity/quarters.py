"""Quarters of the calendar in China."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from portal.clock import CHINA

T = TypeVar("T")


@dataclass(frozen=True, order=True)
class Quarter:
    year: int
    number: int  # from 1

    def __str__(self) -> str:
        return f"{self.year}Q{self.number}"

    def plus(self, quarters: int) -> "Quarter":
        years, number = divmod(self.year * 4 + self.number - 1 + quarters, 4)
        return Quarter(years, number + 1)

    @property
    def start(self) -> datetime:
        return datetime(self.year, 3 * self.number - 2, 1, tzinfo=CHINA).astimezone(UTC)

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return self.plus(1).start


def quarter_of(at: datetime) -> Quarter:
    here = at.astimezone(CHINA)
    return Quarter(here.year, (here.month + 2) // 3)


def read_quarter(text: str) -> Quarter | None:
    """From "2026Q4"; None when it is nothing of the kind."""
    found = re.fullmatch(r"(2\d{3})Q([1-4])", text)
    return Quarter(int(found[1]), int(found[2])) if found else None


def valid_until(decided: datetime, quarters: int) -> datetime:
    """To the end of so many whole quarters after the one of the decision."""
    return quarter_of(decided).plus(quarters).end


def last_of_each(rows: Iterable[tuple[datetime, T]]) -> dict[Quarter, T]:
    """Of several in one quarter the last counts; of two at the same moment the one that comes later in `rows`."""
    kept: dict[Quarter, tuple[datetime, T]] = {}
    for at, row in rows:
        quarter = quarter_of(at)
        if quarter not in kept or at >= kept[quarter][0]:
            kept[quarter] = at, row
    return {quarter: kept[quarter][1] for quarter in sorted(kept)}
