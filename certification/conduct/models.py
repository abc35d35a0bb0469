"""Complaints against organisations, and sanctions that two people decide on."""

from datetime import datetime

from sqlalchemy import Text
from sqlmodel import Field, SQLModel

from certification.conduct.rules import Kind, Measure, Origin, SanctionStatus, Status
from certification.standing.rules import Family
from portal.columns import enum_field, text_enum


class Complaint(SQLModel, table=True):
    """Nothing of it counts, or is seen by anybody but staff and the organisation, before it is confirmed."""

    id: int | None = Field(default=None, primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    kind: Kind = enum_field(Kind)
    origin: Origin = enum_field(Origin)
    complainant: str = Field(default="", max_length=120)  # for staff alone
    text: str = Field(sa_type=Text)
    file_id: int | None = Field(default=None, foreign_key="stored_file.id")
    status: Status = enum_field(Status, default=Status.ASKED, index=True)
    opened_at: datetime
    opened_by: int = Field(foreign_key="person.id")
    answer_until: datetime
    answer: str = Field(default="", sa_type=Text)
    answered_at: datetime | None = None
    answered_by: int | None = Field(default=None, foreign_key="person.id")
    decided_at: datetime | None = None  # proposed to be upheld, or dismissed
    decided_by: int | None = Field(default=None, foreign_key="person.id")
    reason: str = Field(default="", max_length=1000)
    confirmed_at: datetime | None = None
    confirmed_by: int | None = Field(default=None, foreign_key="person.id")
    remedied_at: datetime | None = None
    remedied_by: int | None = Field(default=None, foreign_key="person.id")
    remedy: str = Field(default="", max_length=1000)
    appealed_at: datetime | None = None
    appealed_by: int | None = Field(default=None, foreign_key="person.id")
    appeal: str = Field(default="", sa_type=Text)
    appeal_until: datetime | None = None  # by when it is to be decided
    appeal_decided_at: datetime | None = None
    appeal_decided_by: int | None = Field(default=None, foreign_key="person.id")
    appeal_reason: str = Field(default="", max_length=1000)
    revision: int = 1


class Sanction(SQLModel, table=True):
    """A measure against an organisation or one of its levels: proposed by one, confirmed by another, or kept as refused."""

    id: int | None = Field(default=None, primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    measure: Measure = enum_field(Measure)
    family: Family | None = Field(default=None, sa_type=text_enum(Family))  # of a level
    stars: int | None = None  # of the level at that time
    reason_class: str = Field(max_length=40)
    reason: str = Field(max_length=1000)  # what the owner reads when it takes effect
    status: SanctionStatus = enum_field(SanctionStatus, default=SanctionStatus.PROPOSED, index=True)
    proposed_at: datetime
    proposed_by: int = Field(foreign_key="person.id")
    lapses_at: datetime | None = Field(default=None, index=True)  # when it works at once
    decided_at: datetime | None = None
    decided_by: int | None = Field(default=None, foreign_key="person.id")
    word: str = Field(default="", max_length=1000)  # of whoever confirmed or rejected
    appealed_at: datetime | None = None
    appealed_by: int | None = Field(default=None, foreign_key="person.id")
    appeal: str = Field(default="", sa_type=Text)
    appeal_until: datetime | None = None
    appeal_decided_at: datetime | None = None
    appeal_decided_by: int | None = Field(default=None, foreign_key="person.id")
    appeal_reason: str = Field(default="", max_length=1000)
    revision: int = 1
