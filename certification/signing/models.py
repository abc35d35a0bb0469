"""Keys as the world knows them, and many credentials to be issued again."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from certification.credentials.keys import KeyUse
from portal.columns import enum_field, json_field


class SigningKey(SQLModel, table=True):
    """A key as the world knows it; the private part is a file. Without one it is published, and signs nothing."""

    __tablename__ = "signing_key"
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=40, unique=True)  # key-2026-11
    use: KeyUse = enum_field(KeyUse)
    jwk: dict[str, str] = json_field()  # the public part
    added_at: datetime
    signs_from: datetime
    revoked_at: datetime | None = None
    reason: str = Field(default="", max_length=500)


class Reissue(SQLModel, table=True):
    """Many credentials to be issued again: those of one key or one achievement, up to the last at the asking."""

    id: int | None = Field(default=None, primary_key=True)
    key_id: str = Field(default="", max_length=40)  # signed with it; empty: whatever the key
    code: str = Field(default="", max_length=40)  # this achievement; empty: all
    up_to_id: int  # what is issued later is new already
    reason: str = Field(max_length=500)
    asked_at: datetime
    touched_at: datetime  # a batch was finished
    finished_at: datetime | None = Field(default=None, index=True)
    done: int = 0
