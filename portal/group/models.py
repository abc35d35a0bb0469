"""Links between a parent and its subsidiary, each confirmed by both sides."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from portal.columns import enum_field
from portal.group.rules import LinkStatus

CONFIRMED, ASKED = text("status = 'confirmed'"), text("status = 'asked'")


class OrganisationLink(SQLModel, table=True):
    """`Organisation.parent_id` says the same of confirmed links, for those who read many at once."""

    __tablename__ = "organisation_link"
    __table_args__ = (
        Index(
            "uq_organisation_link_parent",
            "child_id",
            unique=True,
            sqlite_where=CONFIRMED,
            postgresql_where=CONFIRMED,
        ),
        Index(
            "uq_organisation_link_asked",
            "child_id",
            "parent_id",
            unique=True,
            sqlite_where=ASKED,
            postgresql_where=ASKED,
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    child_id: int = Field(foreign_key="organisation.id", index=True)
    parent_id: int = Field(foreign_key="organisation.id", index=True)
    asked_by_id: int = Field(foreign_key="organisation.id")  # one of the two
    status: LinkStatus = enum_field(LinkStatus, default=LinkStatus.ASKED)
    asked_at: datetime
    answered_at: datetime | None = None
    ended_at: datetime | None = None
