"""What a brand asks for, what a provider answers, what the brand decides."""

import re
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, EmailStr, Field, ValidationInfo, model_validator

from casebook.briefs.rules import names_a_contact
from portal.refusal import mark
from portal.web.forms import Input, Wrong

MOST_NEEDS = 4
SYSTEM_ROWS = 6


def _no_contact(value: str) -> str:
    if names_a_contact(value):
        raise Wrong(
            mark(
                "Please take telephone numbers, mail addresses and WeChat ids out of the text: "
                "contacts open to both sides once both have accepted."
            )
        )
    return value


def _phone(value: str) -> str:
    if value and not re.fullmatch(r"\+?[0-9][0-9 ()-]{6,24}", value):
        raise Wrong(mark("Please write a telephone number in digits, such as 138 0013 8000."))
    return value


def _among(taxonomy: str):  # type: ignore[no-untyped-def]
    """Only keys of the programme's taxonomy; the page passes them in the validation context."""

    def check(value: str | list[str], info: ValidationInfo) -> str | list[str]:
        allowed = (info.context or {})[taxonomy]
        chosen = value if isinstance(value, list) else [value]
        if set(chosen) - set(allowed):
            raise Wrong(mark("Please choose from the list."))
        return list(dict.fromkeys(value)) if isinstance(value, list) else value

    return check


Words = Annotated[str, Field(max_length=1000), AfterValidator(_no_contact)]
Money = Annotated[int | None, Field(ge=0, le=100_000_000)]
Needs = Annotated[list[str], Field(max_length=MOST_NEEDS), AfterValidator(_among("capabilities"))]
Languages = Annotated[list[str], Field(max_length=5), AfterValidator(_among("languages"))]
Name = Annotated[str, Field(max_length=80)]
Phone = Annotated[str, Field(max_length=40), AfterValidator(_phone)]


class EditBrief(Input):
    """A draft may have gaps; the coach says what is missing. Only the title is needed to keep it."""

    title: Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_no_contact)]
    need: Annotated[str, Field(max_length=4000), AfterValidator(_no_contact)] = ""
    industry: Annotated[str, AfterValidator(_among("industries"))] = ""
    must_have: Needs = Field(default_factory=list)
    wished: Needs = Field(default_factory=list)
    stage: Annotated[str, AfterValidator(_among("stages"))] = ""
    scale: Annotated[str, AfterValidator(_among("brand_scales"))] = ""
    budget_low: Money = None
    budget_high: Money = None
    province: Annotated[str, AfterValidator(_among("provinces"))] = ""
    on_site: bool = False
    languages: Languages = Field(default_factory=list)
    start_by: date | None = None
    no_systems: bool = False
    blocked: Annotated[str, Field(max_length=1000)] = ""  # names or numbers of providers, one a line
    contact_name: Name = ""
    contact_phone: Phone = ""
    contact_email: EmailStr | None = None

    @model_validator(mode="after")
    def order(self) -> "EditBrief":
        if self.budget_low and self.budget_high and self.budget_high < self.budget_low:
            raise Wrong(mark("The upper budget is below the lower one."))
        return self


class Accept(Input):
    """A provider's yes, with whom the brand will talk to."""

    contact_name: Annotated[str, Field(min_length=1, max_length=80)]
    contact_phone: Phone = ""
    contact_email: EmailStr | None = None
    note: Words = ""

    @model_validator(mode="after")
    def reachable(self) -> "Accept":
        if not self.contact_phone and not self.contact_email:
            raise Wrong(mark("Please leave a telephone number or an e-mail address."))
        return self


class Decline(Input):
    reason_code: Annotated[str, Field(min_length=1, max_length=40), AfterValidator(_among("decline_reasons"))]
    note: Words = ""


class Decide(Input):
    chosen: Annotated[str, Field(min_length=1, max_length=20)]  # an introduction's id, or "none"
    reason_code: Annotated[str, Field(min_length=1, max_length=40)]
    reason: Annotated[str, Field(min_length=10, max_length=1000), AfterValidator(_no_contact)]


class Close(Input):
    outcome: Annotated[str, Field(min_length=10, max_length=1000)]
