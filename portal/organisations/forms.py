"""What an organisation says of itself."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from pydantic import AfterValidator, EmailStr, Field, HttpUrl, TypeAdapter, ValidationInfo, model_validator

from portal.clock import CHINA
from portal.organisations.rules import Kind, Role, read_credit_code
from portal.refusal import mark
from portal.web.forms import SENTENCES, Input, Wrong


def code(value: str) -> str:
    try:
        return read_credit_code(value)
    except ValueError as error:
        raise Wrong(str(error)) from None


def website_address(value: str) -> str:
    address = value if "://" in value else f"https://{value}"
    try:
        TypeAdapter(HttpUrl).validate_python(address)
    except ValueError:
        raise Wrong(mark("Please write a web address, such as https://example.com.")) from None
    return address


def known(taxonomy: str):  # type: ignore[no-untyped-def]
    """Only keys of the programme's taxonomy, and no more than its limit; the page passes both as context."""

    def check(value: list[str], info: ValidationInfo) -> list[str]:
        allowed = (info.context or {}).get(taxonomy)
        if allowed is not None and set(value) - set(allowed):
            raise Wrong(mark("Please choose from the list."))
        chosen = list(dict.fromkeys(value))
        most = (info.context or {}).get(f"{taxonomy}_max")
        if most is not None and len(chosen) > most:
            raise Wrong(SENTENCES["too_long"], max_length=most, actual_length=len(chosen))
        return chosen

    return check


class Register(Input):
    kind: Kind
    legal_name: Annotated[str, Field(min_length=2, max_length=120)]
    short_name: Annotated[str, Field(min_length=1, max_length=40)]
    credit_code: Annotated[str, Field(min_length=1, max_length=40), AfterValidator(code)]
    directions: Annotated[list[str], AfterValidator(known("directions"))] = []
    industries: Annotated[list[str], Field(min_length=1), AfterValidator(known("industries"))]
    capabilities: Annotated[list[str], AfterValidator(known("capabilities"))] = []
    province: Annotated[str, Field(min_length=1, max_length=40)]
    city: Annotated[str, Field(min_length=1, max_length=40)]
    website: Annotated[str, Field(max_length=200), AfterValidator(website_address)] = ""
    about: Annotated[str, Field(max_length=500)] = ""

    @model_validator(mode="before")
    @classmethod
    def lists_for_providers(cls, data: dict) -> dict:
        # A list that nobody ticked is an empty list, so that its own sentence is shown.
        return {"industries": [], **data}

    def missing_of_provider(self) -> dict[str, str]:
        """A provider also says what it does: field → catalogue key."""
        if self.kind is not Kind.PROVIDER:
            return {}
        missing = {}
        if not self.directions:
            missing["directions"] = mark("Please choose at least one direction.")
        if not self.capabilities:
            missing["capabilities"] = mark("Please choose at least one capability.")
        return missing


class Invite(Input):
    email: EmailStr
    roles: list[Role] = []


class GiveRoles(Input):
    """Roles, and for each but the owner's the last day on which it holds, if it has one."""

    roles: list[Role] = []
    until_manager: date | None = None
    until_traffic: date | None = None
    until_sales: date | None = None
    until_delivery: date | None = None
    until_learner: date | None = None

    def wanted(self) -> dict[Role, datetime | None]:
        """Role → the end of its last day in China."""
        days = {role: getattr(self, f"until_{role}", None) for role in self.roles}
        return {
            role: datetime.combine(day + timedelta(days=1), time(), CHINA).astimezone(UTC) if day else None
            for role, day in days.items()
        }


class EditStorefront(Input):
    headline: Annotated[str, Field(min_length=1, max_length=120)]
    about: Annotated[str, Field(max_length=500)] = ""
    modes: Annotated[list[str], Field(min_length=1, max_length=6), AfterValidator(known("modes"))]
    fee_model: Annotated[str, Field(min_length=1, max_length=20)]
    price_low: Annotated[int, Field(ge=0, le=100_000_000)]
    price_high: Annotated[int, Field(ge=0, le=100_000_000)]
    exclusions: Annotated[str, Field(min_length=1, max_length=500)]
    languages: Annotated[list[str], Field(min_length=1, max_length=5), AfterValidator(known("languages"))]
    remote: bool = False
    accepting: bool = False
    capacity: Annotated[int, Field(ge=0, le=1000)]
    min_budget: Annotated[int | None, Field(ge=0, le=100_000_000)] = None
    refused_industries: Annotated[list[str], Field(max_length=16), AfterValidator(known("any_industry"))] = []

    @model_validator(mode="before")
    @classmethod
    def lists(cls, data: dict) -> dict:
        return {"modes": [], "languages": [], **data}

    @model_validator(mode="after")
    def order(self) -> "EditStorefront":
        if self.price_high < self.price_low:
            raise Wrong(mark("The upper price is below the lower one."))
        return self
