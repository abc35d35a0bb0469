"""Propose a merger; for staff, name both sides."""

from typing import Annotated

from pydantic import AfterValidator, Field

from portal.organisations.forms import code
from portal.web.forms import Input


class Propose(Input):
    other_code: Annotated[str, Field(min_length=1, max_length=40), AfterValidator(code)]
    reason: Annotated[str, Field(min_length=5, max_length=500)]


class StaffMerge(Input):
    reason: Annotated[str, Field(min_length=5, max_length=500)]
    seen: Annotated[str, Field(max_length=16)] = ""
