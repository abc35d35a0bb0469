"""What lies on the desk."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from portal.columns import enum_field
from portal.review.rules import Status, Verdict


class Submission(SQLModel, table=True):
    __table_args__ = (
        Index(
            "uq_submission_open_subject",
            "subject_kind",
            "subject_id",
            unique=True,
            sqlite_where=text("status IN ('submitted', 'in_review', 'action_required')"),
            postgresql_where=text("status IN ('submitted', 'in_review', 'action_required')"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    subject_kind: str = Field(max_length=40)
    subject_id: int
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    status: Status = enum_field(Status, default=Status.SUBMITTED, index=True)
    submitted_at: datetime
    submitted_by: int = Field(foreign_key="person.id")
    due_at: datetime | None = Field(default=None, index=True)  # None while the clock stands still
    reviewer_id: int | None = Field(default=None, foreign_key="person.id")
    round: int = 1
    decided_at: datetime | None = None
    reason: str = Field(default="", max_length=2000)
    revision: int = 1


class Finding(SQLModel, table=True):
    """A verdict on one item in one round."""

    __table_args__ = (UniqueConstraint("submission_id", "round", "item"),)
    id: int | None = Field(default=None, primary_key=True)
    submission_id: int = Field(foreign_key="submission.id", index=True)
    round: int
    item: str = Field(max_length=40)
    verdict: Verdict = enum_field(Verdict)
    reason: str = Field(default="", max_length=2000)
    by: int | None = Field(default=None, foreign_key="person.id")  # None: the portal itself
    at: datetime
