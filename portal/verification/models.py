"""What an owner handed in to be verified, and what the portal found by itself."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from portal.columns import enum_field, json_field
from portal.verification.rules import Verdict


class Verification(SQLModel, table=True):
    """One an organisation; `round` counts how often something was handed in."""

    id: int | None = Field(default=None, primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id", unique=True)
    licence_id: int = Field(foreign_key="stored_file.id")
    representative: str = Field(max_length=80)
    note: str = Field(default="", max_length=500)
    handed_in_at: datetime
    handed_in_by: int = Field(foreign_key="person.id")
    round: int = 1
    checks_due_at: datetime | None = Field(default=None, index=True)  # None: nothing is left to check
    check_attempts: int = 0


class VerificationAnswer(SQLModel, table=True):
    """What was handed in on one item in one round: the licence, or an answer to what was asked."""

    __tablename__ = "verification_answer"
    __table_args__ = (UniqueConstraint("verification_id", "round", "item"),)
    id: int | None = Field(default=None, primary_key=True)
    verification_id: int = Field(foreign_key="verification.id", index=True)
    round: int
    item: str = Field(max_length=40)  # "licence", or the key of an item of the rubric
    text: str = Field(default="", max_length=2000)
    file_id: int | None = Field(default=None, foreign_key="stored_file.id")
    by: int = Field(foreign_key="person.id")
    at: datetime


class VerificationCheck(SQLModel, table=True):
    """One automatic check of one round: what was compared and how it went."""

    __tablename__ = "verification_check"
    __table_args__ = (UniqueConstraint("verification_id", "round", "key"),)
    id: int | None = Field(default=None, primary_key=True)
    verification_id: int = Field(foreign_key="verification.id", index=True)
    round: int
    key: str = Field(max_length=40)
    verdict: Verdict = enum_field(Verdict)
    detail: dict[str, Any] = json_field(dict)
    at: datetime


class VerificationReminder(SQLModel, table=True):
    """A reminder that was sent: each once."""

    __tablename__ = "verification_reminder"
    organisation_id: int = Field(foreign_key="organisation.id", primary_key=True)
    days: int = Field(primary_key=True)  # before the freeze
    sent_at: datetime
