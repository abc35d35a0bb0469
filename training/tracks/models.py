"""How far a person has come with a module; the lessons themselves are files."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from portal.columns import json_field


class ModuleProgress(SQLModel, table=True):
    __tablename__ = "module_progress"
    __table_args__ = (UniqueConstraint("person_id", "module"),)
    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    module: str = Field(max_length=20)  # "TRK-01/1"
    version: int  # of the lesson that was practised last
    started_at: datetime  # when the practice was first answered
    finished_at: datetime | None = None
    shortened_at: datetime | None = None  # by a placement test: it counts as done, without hours
    practice: list[int] = json_field(list)  # the option chosen for each practice question, from 1
