"""Exams, and the sittings of people."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from certification.exams.rules import Part, SittingStatus
from portal.columns import enum_field, json_field


class Exam(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    code: str = Field(max_length=40, unique=True)
    bank_id: int = Field(foreign_key="bank.id")
    title: dict[str, str] = json_field()
    # topic → questions, or topic → level → questions; in proportion when the programme asks for another number
    blueprint: dict[str, Any] = json_field()
    minutes: int  # this and the next hold for an exam without a certificate: one with follows the programme
    pass_marks: int
    certificate: str | None = Field(default=None, max_length=10)
    part: Part = enum_field(Part, default=Part.WRITTEN)
    pilots: int = 0  # unscored questions mixed into each paper
    uses_forms: bool = False  # sittings get a fixed form of certification.papers, not a paper of their own
    cut_share: float | None = None  # set by judges, 0–1; takes the place of the pass mark for new sittings


class Sitting(SQLModel, table=True):
    """One person, one paper, one clock. At most one of each part is open a person."""

    __table_args__ = (
        Index(
            "uq_sitting_open_person_part",
            "person_id",
            "part",
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
    part: Part = enum_field(Part, default=Part.WRITTEN)
    seed: str = Field(max_length=40)
    drawn: dict[str, Any] = json_field(dict)  # what the draw chose from, to draw it again
    paper: list[dict[str, Any]] = json_field()  # {"question": id, "options": [order]}, "pilot", "kind"
    points: int | None = None  # that can be had
    pass_marks: int
    accommodation: float = 1.0
    started_at: datetime
    ends_at: datetime
    status: SittingStatus = enum_field(SittingStatus, default=SittingStatus.OPEN)
    handed_in_at: datetime | None = None
    timed_out: bool = False
    score: int | None = None
    passed: bool | None = None
    result: dict[str, Any] = json_field(dict)  # points had and there, by topic and by group


class Answer(SQLModel, table=True):
    """What is chosen now. `revision` counts the saves; an older one never overwrites a newer."""

    __table_args__ = (UniqueConstraint("sitting_id", "question_id"),)
    id: int | None = Field(default=None, primary_key=True)
    sitting_id: int = Field(foreign_key="sitting.id", index=True)
    question_id: int = Field(foreign_key="question.id")
    chosen: list[int] = json_field(
        list
    )  # numbers as in the bank, from 1; see certification.marking.rules.Given
    text: str = Field(default="", sa_type=Text)
    flagged: bool = False
    revision: int
    saved_at: datetime
    first_at: datetime | None = None  # when something was first given; None from before it was kept
    changes: int = 0  # of what was given, after that


class AnswerFile(SQLModel, table=True):
    """A file handed in with a long answer."""

    __tablename__ = "answer_file"
    __table_args__ = (UniqueConstraint("answer_id", "file_id"),)
    id: int | None = Field(default=None, primary_key=True)
    answer_id: int = Field(foreign_key="answer.id", index=True)
    file_id: int = Field(foreign_key="stored_file.id", index=True)


class Accommodation(SQLModel, table=True):
    """More time for a person, for a reason that staff have seen; it holds for sittings that start in it."""

    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    factor: float  # of the minutes
    reason: str = Field(max_length=500)
    given_at: datetime
    given_by: int = Field(foreign_key="person.id")
    until: datetime
