"""Uploaded files: rows here, bytes by content hash in the file store; who opened which when."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from portal.columns import enum_field
from portal.files.rules import Purpose


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


class UnpackedFile(SQLModel, table=True):
    """One file of a stored archive, unpacked: its path, its bytes in the store, and as what it is handed out."""

    __tablename__ = "unpacked_file"
    __table_args__ = (UniqueConstraint("archive_id", "path"),)
    id: int | None = Field(default=None, primary_key=True)
    archive_id: int = Field(foreign_key="stored_file.id", index=True)
    path: str = Field(max_length=300)
    sha256: str = Field(max_length=64, index=True)
    media_type: str = Field(max_length=60)
    size: int


class FileAccess(SQLModel, table=True):
    """Somebody opened a file. Its owners read who, when and what for."""

    __tablename__ = "file_access"
    id: int | None = Field(default=None, primary_key=True)
    file_id: int = Field(foreign_key="stored_file.id", index=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    at: datetime
    purpose: Purpose = enum_field(Purpose)
