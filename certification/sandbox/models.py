"""Drafts of the rules, and what trying them on all organisations showed."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from certification.sandbox.rules import BacktestStatus, DraftStatus, Outcome
from certification.standing.rules import Family
from portal.columns import enum_field, json_field


class ProgrammeDraft(SQLModel, table=True):
    """A programme file on its way: the text as typed, so that comments stay."""

    __tablename__ = "programme_draft"
    id: int | None = Field(default=None, primary_key=True)
    base_id: int = Field(foreign_key="programme_version.id")  # what it was begun from
    text: str = Field(sa_type=Text)
    status: DraftStatus = enum_field(DraftStatus, default=DraftStatus.DRAFT, index=True)
    revision: int = 1
    reason: str = Field(default="", max_length=500)
    effective_on: date | None = None
    opened_by: int = Field(foreign_key="person.id")
    opened_at: datetime
    saved_at: datetime
    submitted_by: int | None = Field(default=None, foreign_key="person.id")
    decided_by: int | None = Field(default=None, foreign_key="person.id")  # published or withdrew it
    decided_at: datetime | None = None
    version_id: int | None = Field(default=None, foreign_key="programme_version.id")  # as published


class Backtest(SQLModel, table=True):
    """A draft beside the version in force, over all providers. Work goes on after `last_id`; a line is written once."""

    id: int | None = Field(default=None, primary_key=True)
    draft_id: int = Field(foreign_key="programme_draft.id", index=True)
    digest: str = Field(max_length=64)  # of exactly this text
    content: dict[str, Any] = json_field()  # the draft's rules
    version_id: int = Field(foreign_key="programme_version.id")  # in force
    status: BacktestStatus = enum_field(BacktestStatus, default=BacktestStatus.RUNNING, index=True)
    at: datetime  # what "today" is in it
    asked_by: int = Field(foreign_key="person.id")
    touched_at: datetime
    finished_at: datetime | None = None
    done: int = 0
    total: int = 0
    last_id: int = 0  # the last organisation computed
    result: dict[str, Any] = json_field(dict)
    told_id: int = 0  # the last line whose owners were told what is published
    told_at: datetime | None = None  # when all were


class BacktestLine(SQLModel, table=True):
    """One organisation in one family: its outcomes today, and everything at each moment in `moments`."""

    __tablename__ = "backtest_line"
    __table_args__ = (UniqueConstraint("backtest_id", "organisation_id", "family"),)
    id: int | None = Field(default=None, primary_key=True)
    backtest_id: int = Field(foreign_key="backtest.id")
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    family: Family = enum_field(Family)
    province: str = Field(default="", max_length=40)
    size: str = Field(default="", max_length=10)
    held: int = 0
    before: Outcome = enum_field(Outcome)
    after: Outcome = enum_field(Outcome)
    moves: bool = False  # the two versions part
    difference: float = 0.0  # of the score
    moments: list[dict[str, Any]] = json_field(list)
