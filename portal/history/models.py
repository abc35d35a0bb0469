"""One append-only row for every change that matters: who, what, from, to, why."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from portal.columns import json_field


class History(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(index=True)
    actor_id: int | None = Field(default=None, foreign_key="person.id", index=True)  # None: the portal itself
    subject_kind: str = Field(max_length=40, index=True)
    subject_id: int = Field(index=True)
    organisation_id: int | None = Field(default=None, foreign_key="organisation.id", index=True)
    verb: str = Field(max_length=60)
    before: dict[str, Any] | None = json_field(default=None, nullable=True)
    after: dict[str, Any] | None = json_field(default=None, nullable=True)
    reason: str = Field(default="", max_length=2000)
