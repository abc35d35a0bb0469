"""Lessons with a history: what was published is never changed."""

from datetime import datetime

from sqlalchemy import Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from portal.columns import enum_field, json_field
from training.lessons.rules import Status


class LessonVersion(SQLModel, table=True):
    __tablename__ = "lesson_version"
    __table_args__ = (UniqueConstraint("module", "number"),)
    id: int | None = Field(default=None, primary_key=True)
    module: str = Field(max_length=20)  # "TRK-01/1"
    number: int | None = None  # once published; `ModuleProgress.version` names it
    status: Status = enum_field(Status, index=True)
    zh: str = Field(sa_type=Text)  # the whole file in each language
    en: str = Field(sa_type=Text)
    digest: str = Field(max_length=64)  # of both texts
    changed: dict[str, str] = json_field(dict)  # language → what changed since the version before
    shipped: int | None = (
        None  # the version in the shipped file's front matter, for what came with the portal
    )
    revision: int = 1  # of a draft: counts its changes
    writers: list[int] = json_field(list)  # everybody who wrote in it
    written_by: int | None = Field(default=None, foreign_key="person.id")  # who did last
    written_at: datetime
    published_by: int | None = Field(default=None, foreign_key="person.id")
    published_at: datetime | None = None
    reason: str = Field(default="", max_length=500)  # why it was sent back last
