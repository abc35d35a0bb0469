"""What people write about themselves, and what visitors write to them."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from portal.accounts.forms import Email, Name
from portal.refusal import mark
from portal.web.forms import Input, Wrong


class EditPage(Input):
    nickname: Annotated[str, Field(max_length=40)] = ""
    salutation: Literal["", "mr", "ms"] = ""
    headline: Annotated[str, Field(max_length=120)] = ""
    does: Annotated[str, Field(max_length=500)] = ""
    about: Annotated[str, Field(max_length=500)] = ""
    languages: list[str] = []

    @field_validator("languages")
    @classmethod
    def _known(cls, values: list[str], info: ValidationInfo) -> list[str]:
        if any(value not in (info.context or {}).get("languages", ()) for value in values):
            raise Wrong(mark("Please choose from the list."))
        return sorted(set(values))


class NewCode(Input):
    label: Annotated[str, Field(min_length=1, max_length=40)]


class WriteTo(Input):
    name: Name
    email: Email
    message: Annotated[str, Field(min_length=10, max_length=1000)]
