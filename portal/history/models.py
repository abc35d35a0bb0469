"""One append-only row for every change that matters, each chained to the one before; and where the chain ends."""

from datetime import date, datetime
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
    # Names and addresses of people: only their salted digest is chained, so that they can be erased later.
    personal: dict[str, Any] | None = json_field(default=None, nullable=True)
    salt: str | None = Field(default=None, max_length=32)
    personal_digest: str | None = Field(default=None, max_length=64)
    # Set once, just before the commit; a database trigger refuses every later change.
    seq: int | None = Field(default=None, index=True, unique=True)
    previous: str | None = Field(default=None, max_length=64)
    hash: str | None = Field(default=None, max_length=64)


class HistoryEnd(SQLModel, table=True):
    """The one row that says where the chain ends: locked while rows are added."""

    __tablename__ = "history_end"
    id: int = Field(default=1, primary_key=True)
    seq: int
    hash: str = Field(max_length=64)


class HistoryHead(SQLModel, table=True):
    """Where the chain ended on a day in China, to be kept elsewhere too."""

    __tablename__ = "history_head"
    day: date = Field(primary_key=True)
    seq: int
    hash: str = Field(max_length=64)
    at: datetime
    exported_at: datetime | None = None
