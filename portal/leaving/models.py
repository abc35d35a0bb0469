"""Who left the programme and came back; exports of everything."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from portal.columns import enum_field
from portal.leaving.rules import ExportStatus

WAITING, OPEN = text("status = 'waiting'"), text("returned_at IS NULL AND successor_id IS NULL")


class Leaving(SQLModel, table=True):
    """One departure. Open while the organisation is away and nobody has taken its place."""

    __table_args__ = (
        Index("uq_leaving_open", "organisation_id", unique=True, sqlite_where=OPEN, postgresql_where=OPEN),
    )
    id: int | None = Field(default=None, primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    left_at: datetime
    left_by: int = Field(foreign_key="person.id")
    reason: str = Field(max_length=500)
    credit_code: str = Field(max_length=18)  # as it was; a successor needs it for itself
    returned_at: datetime | None = None
    successor_id: int | None = Field(default=None, foreign_key="organisation.id", index=True)


class OrganisationExport(SQLModel, table=True):
    """A ZIP of everything, made in the background and kept for some days."""

    __tablename__ = "organisation_export"
    __table_args__ = (
        Index(
            "uq_organisation_export_waiting",
            "organisation_id",
            unique=True,
            sqlite_where=WAITING,
            postgresql_where=WAITING,
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    status: ExportStatus = enum_field(ExportStatus, default=ExportStatus.WAITING, index=True)
    asked_at: datetime
    asked_by: int = Field(foreign_key="person.id")
    claimed_at: datetime | None = None
    attempts: int = 0
    ready_at: datetime | None = None
    expires_at: datetime | None = Field(default=None, index=True)
    file_id: int | None = Field(default=None, foreign_key="stored_file.id")
