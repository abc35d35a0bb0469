"""What owners book, and what staff answer."""

from datetime import date
from typing import Annotated

from pydantic import Field

from portal.web.forms import Input


class Book(Input):
    quantity: Annotated[int, Field(ge=1, le=100_000)]
    what: Annotated[str, Field(min_length=2, max_length=200)]
    wanted_on: date | None = None


class Defer(Input):
    quantity: Annotated[int, Field(ge=1, le=100_000)]


class Because(Input):
    reason: Annotated[str, Field(min_length=5, max_length=500)]
