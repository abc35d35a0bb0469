"""The rules of the programme, as data with a history."""

from datetime import datetime
from typing import Any

from sqlalchemy import Text
from sqlmodel import Field, SQLModel

from portal.columns import json_field


class ProgrammeVersion(SQLModel, table=True):
    __tablename__ = "programme_version"
    id: int | None = Field(default=None, primary_key=True)
    version: str = Field(max_length=20, unique=True)
    effective_from: datetime = Field(index=True)
    published_at: datetime
    published_by: int | None = Field(default=None, foreign_key="person.id")
    second_by: int | None = Field(default=None, foreign_key="person.id")  # who read it and agreed
    reason: str = Field(default="", max_length=500)
    text: str = Field(default="", sa_type=Text)  # the file as typed, with its comments
    content: dict[str, Any] = json_field()
