"""Identities that other providers vouch for."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel


class Identity(SQLModel, table=True):
    """An account elsewhere that signs in to an account here."""

    __table_args__ = (UniqueConstraint("issuer", "subject"),)
    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    issuer: str = Field(max_length=200)
    subject: str = Field(max_length=255)
    email: str = Field(max_length=254)  # as the provider gave it, for people to know it again
    created_at: datetime
    last_used_at: datetime | None = None


class IdentityProof(SQLModel, table=True):
    """A link in a mail that proves the mailbox of an identity; it works in the browser that began, once."""

    __tablename__ = "identity_proof"
    id: int | None = Field(default=None, primary_key=True)
    token_hash: str = Field(max_length=64, unique=True)
    browser_hash: str = Field(max_length=64)
    issuer: str = Field(max_length=200)
    subject: str = Field(max_length=255)
    email: str = Field(max_length=254)
    name: str = Field(max_length=80)
    expires_at: datetime = Field(index=True)
    used_at: datetime | None = None
