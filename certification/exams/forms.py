"""What a sitting sends: by its form, or by the script that saves on every change."""

from datetime import date
from typing import Annotated

from pydantic import Field

from portal.web.forms import Input


class SaveAnswer(Input):
    """`shown`: places on the page, from 1, as this sitting's order shows them; 0 where a list is left open."""

    q: Annotated[int, Field(ge=1, le=1000)]
    shown: list[int] = Field(default_factory=list, max_length=50)
    text: Annotated[str, Field(max_length=20_000)] = ""
    flagged: bool = False
    revision: Annotated[int, Field(ge=1, le=1_000_000)]


class Void(Input):
    reason: Annotated[str, Field(min_length=5, max_length=500)]


class MoreTime(Input):
    email: Annotated[str, Field(min_length=3, max_length=254)]
    percent: Annotated[int, Field(ge=5, le=200)]  # more
    until: date
    reason: Annotated[str, Field(min_length=5, max_length=500)]
