"""What somebody says about a colleague who leaves."""

from typing import Annotated, Literal

from pydantic import EmailStr, Field

from portal.departures.rules import Answer
from portal.refusal import mark
from portal.web.forms import Input


class EndLink(Input):
    how: Literal["ended", "hired"] = "ended"
    client: Annotated[str, Field(max_length=120)] = ""
    contact: EmailStr | None = None
    language: Literal["zh", "en"] = "zh"

    def missing(self) -> dict[str, str]:
        """Field → catalogue key."""
        if self.how != "hired":
            return {}
        sentence = mark("Please fill this in.")
        return {field: sentence for field in ("client", "contact") if not getattr(self, field)}


class Say(Input):
    answer: Answer


class HandTo(Input):
    person: Annotated[int, Field(ge=1, le=2**31 - 1)]
