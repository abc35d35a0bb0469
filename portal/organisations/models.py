"""Organisations and who works for them."""

from datetime import date, datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from portal.columns import enum_field, json_field
from portal.organisations.rules import EmploymentStatus, Ending, Kind, Role, Trust


class Organisation(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    kind: Kind = enum_field(Kind, index=True)
    slug: str = Field(max_length=60, unique=True)  # its public address
    legal_name: str = Field(max_length=120)
    short_name: str = Field(max_length=40)
    credit_code: str = Field(max_length=18, unique=True)
    trust: Trust = enum_field(Trust, default=Trust.PROVISIONAL, index=True)
    trust_reason: str = Field(default="", max_length=500)
    directions: list[str] = json_field(list)  # keys of the programme's taxonomy, as are the next two
    industries: list[str] = json_field(list)
    capabilities: list[str] = json_field(list)
    province: str = Field(default="", max_length=40)
    city: str = Field(default="", max_length=40)
    website: str = Field(default="", max_length=200)
    about: str = Field(default="", max_length=500)
    parent_id: int | None = Field(default=None, foreign_key="organisation.id")
    stars: int = 0  # 2 in training, 3 to 5 of the highest public level; written where levels move
    created_at: datetime
    verified_at: datetime | None = None
    returned_at: datetime | None = None  # came back after it had left; the days to verify count from here
    is_demo: bool = False
    revision: int = 1


class Employment(SQLModel, table=True):
    """A person works for an organisation while the link is confirmed by both; one at a time."""

    __table_args__ = (
        Index(
            "uq_employment_confirmed_person",
            "person_id",
            unique=True,
            sqlite_where=text("status = 'confirmed'"),
            postgresql_where=text("status = 'confirmed'"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    person_id: int | None = Field(
        default=None, foreign_key="person.id", index=True
    )  # None while invited by address
    email: str = Field(max_length=254)
    status: EmploymentStatus = enum_field(EmploymentStatus, default=EmploymentStatus.INVITED)
    token_hash: str | None = Field(default=None, max_length=64, unique=True)
    invited_at: datetime
    expires_at: datetime | None = None
    confirmed_at: datetime | None = None
    ended_at: datetime | None = None
    ending: Ending | None = enum_field(Ending, default=None, nullable=True)


class EmploymentRole(SQLModel, table=True):
    """What somebody does in the organisation, for a time; earlier roles stay as rows."""

    __tablename__ = "employment_role"
    id: int | None = Field(default=None, primary_key=True)
    employment_id: int = Field(foreign_key="employment.id", index=True)
    role: Role = enum_field(Role)
    since: datetime
    until: datetime | None = None  # open when None
    given_by: int | None = Field(default=None, foreign_key="person.id")


class Storefront(SQLModel, table=True):
    """What a provider offers and at what price; mandatory before it is listed."""

    organisation_id: int = Field(foreign_key="organisation.id", primary_key=True)
    headline: str = Field(default="", max_length=120)
    modes: list[str] = json_field(list)
    fee_model: str = Field(default="", max_length=20)  # monthly | project | commission | subscription
    price_low: int | None = None  # CNY a month, or a project
    price_high: int | None = None
    exclusions: str = Field(default="", max_length=500)  # what the price does not hold
    remote: bool = True
    languages: list[str] = json_field(list)
    capacity: int = 0  # further clients it can take now
    capacity_confirmed_at: datetime | None = None
    min_budget: int | None = None  # CNY; smaller briefs are refused
    refused_industries: list[str] = json_field(list)
    accepting: bool = True
    nationwide: bool = False
    coverage: list[str] = json_field(list)  # provinces where it works on site, when not nationwide
    service_days: list[str] = json_field(list)  # keys of `rules.DAYS`
    service_from: str = Field(default="", max_length=5)  # 09:00, time of China
    service_until: str = Field(default="", max_length=5)
    conflicts: list[dict[str, str]] = json_field(
        list
    )  # {"client", "industry"}: who may not be served beside whom
    can_start: date | None = None
    capacity_reminded_at: datetime | None = None
    revision: int = 1
