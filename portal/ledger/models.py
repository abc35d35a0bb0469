"""Facts about organisations and people: append-only, dated twice, retracted but never removed."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from portal.columns import json_field


class Fact(SQLModel, table=True):
    __table_args__ = (
        Index("ix_fact_organisation_kind", "organisation_id", "kind"),
        Index("ix_fact_person_kind", "person_id", "kind"),
    )
    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(max_length=40)  # see `portal.ledger.rules.FactKind`
    organisation_id: int | None = Field(default=None, foreign_key="organisation.id")
    person_id: int | None = Field(default=None, foreign_key="person.id")
    value: dict[str, Any] = json_field(dict)
    true_from: datetime
    true_until: datetime | None = None  # open when None
    end_recorded_at: datetime | None = (
        None  # when an end was written down that the fact was not recorded with
    )
    until_before: datetime | None = None  # the end that was known before that
    recorded_at: datetime
    source_kind: str = Field(max_length=40)
    source_id: int
    recorded_by: int | None = Field(default=None, foreign_key="person.id")
    retracted_at: datetime | None = None
    retraction_reason: str = Field(default="", max_length=500)


class LedgerChange(SQLModel, table=True):
    """Something was written about an organisation or somebody who works there; what follows is not yet computed.

    A row a change, never one an organisation: a change that commits while an older one is worked off keeps its own.
    """

    __tablename__ = "ledger_change"
    id: int | None = Field(default=None, primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    at: datetime
