"""Ask for a link."""

from typing import Annotated

from pydantic import AfterValidator, Field

from portal.group.rules import Side
from portal.organisations.forms import code
from portal.web.forms import Input


class AskLink(Input):
    other_code: Annotated[str, Field(min_length=1, max_length=40), AfterValidator(code)]
    side: Side
