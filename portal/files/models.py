"""Uploaded files: rows here, bytes by content hash in the data folder."""

from datetime import datetime

from sqlmodel import Field, SQLModel


class StoredFile(SQLModel, table=True):
    __tablename__ = "stored_file"
    id: int | None = Field(default=None, primary_key=True)
    sha256: str = Field(max_length=64, index=True)
    name: str = Field(max_length=100)
    media_type: str = Field(max_length=60)
    size: int
    organisation_id: int | None = Field(default=None, foreign_key="organisation.id", index=True)
    uploaded_by: int = Field(foreign_key="person.id")
    uploaded_at: datetime
