"""What is typed to have forms made."""

from typing import Annotated

from pydantic import Field

from portal.web.forms import Input


class MakeForms(Input):
    forms: Annotated[int, Field(ge=1, le=6)]
    seconds: Annotated[int, Field(ge=1, le=30)]
