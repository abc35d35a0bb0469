"""Move a phase; open a form for one organisation."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, field_validator

from portal.refusal import mark
from portal.web.forms import Input, Wrong


def _this_century(day: date) -> date:
    if not 2000 <= day.year < 2100:
        raise Wrong(mark("Please write a date, such as 2026-11-30."))
    return day


class Move(Input):
    first: date
    last: date
    reason: Annotated[str, Field(min_length=1, max_length=300)]
    _century = field_validator("first", "last")(_this_century)


class LetIn(Input):
    organisation: Annotated[str, Field(min_length=1, max_length=40)]
    form: Literal["nomination", "cohort"]
    last: date
    reason: Annotated[str, Field(min_length=1, max_length=300)]
    _century = field_validator("last")(_this_century)
