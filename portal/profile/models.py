"""A change of name or credit code that waits for staff."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from portal.columns import json_field


class ProfileChange(SQLModel, table=True):
    """What was and what is asked for; carried out when staff say yes."""

    __tablename__ = "profile_change"
    id: int | None = Field(default=None, primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    before: dict[str, str] = json_field()
    after: dict[str, str] = json_field()
    reason: str = Field(max_length=500)
    asked_at: datetime
    asked_by: int = Field(foreign_key="person.id")
    applied_at: datetime | None = None
