"""Make a cohort; apply; choose."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from portal.organisations.rules import Role
from portal.refusal import mark
from portal.web.forms import Input, Wrong, china_time
from training.tasks.rules import Audience, deadline

Moment = Annotated[datetime, BeforeValidator(china_time)]


class Make(Input):
    """The context names the "tracks"."""

    name_zh: Annotated[str, Field(min_length=1, max_length=80)]
    name_en: Annotated[str, Field(min_length=1, max_length=80)]
    offer_zh: Annotated[str, Field(max_length=1000)] = ""
    offer_en: Annotated[str, Field(max_length=1000)] = ""
    tracks: Annotated[list[str], Field(min_length=1)]
    cap: Annotated[int, Field(ge=1, le=500)]
    apply_from: Moment
    apply_until: Moment
    starts_on: date
    ends_on: date

    @field_validator("tracks")
    @classmethod
    def _known(cls, tracks: list[str], info: ValidationInfo) -> list[str]:
        if not set(tracks) <= set((info.context or {})["tracks"]):
            raise Wrong(mark("Please choose from the list."))
        return sorted(set(tracks))

    @field_validator("starts_on", "ends_on")
    @classmethod
    def _this_century(cls, day: date) -> date:
        if not 2000 <= day.year < 2100:
            raise Wrong(mark("Please write a date, such as 2026-11-30."))
        return day

    def wrong(self, now: datetime) -> dict[str, str]:
        """What several fields say together: field → catalogue key."""
        found = {}
        if self.apply_until <= max(now, self.apply_from):
            found["apply_until"] = mark("The time to apply ends after it begins, and not in the past.")
        if deadline(self.starts_on) < self.apply_until:
            found["starts_on"] = mark("The cohort starts after the time to apply.")
        if self.ends_on <= self.starts_on:
            found["ends_on"] = mark("The last day lies after the first.")
        return found

    def columns(self) -> dict[str, Any]:
        """As the table keeps them: days of China as moments in UTC."""
        fields = self.model_dump(exclude={"starts_on", "ends_on"})
        return fields | {
            "starts_at": deadline(date.fromordinal(self.starts_on.toordinal() - 1)),
            "ends_at": deadline(self.ends_on),
        }


class Apply(Input):
    """The context names the "people" (ids) who work there."""

    motivation: Annotated[str, Field(min_length=1, max_length=300)]
    audience: Audience
    role: Role | None = None
    people: list[int] = []

    @field_validator("people")
    @classmethod
    def _ours(cls, people: list[int], info: ValidationInfo) -> list[int]:
        if not set(people) <= set((info.context or {})["people"]):
            raise Wrong(mark("Please choose people who work here now."))
        return people

    def wrong(self) -> dict[str, str]:
        found = {}
        if self.audience is Audience.ROLE and self.role is None:
            found["role"] = mark("Choose the role.")
        if self.audience is Audience.PEOPLE and not self.people:
            found["people"] = mark("Choose one person at least.")
        return found


class Why(Input):
    reason: Annotated[str, Field(min_length=1, max_length=300)]


class Choose(Input):
    taken: list[int] = []
    reason: Annotated[str, Field(max_length=300)] = ""
