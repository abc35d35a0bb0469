"""What is typed about a draft beside its text."""

from datetime import date
from typing import Annotated

from pydantic import Field

from portal.web.forms import Input


class HandIn(Input):
    reason: Annotated[str, Field(min_length=10, max_length=500)]
    effective_on: date


class Because(Input):
    reason: Annotated[str, Field(min_length=5, max_length=500)]
