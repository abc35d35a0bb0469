"""What a person proves with, beside or instead of a password."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel


class Totp(SQLModel, table=True):
    """An authenticator app. It counts once a first code was right."""

    person_id: int = Field(foreign_key="person.id", primary_key=True)
    sealed: str = Field(max_length=200)  # the secret, encrypted
    created_at: datetime
    confirmed_at: datetime | None = None
    last_step: int = 0  # the time step of the last code taken; none is taken twice


class RecoveryCode(SQLModel, table=True):
    __tablename__ = "recovery_code"
    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    code_hash: str = Field(max_length=64, unique=True)
    used_at: datetime | None = None


class Passkey(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    credential_id: str = Field(max_length=1400, unique=True)  # base64url
    public_key: str = Field(max_length=2000)  # base64url of COSE
    sign_count: int = Field(sa_type=BigInteger)
    name: str = Field(max_length=60)
    created_at: datetime
    last_used_at: datetime | None = None
