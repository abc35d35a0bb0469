"""Set a task, say that it is done, move its deadline."""

from datetime import date
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from portal.organisations.rules import Role
from portal.refusal import mark
from portal.web.forms import Input, Wrong
from training.tasks.rules import LONGEST, Audience, TaskKind


def _ahead(day: date, info: ValidationInfo) -> date:
    """Within a year from today in China (the context's "today")."""
    today: date = (info.context or {})["today"]
    if day < today:
        raise Wrong(mark("This day is past. Choose today or a later one."))
    if day > today + LONGEST:
        raise Wrong(mark("A deadline lies within a year."))
    return day


class SetTask(Input):
    """The context names "today", the "subjects" that may be asked, and the "people" (ids) who work there."""

    what: Annotated[str, Field(min_length=1, max_length=40)]
    title: Annotated[str, Field(max_length=120)] = ""
    done_when: Annotated[str, Field(max_length=300)] = ""
    note: Annotated[str, Field(max_length=500)] = ""
    due: date
    mandatory: bool = False
    audience: Audience
    role: Role | None = None
    people: list[int] = []

    _due = field_validator("due")(_ahead)

    @field_validator("what")
    @classmethod
    def _known(cls, what: str, info: ValidationInfo) -> str:
        if what not in (info.context or {})["subjects"]:
            raise Wrong(mark("Please choose from the list."))
        return what

    @property
    def kind(self) -> TaskKind:
        return TaskKind(self.what.partition(":")[0])

    @property
    def subject(self) -> str:
        return self.what.partition(":")[2]

    @field_validator("people")
    @classmethod
    def _ours(cls, people: list[int], info: ValidationInfo) -> list[int]:
        if not set(people) <= set((info.context or {})["people"]):
            raise Wrong(mark("Please choose people who work here now."))
        return people

    def wrong(self) -> dict[str, str]:
        """What several fields say together: field → catalogue key."""
        found = {}
        if self.kind is TaskKind.FREE and not self.title:
            found["title"] = mark("Say in a few words what is to be done.")
        if self.kind is TaskKind.FREE and not self.done_when:
            found["done_when"] = mark("Say how you will see that it is done.")
        if self.audience is Audience.ROLE and self.role is None:
            found["role"] = mark("Choose the role.")
        if self.audience is Audience.PEOPLE and not self.people:
            found["people"] = mark("Choose one person at least.")
        return found


class SayDone(Input):
    said: Annotated[str, Field(min_length=1, max_length=500)]


class SendBack(Input):
    answer: Annotated[str, Field(min_length=1, max_length=300)]


class Extend(Input):
    due: date
    reason: Annotated[str, Field(min_length=1, max_length=300)]

    _due = field_validator("due")(_ahead)
