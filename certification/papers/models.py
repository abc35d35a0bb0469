"""Fixed parallel forms of an exam."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from certification.papers.rules import FormStatus
from portal.columns import enum_field, json_field


class PaperForm(SQLModel, table=True):
    """One form. Those asked for together share `made_at` and are disjoint."""

    __tablename__ = "paper_form"
    __table_args__ = (UniqueConstraint("exam_id", "number"),)
    id: int | None = Field(default=None, primary_key=True)
    exam_id: int = Field(foreign_key="exam.id", index=True)
    number: int  # within the exam, from 1
    question_ids: list[int] = json_field(list)
    information: dict[str, Any] = json_field(
        dict
    )  # certification.papers.assembly.Assembled.as_json; or {"limit"}
    status: FormStatus = enum_field(FormStatus, default=FormStatus.WANTED)
    made_at: datetime
    made_by: int = Field(foreign_key="person.id")
