"""Nominate, decide, object, score."""

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from portal.refusal import mark
from portal.web.forms import Input, Wrong


class Nominate(Input):
    """The context names the "cases" (ids) that may be nominated; empty for an award of the organisation itself."""

    case: int | None = None
    statement: Annotated[str, Field(max_length=500)] = ""

    @field_validator("case")
    @classmethod
    def _ours(cls, case: int | None, info: ValidationInfo) -> int | None:
        if case is not None and case not in (info.context or {})["cases"]:
            raise Wrong(mark("Please choose from the list."))
        return case


class Why(Input):
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class Object(Input):
    text: Annotated[str, Field(min_length=10, max_length=1000)]


class Answer(Input):
    upheld: bool
    answer: Annotated[str, Field(min_length=1, max_length=1000)]


Mark = Annotated[int, Field(ge=0, le=10)]


class Score(Input):
    """The rubric's four items."""

    effect: Mark
    craft: Mark
    honesty: Mark
    transfer: Mark
    note: Annotated[str, Field(max_length=500)] = ""
