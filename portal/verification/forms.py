"""What an owner types beside the licence."""

from typing import Annotated

from pydantic import Field

from portal.web.forms import Input


class HandIn(Input):
    representative: Annotated[str, Field(min_length=1, max_length=80)]
    note: Annotated[str, Field(max_length=500)] = ""
