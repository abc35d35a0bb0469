"""Fostering cohorts and who applied."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from portal.columns import enum_field, json_field
from portal.organisations.rules import Role
from training.cohorts.rules import Applied, Status
from training.tasks.rules import Audience


class Cohort(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name_zh: str = Field(max_length=80)
    name_en: str = Field(max_length=80)
    offer_zh: str = Field(default="", max_length=1000)
    offer_en: str = Field(default="", max_length=1000)
    tracks: list[str] = json_field(list)
    cap: int
    apply_from: datetime
    apply_until: datetime
    starts_at: datetime
    ends_at: datetime  # the end of a day in China, as the tasks' deadline
    status: Status = enum_field(Status, default=Status.PLANNED, index=True)
    made_at: datetime
    made_by: int = Field(foreign_key="person.id")
    chosen_at: datetime | None = None
    chosen_by: int | None = Field(default=None, foreign_key="person.id")
    revision: int = 1

    @property
    def name(self) -> dict[str, str]:
        return {"zh": self.name_zh, "en": self.name_en}

    @property
    def offer(self) -> dict[str, str]:
        return {"zh": self.offer_zh, "en": self.offer_en}


class CohortApplication(SQLModel, table=True):
    __tablename__ = "cohort_application"
    __table_args__ = (UniqueConstraint("cohort_id", "organisation_id"),)
    id: int | None = Field(default=None, primary_key=True)
    cohort_id: int = Field(foreign_key="cohort.id", index=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    status: Applied = enum_field(Applied, default=Applied.APPLIED, index=True)
    motivation: str = Field(max_length=300)
    audience: Audience = enum_field(Audience, default=Audience.EVERYBODY)  # who learns, as of a task
    role: Role | None = enum_field(Role, default=None, nullable=True)
    people: list[int] = json_field(list)
    applied_at: datetime
    applied_by: int = Field(foreign_key="person.id")
    parts: list[dict[str, Any]] = json_field(list)  # of the score, as it was when the cohort was chosen
    score: float | None = None
    place: int | None = None  # in the order by score, from 1
    reason: str = Field(default="", max_length=300)  # of an override, a refusal, a drop
    decided_at: datetime | None = None
    ended_at: datetime | None = None
    tasks: list[int] = json_field(list)  # that were set for it
