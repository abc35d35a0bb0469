"""Versions of outside courses, and what people's parts of them have reported."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from portal.columns import enum_field, json_field
from training.packages.rules import Completion, Standard, Status

_PUBLISHED = text("status = 'published'")


class CoursePackage(SQLModel, table=True):
    """One version of a course: its archive, unpacked beside it (`portal.files`), and what its manifest says."""

    __tablename__ = "course_package"
    __table_args__ = (
        UniqueConstraint("identifier", "version"),
        Index(
            "uq_course_package_published",
            "identifier",
            unique=True,
            sqlite_where=_PUBLISHED,
            postgresql_where=_PUBLISHED,
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    identifier: str = Field(max_length=500)  # the manifest's
    version: int  # our count, from 1
    standard: Standard = enum_field(Standard)
    edition: str = Field(max_length=100)  # as the manifest says it
    title: dict = json_field(dict)  # {"zh", "en"}
    lines: list = json_field(list)  # the table of contents
    parts: list = json_field(list)
    remarks: list = json_field(list)  # [[catalogue key, values]]
    status: Status = enum_field(Status)
    file_id: int = Field(foreign_key="stored_file.id", index=True)
    uploaded_by: int = Field(foreign_key="person.id", index=True)
    uploaded_at: datetime
    published_at: datetime | None = None


class CourseAttempt(SQLModel, table=True):
    """A person with one version of a course."""

    __tablename__ = "course_attempt"
    __table_args__ = (UniqueConstraint("person_id", "package_id"),)
    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    package_id: int = Field(foreign_key="course_package.id", index=True)
    registration: str = Field(max_length=36, unique=True)  # a UUID
    completion: Completion = enum_field(Completion)
    passed: bool | None = None
    score: float | None = None  # 0..1
    seconds: float = 0
    begun_at: datetime
    last_at: datetime
    completed_at: datetime | None = None


class CourseState(SQLModel, table=True):
    """What one part reported last: everything it wants to find again."""

    __tablename__ = "course_state"
    __table_args__ = (UniqueConstraint("attempt_id", "part"),)
    id: int | None = Field(default=None, primary_key=True)
    attempt_id: int = Field(foreign_key="course_attempt.id", index=True)
    part: str = Field(max_length=500)
    reported: dict = json_field(dict)  # SCORM: element → value
    ended: bool = False  # the part said that it was done, and not to be resumed
    completion: Completion = enum_field(Completion)
    passed: bool | None = None
    score: float | None = None
    seconds: float = 0
    changed_at: datetime


class CourseLaunch(SQLModel, table=True):
    """One opening of one part: the token in its address opens this and nothing else, for twelve hours."""

    __tablename__ = "course_launch"
    __table_args__ = (CheckConstraint("saves >= 0", name="saves"),)
    id: int | None = Field(default=None, primary_key=True)
    attempt_id: int = Field(foreign_key="course_attempt.id", index=True)
    part: str = Field(max_length=500)
    token_hash: str = Field(max_length=64, unique=True)
    session: str = Field(max_length=36)  # cmi5's session id
    auth_hash: str = Field(max_length=64)  # cmi5: what the fetch address gave, once; "" before
    saves: int = 0  # the number of the latest report; an earlier one that comes late is dropped
    seconds: float = 0  # of this session, as reported last
    made_at: datetime
    expires_at: datetime


class CourseStatement(SQLModel, table=True):
    """An xAPI statement of a cmi5 part."""

    __tablename__ = "course_statement"
    __table_args__ = (UniqueConstraint("attempt_id", "uuid"),)
    id: int | None = Field(default=None, primary_key=True)
    attempt_id: int = Field(foreign_key="course_attempt.id", index=True)
    part: str = Field(max_length=500)
    uuid: str = Field(max_length=36)
    verb: str = Field(max_length=200)  # its IRI
    defined: bool  # one that cmi5 defines
    statement: dict = json_field(dict)
    stored_at: datetime


class CourseDocument(SQLModel, table=True):
    """A document that a cmi5 part keeps: state, agent profile or activity profile."""

    __tablename__ = "course_document"
    __table_args__ = (UniqueConstraint("attempt_id", "kind", "part", "name"),)
    id: int | None = Field(default=None, primary_key=True)
    attempt_id: int = Field(foreign_key="course_attempt.id", index=True)
    kind: str = Field(max_length=20)
    part: str = Field(max_length=500)
    name: str = Field(max_length=200)
    media_type: str = Field(max_length=100)
    content: str = Field(sa_type=Text)
    changed_at: datetime
