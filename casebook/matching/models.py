"""Who was shown for a brief, who was not, and the ledger of exposure."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from portal.columns import json_field


class ShortlistItem(SQLModel, table=True):
    """A provider that was shown: a line of the exposure ledger."""

    __tablename__ = "shortlist_item"
    __table_args__ = (UniqueConstraint("brief_id", "organisation_id"), UniqueConstraint("brief_id", "place"))
    id: int | None = Field(default=None, primary_key=True)
    brief_id: int = Field(foreign_key="brief.id")
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    place: int
    kind: str = Field(max_length=10)  # merit | fair
    score: float
    parts: list[dict[str, Any]] = json_field(list)  # {"key", "weight", "points", "words"} each
    weights_version: str = Field(max_length=20)
    shown_at: datetime


class NotShown(SQLModel, table=True):
    """A provider of the brief's industry, or one that passed the filters, that was not shown, and why."""

    __tablename__ = "brief_not_shown"
    __table_args__ = (UniqueConstraint("brief_id", "organisation_id"),)
    id: int | None = Field(default=None, primary_key=True)
    brief_id: int = Field(foreign_key="brief.id")
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    reason: str = Field(max_length=40)  # a filter's name, or `outscored`
    score: float | None = None
    gap: dict[str, Any] = json_field(dict)  # {"missing", "rooms": [[part, points], …], "alone"}


class MatchLedger(SQLModel, table=True):
    """What a lottery among the qualified would have given a provider, and what it was given.

    Both in units of the epoch: an introduction at a later time counts as more of them, which is how old ones
    fade without a row being touched.
    """

    __tablename__ = "match_ledger"
    organisation_id: int = Field(foreign_key="organisation.id", primary_key=True)
    share: float = 0.0
    intro: float = 0.0


class MatchEpoch(SQLModel, table=True):
    """One row. Who holds its lock decides and writes a shortlist; nobody else does meanwhile."""

    __tablename__ = "match_epoch"
    id: int = Field(default=1, primary_key=True)
    began_at: datetime
