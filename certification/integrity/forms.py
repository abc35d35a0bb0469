"""What a candidate states, staff decide, and the script of a paper reports."""

from typing import Annotated

from pydantic import Field

from portal.web.forms import Input


class Statement(Input):
    statement: Annotated[str, Field(min_length=5, max_length=5000)]


class Because(Input):
    reason: Annotated[str, Field(min_length=10, max_length=500)]


class Away(Input):
    """Since the last report."""

    times: Annotated[int, Field(ge=1, le=1000)]
    seconds: Annotated[int, Field(ge=0, le=86_400)]
