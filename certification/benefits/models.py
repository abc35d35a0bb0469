"""What an organisation was granted, and the account of it: lines that are only ever added."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from certification.benefits.rules import Entry
from portal.columns import enum_field


class BenefitGrant(SQLModel, table=True):
    """One benefit of an organisation in one period. `taken` of `amount` is the sum of its account, kept beside it."""

    __tablename__ = "benefit_grant"
    __table_args__ = (
        UniqueConstraint("organisation_id", "key", "period"),
        CheckConstraint("taken >= 0 AND taken <= amount", name="balance"),
    )
    id: int | None = Field(default=None, primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    key: str = Field(max_length=40)
    period: str = Field(default="", max_length=20)  # 2026 | S2026 | …+ for what was deferred; "" while held
    entitled: int = 0  # what the stars bring
    amount: int = 0  # what there is: never less than what is taken
    taken: int = 0  # booked, used, deferred or expired
    value: str = Field(default="", max_length=60)  # of what holds by itself
    stars: int
    version: str = Field(max_length=20)  # of the programme
    starts_at: datetime
    ends_at: datetime | None = Field(default=None, index=True)
    frozen_at: datetime | None = None  # nothing can be booked
    closed_at: datetime | None = Field(default=None, index=True)  # the period is over
    deferred_from_id: int | None = Field(default=None, foreign_key="benefit_grant.id")

    @property
    def left(self) -> int:
        return self.amount - self.taken


class BenefitUse(SQLModel, table=True):
    """A line of the account. The sum of `change` is what is left of the grant."""

    __tablename__ = "benefit_use"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity"),)
    id: int | None = Field(default=None, primary_key=True)
    grant_id: int = Field(foreign_key="benefit_grant.id", index=True)
    booking_id: int | None = Field(default=None, foreign_key="benefit_use.id", index=True)
    entry: Entry = enum_field(Entry, index=True)
    quantity: int
    change: int  # of what is left
    what: str = Field(default="", max_length=200)
    wanted_on: date | None = None
    reason: str = Field(default="", max_length=500)
    at: datetime
    by: int | None = Field(default=None, foreign_key="person.id")
