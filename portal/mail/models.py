"""A mail is a row first and a message later."""

from datetime import datetime

from sqlmodel import Field, SQLModel


class Mail(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    to_address: str = Field(max_length=254, index=True)
    subject: str = Field(max_length=200)
    text: str
    created_at: datetime
    claimed_at: datetime | None = None
    sent_at: datetime | None = Field(default=None, index=True)
    attempts: int = 0
    last_error: str = Field(default="", max_length=500)
    unsubscribe_path: str | None = Field(default=None, max_length=200)  # of mails that may be muted
