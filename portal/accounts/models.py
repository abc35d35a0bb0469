"""People, their sessions, the links mailed to them, and what a browser has begun."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from portal.accounts.rules import CeremonyKind, StaffRole, TokenKind
from portal.columns import enum_field, json_field


class Person(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    uuid: str = Field(max_length=36, unique=True)  # names the holder in credentials
    email: str = Field(max_length=254, unique=True)  # lower case
    name: str = Field(max_length=80)
    password_hash: str = Field(max_length=200)  # "!" when there is no password
    language: str = Field(default="zh", max_length=5)
    time_zone: str = Field(default="Asia/Shanghai", max_length=40)  # in which they read the time of day
    created_at: datetime
    confirmed_at: datetime | None = None
    is_demo: bool = False


class StaffAppointment(SQLModel, table=True):
    """A role on the platform, for a time; earlier ones stay as rows."""

    __tablename__ = "staff_appointment"
    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    role: StaffRole = enum_field(StaffRole)
    since: datetime
    until: datetime | None = None  # open when None
    given_by: int | None = Field(default=None, foreign_key="person.id")


class LoginSession(SQLModel, table=True):
    """A signed-in browser; the cookie holds the token, the row only its hash."""

    __tablename__ = "login_session"
    id: int | None = Field(default=None, primary_key=True)
    token_hash: str = Field(max_length=64, unique=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    created_at: datetime
    expires_at: datetime
    browser: str = Field(default="", max_length=200)
    last_seen_at: datetime  # to the hour
    second_factor_at: datetime | None = None
    waits: bool = False  # for the second factor; until then it has no right at all


class MailedToken(SQLModel, table=True):
    """A one-time link in a mail; used once, then kept as used."""

    __tablename__ = "mailed_token"
    id: int | None = Field(default=None, primary_key=True)
    token_hash: str = Field(max_length=64, unique=True)
    kind: TokenKind = enum_field(TokenKind)
    person_id: int = Field(foreign_key="person.id", index=True)
    expires_at: datetime
    used_at: datetime | None = None


class ResetRequest(SQLModel, table=True):
    """Somebody asked for a new password. Whether there is such a person is looked up after the answer."""

    __tablename__ = "reset_request"
    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(max_length=254)
    asked_at: datetime
    done_at: datetime | None = Field(default=None, index=True)


class Ceremony(SQLModel, table=True):
    """What a browser has begun and must come back with: a passkey's challenge, a sign-in elsewhere. Used once.

    A cookie holds the token, the row its hash, so that no other browser can finish it.
    """

    id: int | None = Field(default=None, primary_key=True)
    token_hash: str = Field(max_length=64, unique=True)
    kind: CeremonyKind = enum_field(CeremonyKind)
    person_id: int | None = Field(default=None, foreign_key="person.id", index=True)
    data: dict[str, Any] = json_field(dict)
    expires_at: datetime = Field(index=True)
    used_at: datetime | None = None
