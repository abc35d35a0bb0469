"""Mergers: proposed, answered, and which rows they moved."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from portal.columns import enum_field, json_field
from portal.mergers.rules import MergerStatus

PROPOSED, CONFIRMED = text("status = 'proposed'"), text("status = 'confirmed'")


class Merger(SQLModel, table=True):
    """`from_id` goes into `into_id`. A closed organisation with a confirmed merger lives on there."""

    __table_args__ = (
        Index(
            "uq_merger_proposed",
            "from_id",
            unique=True,
            sqlite_where=PROPOSED,
            postgresql_where=PROPOSED,
        ),
        Index(
            "uq_merger_confirmed",
            "from_id",
            unique=True,
            sqlite_where=CONFIRMED,
            postgresql_where=CONFIRMED,
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    from_id: int = Field(foreign_key="organisation.id", index=True)
    into_id: int = Field(foreign_key="organisation.id", index=True)
    status: MergerStatus = enum_field(MergerStatus, default=MergerStatus.PROPOSED)
    reason: str = Field(max_length=500)
    by_staff: bool = False
    proposed_at: datetime
    proposed_by: int | None = Field(default=None, foreign_key="person.id")  # None: the portal itself
    expires_at: datetime
    answered_at: datetime | None = None
    answered_by: int | None = Field(default=None, foreign_key="person.id")
    moved: dict[str, list[int]] = json_field(dict)  # table → ids: where each thing came from stays known
