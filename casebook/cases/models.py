"""A case, its outcomes, its evidence, and what the client said."""

from datetime import date, datetime

from sqlalchemy import Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from casebook.cases.rules import Kind, Status, Verdict
from portal.columns import enum_field, json_field


class Case(SQLModel, table=True):
    __tablename__ = "case_study"
    id: int | None = Field(default=None, primary_key=True)
    number: str = Field(max_length=24, unique=True)  # its public address: C-2026-0007
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    once: str = Field(max_length=32, unique=True)
    title: str = Field(max_length=120)
    client_name: str = Field(max_length=120)
    client_named: bool = False  # may the name be public?
    client_alias: str = Field(default="", max_length=80)  # shown while it may not
    industry: str = Field(
        default="", max_length=40, index=True
    )  # keys of the programme's taxonomy, as are the next four
    stage: str = Field(default="", max_length=40)
    archetype: str = Field(default="", max_length=40)
    capabilities: list[str] = json_field(list)
    channels: list[str] = json_field(list)
    period_from: date | None = None
    period_until: date | None = None
    before: str = Field(default="", sa_type=Text)  # what was there before
    systems: list[str] = json_field(list)
    failed_first: str = Field(default="", sa_type=Text)
    done: str = Field(default="", sa_type=Text)
    sop_version: str = Field(default="", max_length=40)
    status: Status = enum_field(Status, default=Status.DRAFT, index=True)
    revision: int = 1
    confirmation_id: int | None = (
        None  # the client's answer that stands; no foreign key, for the two name each other
    )
    created_by: int = Field(foreign_key="person.id")
    responsible_id: int | None = Field(
        default=None, foreign_key="person.id", index=True
    )  # who wrote it at first; can be handed over
    created_at: datetime
    submitted_at: datetime | None = None
    published_at: datetime | None = Field(default=None, index=True)


class Outcome(SQLModel, table=True):
    """A number that changed. Incomplete while the case is a draft."""

    __tablename__ = "case_outcome"
    __table_args__ = (UniqueConstraint("case_id", "nth"),)
    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="case_study.id", index=True)
    nth: int
    name: str = Field(default="", max_length=80)
    kind: Kind | None = enum_field(Kind, default=None, nullable=True)
    baseline: float | None = None
    value: float | None = None
    target: float | None = None
    unit: str = Field(default="", max_length=20)
    period_from: date | None = None
    period_until: date | None = None
    definition: str = Field(default="", max_length=500)
    source: str = Field(default="", max_length=200)
    verdict: Verdict | None = enum_field(Verdict, default=None, nullable=True)  # the client's
    attested_value: float | None = None  # the client's own number
    client_note: str = Field(default="", max_length=500)


class Evidence(SQLModel, table=True):
    """A file that shows a number; each opening is a row of history."""

    __tablename__ = "case_evidence"
    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="case_study.id", index=True)
    file_id: int = Field(foreign_key="stored_file.id")
    note: str = Field(default="", max_length=200)
    removed_at: datetime | None = None


class Confirmation(SQLModel, table=True):
    """A one-time link to the client's mailbox, and the answer that came by it."""

    __tablename__ = "case_confirmation"
    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="case_study.id", index=True)
    email: str = Field(max_length=254)
    token_hash: str = Field(max_length=64, unique=True)
    sent_at: datetime
    sent_by: int = Field(foreign_key="person.id")
    expires_at: datetime
    used_at: datetime | None = None
    name: str = Field(default="", max_length=80)
    role: str = Field(default="", max_length=80)
    rating: int | None = None  # 1 to 5
    comment: str = Field(default="", max_length=1000)
    renewed: bool | None = None  # None: too early to say
