"""Copies of one's data, and erasures."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from portal.columns import json_field


class PersonExport(SQLModel, table=True):
    __tablename__ = "person_export"
    __table_args__ = (
        Index(
            "uq_person_export_asked",
            "person_id",
            unique=True,
            sqlite_where=text("made_at IS NULL"),
            postgresql_where=text("made_at IS NULL"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    asked_at: datetime
    made_at: datetime | None = None
    expires_at: datetime | None = Field(default=None, index=True)
    file_id: int | None = Field(default=None, foreign_key="stored_file.id")  # None before and after


class Erasure(SQLModel, table=True):
    """Asked for, taken back, or carried out. Holds nothing personal."""

    __table_args__ = (
        Index(
            "uq_erasure_open",
            "person_id",
            unique=True,
            sqlite_where=text("withdrawn_at IS NULL"),
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    asked_at: datetime
    due_at: datetime = Field(index=True)
    revoke: bool = False  # their certificates, too
    withdrawn_at: datetime | None = None
    done_at: datetime | None = None
    areas: dict[str, int] = json_field(dict)  # "remove" | "empty" | "keep" → rows
