"""The rules of the programme, as data with a history."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from portal.columns import json_field


class ProgrammeVersion(SQLModel, table=True):
    __tablename__ = "programme_version"
    id: int | None = Field(default=None, primary_key=True)
    version: str = Field(max_length=20, unique=True)
    effective_from: datetime = Field(index=True)
    published_at: datetime
    published_by: int | None = Field(default=None, foreign_key="person.id")
    reason: str = Field(default="", max_length=500)
    content: dict[str, Any] = json_field()
