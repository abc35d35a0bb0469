"""Leave, with a reason and the name typed."""

from typing import Annotated

from pydantic import Field

from portal.web.forms import Input


class Leave(Input):
    reason: Annotated[str, Field(min_length=5, max_length=500)]
    typed_name: Annotated[str, Field(min_length=1, max_length=120)]
