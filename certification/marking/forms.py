"""What a marker gives."""

from typing import Annotated

from pydantic import Field

from portal.web.forms import Input


class GiveMarks(Input):
    note: Annotated[str, Field(min_length=10, max_length=2000)]


class CorrectKey(Input):
    key: list[int] = Field(min_length=1, max_length=20)
    reason: Annotated[str, Field(min_length=10, max_length=500)]
    passes: Annotated[str, Field(pattern="^(keep|take)$")] = "keep"
