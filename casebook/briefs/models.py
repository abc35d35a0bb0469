"""Briefs and introductions."""

from datetime import date, datetime

from sqlalchemy import Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from casebook.briefs.rules import BriefStatus, IntroductionStatus
from portal.columns import enum_field, json_field


class Brief(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    number: str = Field(max_length=20, unique=True)  # its address: B-2026-0092
    organisation_id: int = Field(foreign_key="organisation.id", index=True)  # the brand
    once: str = Field(max_length=32, unique=True)
    title: str = Field(default="", max_length=80)
    need: str = Field(default="", sa_type=Text)
    industry: str = Field(default="", max_length=40, index=True)  # a leaf; taxonomy keys, as are the next
    must_have: list[str] = json_field(list)
    wished: list[str] = json_field(list)
    stage: str = Field(default="", max_length=40)
    scale: str = Field(default="", max_length=40)
    segment: str = Field(default="smb", max_length=20)  # smb | growth | ka
    budget_low: int | None = None  # CNY a month
    budget_high: int | None = None
    province: str = Field(default="", max_length=40)
    on_site: bool = False
    languages: list[str] = json_field(list)
    start_by: date | None = None
    systems: list[dict[str, str]] = json_field(list)  # {"area", "name"} each
    no_systems: bool = False
    blocked: list[int] = json_field(list)  # organisations the brand does not want
    contact_name: str = Field(default="", max_length=80)  # these three are shown once both have accepted
    contact_phone: str = Field(default="", max_length=40)
    contact_email: str = Field(default="", max_length=254)
    status: BriefStatus = enum_field(BriefStatus, default=BriefStatus.DRAFT, index=True)
    revision: int = 1
    created_at: datetime
    created_by: int = Field(foreign_key="person.id")
    responsible_id: int | None = Field(
        default=None, foreign_key="person.id", index=True
    )  # who wrote it at first; can be handed over
    opened_at: datetime | None = None
    matched_at: datetime | None = Field(default=None, index=True)  # when candidates were last looked for
    due_at: datetime | None = Field(default=None, index=True)  # when the brand's turn ends, if it is
    seed: str = Field(default="", max_length=32)  # draws the order in which the five are shown
    programme_version: str = Field(default="", max_length=20)  # whose weights and gates were used
    kth_score: float | None = None  # the score of the last place by merit
    passed: int = 0  # candidates that passed every filter
    decided_at: datetime | None = None
    winner_id: int | None = Field(default=None, foreign_key="organisation.id")
    reason_code: str = Field(default="", max_length=40)
    reason: str = Field(default="", max_length=1000)
    closed_at: datetime | None = None
    outcome: str = Field(default="", max_length=1000)


class Introduction(SQLModel, table=True):
    __table_args__ = (UniqueConstraint("brief_id", "organisation_id"),)
    id: int | None = Field(default=None, primary_key=True)
    brief_id: int = Field(foreign_key="brief.id", index=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    status: IntroductionStatus = enum_field(
        IntroductionStatus, default=IntroductionStatus.OFFERED, index=True
    )
    revision: int = 1
    responsible_id: int | None = Field(
        default=None, foreign_key="person.id", index=True
    )  # who said yes at first
    offered_at: datetime
    expires_at: datetime = Field(index=True)
    answered_at: datetime | None = None
    reason_code: str = Field(default="", max_length=40)  # why declined or lost
    note: str = Field(default="", max_length=1000)  # of the provider, with the answer
    contact_name: str = Field(default="", max_length=80)  # the provider's; shown once both have accepted
    contact_phone: str = Field(default="", max_length=40)
    contact_email: str = Field(default="", max_length=254)
    opened_at: datetime | None = None  # the brand accepted
    met_at: datetime | None = None
    proposed_at: datetime | None = None
    ended_at: datetime | None = None
