"""Domains that an organisation says are its own, and which of them it has proved."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from portal.columns import enum_field
from portal.domains.rules import Method

PROVED = text("proved_at IS NOT NULL AND lost_at IS NULL")


class OrganisationDomain(SQLModel, table=True):
    """Proved by one organisation alone; a proof that was lost is kept with its dates."""

    __tablename__ = "organisation_domain"
    __table_args__ = (
        UniqueConstraint("organisation_id", "domain"),
        Index(
            "uq_organisation_domain_proved",
            "domain",
            unique=True,
            sqlite_where=PROVED,
            postgresql_where=PROVED,
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    domain: str = Field(max_length=253, index=True)
    method: Method = enum_field(Method)
    token: str = Field(max_length=64)  # DNS: what the record holds. Mail: the hash of what the link holds
    mailbox: str = Field(default="", max_length=254)  # where the link was sent
    claimed_at: datetime
    expires_at: datetime | None = None  # of the mailed link
    due_at: datetime | None = Field(default=None, index=True)  # when the DNS is to be asked
    checked_at: datetime | None = None
    failed_at: datetime | None = None  # the first failed check since the last good one
    proved_at: datetime | None = None
    lost_at: datetime | None = None
