"""Nominations, jurors' scores, objections, and how far the awards of a season are."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from casebook.awards.rules import Round, Status
from portal.columns import enum_field, json_field


class Nomination(SQLModel, table=True):
    __tablename__ = "award_nomination"
    __table_args__ = (UniqueConstraint("season_id", "award", "organisation_id"),)
    id: int | None = Field(default=None, primary_key=True)
    season_id: int = Field(foreign_key="season.id", index=True)
    award: str = Field(max_length=40)  # its key in the programme
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    case_id: int | None = Field(default=None, foreign_key="case_study.id", index=True)
    statement: str = Field(default="", max_length=500)
    status: Status = enum_field(Status, default=Status.NOMINATED, index=True)
    nominated_at: datetime
    nominated_by: int = Field(foreign_key="person.id")
    checked_at: datetime | None = None
    checked_by: int | None = Field(default=None, foreign_key="person.id")
    reason: str = Field(default="", max_length=500)  # of the check, of dropping, of revoking
    parts: list[dict[str, Any]] = json_field(list)  # as they were when the short list was made
    performance: float | None = None
    conduct: float | None = None
    merit: float | None = None
    jury: float | None = None  # the median
    total: float | None = None
    place: int | None = None  # among those of the short list
    decided_at: datetime | None = None


class JurorScore(SQLModel, table=True):
    __tablename__ = "award_score"
    __table_args__ = (UniqueConstraint("nomination_id", "juror_id"),)
    id: int | None = Field(default=None, primary_key=True)
    nomination_id: int = Field(foreign_key="award_nomination.id", index=True)
    juror_id: int = Field(foreign_key="person.id")
    marks: dict[str, int] = json_field(dict)  # item of the rubric → 0–10
    points: float
    note: str = Field(default="", max_length=500)
    scored_at: datetime


class Objection(SQLModel, table=True):
    __tablename__ = "award_objection"
    id: int | None = Field(default=None, primary_key=True)
    nomination_id: int = Field(foreign_key="award_nomination.id", index=True)
    person_id: int = Field(foreign_key="person.id")
    text: str = Field(max_length=1000)
    made_at: datetime
    upheld: bool | None = None
    answer: str = Field(default="", max_length=1000)
    answered_at: datetime | None = None
    answered_by: int | None = Field(default=None, foreign_key="person.id")


class AwardRound(SQLModel, table=True):
    __tablename__ = "award_round"
    id: int | None = Field(default=None, primary_key=True)
    season_id: int = Field(foreign_key="season.id", unique=True)
    status: Round = enum_field(Round, default=Round.COLLECTING)
    shortlisted_at: datetime | None = None
    shortlisted_by: int | None = Field(default=None, foreign_key="person.id")
    proposed_at: datetime | None = None
    proposed_by: int | None = Field(default=None, foreign_key="person.id")
    published_at: datetime | None = None
    published_by: int | None = Field(default=None, foreign_key="person.id")
