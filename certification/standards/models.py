"""Sessions in which judges set a cut, and what each of them said."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from certification.standards.rules import StandardStatus
from portal.columns import enum_field, json_field


class Standard(SQLModel, table=True):
    """One standard-setting session on one exam. At most one adopted cut an exam."""

    __table_args__ = (
        Index(
            "uq_standard_adopted",
            "exam_id",
            unique=True,
            sqlite_where=text("status = 'adopted'"),
            postgresql_where=text("status = 'adopted'"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    exam_id: int = Field(foreign_key="exam.id", index=True)
    title: str = Field(max_length=120)
    questions: list[int] = json_field()  # that are rated, in the order shown
    status: StandardStatus = enum_field(StandardStatus, default=StandardStatus.ROUND_ONE)
    opened_at: datetime
    opened_by: int = Field(foreign_key="person.id")
    closed_at: datetime | None = None
    closed_by: int | None = Field(default=None, foreign_key="person.id")
    cut_share: float | None = None  # 0–1, once it is closed
    cut_error: float | None = None
    judges: int | None = None  # who counted
    adopted_at: datetime | None = None
    adopted_by: int | None = Field(default=None, foreign_key="person.id")
    reason: str = Field(default="", max_length=500)


class StandardRating(SQLModel, table=True):
    __tablename__ = "standard_rating"
    __table_args__ = (
        UniqueConstraint("standard_id", "person_id", "question_id", "round"),
        CheckConstraint("chance >= 0 AND chance <= 1", name="chance"),
    )
    id: int | None = Field(default=None, primary_key=True)
    standard_id: int = Field(foreign_key="standard.id", index=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    question_id: int = Field(foreign_key="question.id")
    round: int
    chance: float
    note: str = Field(default="", max_length=300)
    saved_at: datetime
