"""The level that an organisation holds, and its applications for one."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from certification.standing.rules import Family, LevelStatus
from portal.columns import enum_field, json_field


class Level(SQLModel, table=True):
    """3★ and above, held by decision; one row an organisation and family."""

    __table_args__ = (UniqueConstraint("organisation_id", "family"),)
    id: int | None = Field(default=None, primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    family: Family = enum_field(Family)
    stars: int = Field(index=True)
    status: LevelStatus = enum_field(LevelStatus, default=LevelStatus.ACTIVE, index=True)
    score: float = 0.0  # of 100, at the last computation
    awarded_at: datetime
    valid_until: datetime
    status_since: datetime
    status_until: datetime | None = None  # when the running clock ends
    clocks: list[dict[str, str]] = json_field(list)  # what is not met: {key, since, until}
    look_at: datetime | None = Field(default=None, index=True)  # when time alone can next change something
    reminded_d: int | None = None  # days before the end at which its owners were told last
    reason: str = Field(default="", max_length=500)
    revision: int = 1


class Application(SQLModel, table=True):
    """An owner asks for a level; staff decide on it at the review desk."""

    __tablename__ = "level_application"
    id: int | None = Field(default=None, primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    family: Family = enum_field(Family)
    stars: int
    statement: str = Field(default="", max_length=1000)
    tree: dict[str, Any] = json_field()  # the reason tree at the time of asking
    applied_at: datetime
    applied_by: int = Field(foreign_key="person.id")
