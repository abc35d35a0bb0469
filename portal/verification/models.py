"""What an owner handed in to be verified."""

from datetime import datetime

from sqlmodel import Field, SQLModel


class Verification(SQLModel, table=True):
    """One an organisation; handing in again after questions adds a licence and keeps the earlier files."""

    id: int | None = Field(default=None, primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id", unique=True)
    licence_id: int = Field(foreign_key="stored_file.id")
    representative: str = Field(max_length=80)
    note: str = Field(default="", max_length=500)
    handed_in_at: datetime
