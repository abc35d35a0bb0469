"""Issued credentials: their signed bytes never change, their status does."""

from datetime import datetime

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from certification.credentials.rules import CredentialStatus, Holder
from portal.columns import enum_field

_IN_FORCE = text("status IN ('active', 'suspended')")


class Credential(SQLModel, table=True):
    __table_args__ = (
        UniqueConstraint("status_list", "status_index"),
        # A certificate keeps its number when its credential is issued again; only one of them is in force.
        Index(
            "uq_credential_number_in_force",
            "number",
            unique=True,
            sqlite_where=_IN_FORCE,
            postgresql_where=_IN_FORCE,
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    uuid: str = Field(max_length=36, unique=True)  # its public address
    number: str | None = Field(default=None, max_length=40, index=True)
    holder: Holder = enum_field(Holder)
    person_id: int | None = Field(default=None, foreign_key="person.id", index=True)
    organisation_id: int | None = Field(default=None, foreign_key="organisation.id", index=True)
    code: str = Field(max_length=40, index=True)  # P1, or operator-3
    programme_version: str = Field(max_length=20)
    scope: str = Field(default="", max_length=400)
    score: float | None = None
    awarded_at: datetime
    valid_until: datetime
    status: CredentialStatus = enum_field(CredentialStatus, default=CredentialStatus.ACTIVE, index=True)
    status_reason: str = Field(default="", max_length=500)
    status_since: datetime
    status_list: int
    status_index: int
    key_id: str = Field(max_length=40)
    signed: str = Field(default="", sa_type=Text)  # the bytes that were signed, as served
    reminded_d: int | None = None  # days before its end at which the holder was told last
    name_public: bool = False  # the holder lets strangers read the name
    source_kind: str = Field(max_length=40)
    source_id: int
