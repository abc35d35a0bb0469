"""What people gave for long answers, and corrections of keys."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from portal.columns import json_field


class Mark(SQLModel, table=True):
    """One person's marks for one answer; never changed once given, and unseen by the other marker."""

    __table_args__ = (UniqueConstraint("answer_id", "marked_by"),)
    id: int | None = Field(default=None, primary_key=True)
    answer_id: int = Field(foreign_key="answer.id", index=True)
    marked_by: int = Field(foreign_key="person.id", index=True)
    points: list[int] = json_field()  # one a line of the rubric
    note: str = Field(max_length=2000)
    marked_at: datetime
