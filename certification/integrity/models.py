"""Files of sittings with a signal, and how often a paper was left."""

from datetime import datetime
from typing import Any

from sqlalchemy import Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from certification.integrity.rules import Decision, FileStatus, Kind
from portal.columns import enum_field, json_field


class IntegrityFile(SQLModel, table=True):
    """One of a kind a sitting. It changes no score, level or visibility by itself."""

    __tablename__ = "integrity_file"
    __table_args__ = (UniqueConstraint("sitting_id", "kind"),)
    id: int | None = Field(default=None, primary_key=True)
    sitting_id: int = Field(foreign_key="sitting.id", index=True)
    kind: Kind = enum_field(Kind)
    figures: dict[str, Any] = json_field()  # as certification.integrity.signals gives them
    status: FileStatus = enum_field(FileStatus, default=FileStatus.OPEN, index=True)
    opened_at: datetime
    proposed_by: int | None = Field(default=None, foreign_key="person.id")
    proposed_at: datetime | None = None
    proposal: str = Field(default="", max_length=500)
    answer_until: datetime | None = None
    statement: str = Field(default="", sa_type=Text)  # the candidate's
    stated_at: datetime | None = None
    decision: Decision = enum_field(Decision, default=Decision.NONE)
    decided_by: int | None = Field(default=None, foreign_key="person.id")
    decided_at: datetime | None = None
    reason: str = Field(default="", max_length=500)


class SittingAway(SQLModel, table=True):
    """How often and how long the page of a running paper was not in front."""

    __tablename__ = "sitting_away"
    sitting_id: int = Field(primary_key=True, foreign_key="sitting.id")
    times: int = 0
    seconds: int = 0
