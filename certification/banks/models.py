"""Banks and their questions."""

from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from certification.banks.rules import QuestionKind, QuestionStatus
from portal.columns import enum_field, json_field

_ASKED = text("status IN ('pilot', 'in_use')")
_WRITTEN = text("status IN ('draft', 'in_review')")


class Bank(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    code: str = Field(max_length=40, unique=True)
    title: dict[str, str] = json_field()


class Question(SQLModel, table=True):
    """Never changed once asked: a new wording is a new row; the old one is retired, its sittings intact."""

    __table_args__ = (
        UniqueConstraint("bank_id", "code", "content_hash"),
        Index(
            "uq_question_asked",
            "bank_id",
            "code",
            unique=True,
            sqlite_where=_ASKED,
            postgresql_where=_ASKED,
        ),
        Index(
            "uq_question_written",
            "bank_id",
            "code",
            unique=True,
            sqlite_where=_WRITTEN,
            postgresql_where=_WRITTEN,
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    bank_id: int = Field(foreign_key="bank.id", index=True)
    code: str = Field(max_length=60)
    version: int = 1
    topic: str = Field(max_length=40)
    group: str = Field(max_length=40)
    level: int = 1
    kind: QuestionKind = enum_field(QuestionKind)
    stem: dict[str, str] = json_field()
    prompts: list[dict[str, str]] = json_field(list)  # match: what an option is to be found for
    options: list[dict[str, Any]] = json_field()  # {"zh", "en"}, and "fixed" when it stays in its place
    key: list[int] = json_field()  # from 1; match: one option a prompt; order: 1, 2, …
    accept: list[dict[str, Any]] = json_field(list)  # numeric: {"low", "high"}; short: {"text"}
    case: bool = False  # short: capital letters matter
    rubric: list[dict[str, Any]] = json_field(list)  # long: {"zh", "en", "points"}
    points: int = 1
    why: dict[str, str] = json_field()
    markup: str = Field(default="plain", max_length=10)  # "html" was sanitised on its way in
    pictures: dict[str, int] = json_field(dict)  # name in the text → stored file
    enemies: list[str] = json_field(list)  # codes of this bank that never stand beside it
    tags: list[str] = json_field(list)
    content_hash: str = Field(max_length=64)
    status: QuestionStatus = enum_field(QuestionStatus, default=QuestionStatus.IN_USE)
    written_by: int | None = Field(default=None, foreign_key="person.id")  # None: came in a file


class Picture(SQLModel, table=True):
    """A picture of a question, kept in the database: small, and there exactly as long as its question."""

    id: int | None = Field(default=None, primary_key=True)
    sha256: str = Field(max_length=64, unique=True)  # its address
    media_type: str = Field(max_length=40)
    content: bytes
