"""A person's public page, what they agreed to show, their codes, and what came of the scans."""

from datetime import date, datetime

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from portal.columns import json_field


class PersonPage(SQLModel, table=True):
    """What it could show. What it does show is said by the consents."""

    __tablename__ = "person_page"
    person_id: int = Field(foreign_key="person.id", primary_key=True)
    slug: str = Field(max_length=20, unique=True)  # its address, made by chance
    nickname: str = Field(default="", max_length=40)
    salutation: str = Field(default="", max_length=4)  # mr | ms
    headline: str = Field(default="", max_length=120)
    does: str = Field(default="", max_length=500)
    about: str = Field(default="", max_length=500)
    languages: list[str] = json_field(list)
    photo_id: int | None = Field(default=None, foreign_key="stored_file.id")
    revision: int = 1


class Consent(SQLModel, table=True):
    """Given for one use, in words of a version; withdrawn by a date, never by removing the row."""

    __table_args__ = (
        Index(
            "uq_consent_given",
            "person_id",
            "use",
            unique=True,
            sqlite_where=text("withdrawn_at IS NULL"),
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    use: str = Field(max_length=60)  # `portal.people.rules.Use`, or certificate:<uuid>
    wording: str = Field(max_length=20)  # version and language of the words that were agreed to
    given_at: datetime
    withdrawn_at: datetime | None = None


class PersonCode(SQLModel, table=True):
    __tablename__ = "person_code"
    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    code: str = Field(max_length=20, unique=True)
    label: str = Field(default="", max_length=40)  # booth, card
    made_at: datetime
    retired_at: datetime | None = None


class CodeScan(SQLModel, table=True):
    """No address, no fingerprint: when, and whether the same browser came twice on a day."""

    __tablename__ = "code_scan"
    id: int | None = Field(default=None, primary_key=True)
    code_id: int = Field(foreign_key="person_code.id", index=True)
    organisation_id: int | None = Field(
        default=None, foreign_key="organisation.id", index=True
    )  # at the time
    at: datetime
    day: date
    visitor: str = Field(max_length=64)
    repeated: bool = False


class Attribution(SQLModel, table=True):
    """A brand that registered, or a brief that was written, after a scan."""

    __tablename__ = "code_attribution"
    __table_args__ = (UniqueConstraint("kind", "subject_id"),)
    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(max_length=20)  # registration | brief
    subject_id: int
    code_id: int | None = Field(default=None, foreign_key="person_code.id", index=True)  # None once erased
    organisation_id: int | None = Field(default=None, foreign_key="organisation.id", index=True)
    at: datetime
