"""Placement tests, as they were drawn and answered."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from portal.columns import json_field


class Placement(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    track: str = Field(max_length=10)
    background: str = Field(max_length=20)
    seed: int
    drawn: list[Any] = json_field(list)  # [module, which practice question from 1] for each that is asked
    started_at: datetime
    finished_at: datetime | None = None
    answers: list[int] = json_field(list)
    right: int = 0
    shortened: list[str] = json_field(list)  # modules
