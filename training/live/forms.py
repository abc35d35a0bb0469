"""Plan a session, cancel it, mark attendance."""

import re
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from portal.refusal import mark
from portal.web.forms import Input, Wrong, china_time
from training.live.rules import MOST_HOURS, MOST_SEATS

Moment = Annotated[datetime, BeforeValidator(china_time)]
LONGEST = timedelta(hours=MOST_HOURS)


class Plan(Input):
    """The context names the "subjects" (tracks and modules) and "now"."""

    title_zh: Annotated[str, Field(min_length=1, max_length=120)]
    title_en: Annotated[str, Field(min_length=1, max_length=120)]
    about_zh: Annotated[str, Field(max_length=1000)] = ""
    about_en: Annotated[str, Field(max_length=1000)] = ""
    subject: Annotated[str, Field(max_length=20)] = ""
    hours: Annotated[float, Field(gt=0, le=MOST_HOURS, allow_inf_nan=False)]
    starts_at: Moment
    ends_at: Moment
    closes_at: Moment
    place: Annotated[str, Field(max_length=200)] = ""
    link: Annotated[str, Field(max_length=500)] = ""
    capacity: Annotated[int, Field(ge=1, le=MOST_SEATS)]

    @field_validator("subject")
    @classmethod
    def _known(cls, subject: str, info: ValidationInfo) -> str:
        if subject and subject not in (info.context or {})["subjects"]:
            raise Wrong(mark("Please choose from the list."))
        return subject

    @field_validator("link")
    @classmethod
    def _address(cls, link: str) -> str:
        if not re.fullmatch(r"https?://\S+", link):
            raise Wrong(mark("Please write a web address, such as https://example.com."))
        return link

    @field_validator("starts_at")
    @classmethod
    def _ahead(cls, at: datetime, info: ValidationInfo) -> datetime:
        if at <= (info.context or {})["now"]:
            raise Wrong(mark("This time is past. Choose a later one."))
        return at

    def wrong(self) -> dict[str, str]:
        """What several fields say together: field → catalogue key."""
        found = {}
        if not timedelta() < self.ends_at - self.starts_at <= LONGEST:
            found["ends_at"] = mark("The end lies after the start, within a day.")
        if self.closes_at > self.starts_at:
            found["closes_at"] = mark("People sign up until the start at the latest.")
        if not self.place and not self.link:
            found["place"] = mark("Say where: a place, a link, or both.")
        return found


class Reason(Input):
    reason: Annotated[str, Field(min_length=1, max_length=300)]
