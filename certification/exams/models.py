"""Banks, questions, exams, and the sittings of people."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from certification.exams.rules import QuestionKind, SittingStatus
from portal.columns import enum_field, json_field


class Bank(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    code: str = Field(max_length=40, unique=True)
    title: dict[str, str] = json_field()


class Question(SQLModel, table=True):
    """Never changed once asked: a new wording is a new row; the old one is retired, its sittings intact."""

    __table_args__ = (
        UniqueConstraint("bank_id", "code", "content_hash"),
        Index(
            "uq_question_in_use",
            "bank_id",
            "code",
            unique=True,
            sqlite_where=text("NOT retired"),
            postgresql_where=text("NOT retired"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    bank_id: int = Field(foreign_key="bank.id", index=True)
    code: str = Field(max_length=60)
    topic: str = Field(max_length=40)
    group: str = Field(max_length=40)
    level: int = 1
    kind: QuestionKind = enum_field(QuestionKind)
    stem: dict[str, str] = json_field()
    options: list[dict[str, Any]] = json_field()  # {"zh", "en"}, and "fixed" when it stays in its place
    key: list[int] = json_field()  # from 1
    why: dict[str, str] = json_field()
    content_hash: str = Field(max_length=64)
    retired: bool = False


class Exam(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    code: str = Field(max_length=40, unique=True)
    bank_id: int = Field(foreign_key="bank.id")
    title: dict[str, str] = json_field()
    blueprint: dict[str, int] = (
        json_field()
    )  # topic → questions; in proportion when the programme asks for another number
    minutes: int  # this and the next hold for an exam without a certificate: one with follows the programme
    pass_marks: int
    certificate: str | None = Field(default=None, max_length=10)


class Sitting(SQLModel, table=True):
    """One person, one paper, one clock. At most one is open a person."""

    __table_args__ = (
        Index(
            "uq_sitting_open_person",
            "person_id",
            unique=True,
            sqlite_where=text("status = 'open'"),
            postgresql_where=text("status = 'open'"),
        ),
        Index("ix_sitting_status_ends", "status", "ends_at"),
    )
    id: int | None = Field(default=None, primary_key=True)
    token: str = Field(max_length=40, unique=True)  # its address
    person_id: int = Field(foreign_key="person.id", index=True)
    organisation_id: int | None = Field(default=None, foreign_key="organisation.id")  # at the time
    exam_id: int = Field(foreign_key="exam.id", index=True)
    seed: str = Field(max_length=40)
    paper: list[dict[str, Any]] = json_field()  # {"question": id, "options": [order]}
    pass_marks: int
    accommodation: float = 1.0
    started_at: datetime
    ends_at: datetime
    status: SittingStatus = enum_field(SittingStatus, default=SittingStatus.OPEN)
    handed_in_at: datetime | None = None
    timed_out: bool = False
    score: int | None = None
    passed: bool | None = None
    result: dict[str, Any] = json_field(dict)  # right and asked, by topic and by group


class Answer(SQLModel, table=True):
    """What is chosen now. `revision` counts the saves; an older one never overwrites a newer."""

    __table_args__ = (UniqueConstraint("sitting_id", "question_id"),)
    id: int | None = Field(default=None, primary_key=True)
    sitting_id: int = Field(foreign_key="sitting.id", index=True)
    question_id: int = Field(foreign_key="question.id")
    chosen: list[int] = json_field(list)  # numbers as in the bank, from 1
    flagged: bool = False
    revision: int
    saved_at: datetime
