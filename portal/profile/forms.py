"""What an organisation says of where, when and for whom it works."""

import re
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from portal.organisations.forms import code, known, website_address
from portal.organisations.rules import DAYS
from portal.refusal import mark
from portal.web.forms import Input, Wrong

_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def _hour(value: str) -> str:
    if value and not _TIME.fullmatch(value):
        raise Wrong(mark("Please write a time, such as 09:30."))
    return value


def _days(value: list[str]) -> list[str]:
    if set(value) - set(DAYS):
        raise Wrong(mark("Please choose from the list."))
    return [day for day in DAYS if day in value]


class EditFocus(Input):
    """Changes at once; nobody is misled by any of it."""

    directions: Annotated[list[str], Field(min_length=1), AfterValidator(known("directions"))]
    industries: Annotated[list[str], Field(min_length=1), AfterValidator(known("industries"))]
    capabilities: Annotated[list[str], Field(min_length=1), AfterValidator(known("capabilities"))]
    province: Annotated[str, Field(min_length=1, max_length=40)]
    city: Annotated[str, Field(min_length=1, max_length=40)]
    website: Annotated[str, Field(max_length=200), AfterValidator(website_address)] = ""
    nationwide: bool = False
    coverage: Annotated[list[str], AfterValidator(known("provinces"))] = []
    service_days: Annotated[list[str], AfterValidator(_days)] = []
    service_from: Annotated[str, AfterValidator(_hour)] = ""
    service_until: Annotated[str, AfterValidator(_hour)] = ""
    can_start: date | None = None

    @model_validator(mode="before")
    @classmethod
    def lists(cls, data: dict) -> dict:
        return {"directions": [], "industries": [], "capabilities": [], **data}

    @model_validator(mode="after")
    def hours(self) -> "EditFocus":
        if bool(self.service_from) != bool(self.service_until):
            raise Wrong(mark("Please give both times, or neither."))
        if self.service_from and self.service_until <= self.service_from:
            raise Wrong(mark("The day must end after it begins."))
        return self


class Conflict(Input):
    """One client beside whom no competitor of the industry is served."""

    client: Annotated[str, Field(min_length=1, max_length=80)]
    industry: Annotated[str, Field(min_length=1), AfterValidator(lambda value: value)]


class AskNames(Input):
    legal_name: Annotated[str, Field(min_length=2, max_length=120)]
    short_name: Annotated[str, Field(min_length=1, max_length=40)]
    credit_code: Annotated[str, Field(min_length=1, max_length=40), AfterValidator(code)]
    reason: Annotated[str, Field(min_length=1, max_length=500)]
