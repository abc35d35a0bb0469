"""What owners and staff type about a level."""

from typing import Annotated

from pydantic import Field

from certification.standing.rules import Family
from portal.web.forms import Input


class Apply(Input):
    family: Family
    stars: Annotated[int, Field(ge=3, le=5)]
    statement: Annotated[str, Field(max_length=1000)] = ""


class Maturity(Input):
    score: Annotated[float, Field(ge=0, le=100)]
    reason: Annotated[str, Field(min_length=5, max_length=500)]


class Practical(Input):
    person: Annotated[int, Field(ge=1)]
    code: Annotated[str, Field(min_length=2, max_length=10)]
    reason: Annotated[str, Field(min_length=5, max_length=500)]
