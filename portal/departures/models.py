"""Who left and how, what they left open, and who was asked whether they still work there."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from portal.columns import enum_field
from portal.departures.rules import Answer, CheckStatus, Why
from portal.organisations.rules import Ending

OPEN = text("status IN ('asked', 'owners_asked')")


class Departure(SQLModel, table=True):
    """One a link that ended after both had confirmed it."""

    id: int | None = Field(default=None, primary_key=True)
    employment_id: int = Field(foreign_key="employment.id", unique=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    ending: Ending = enum_field(Ending)
    at: datetime
    by: int | None = Field(default=None, foreign_key="person.id")  # None: the portal
    client_name: str = Field(default="", max_length=120)  # who hired them, says the organisation
    contact: str = Field(default="", max_length=254)
    token_hash: str | None = Field(default=None, max_length=64, unique=True)
    expires_at: datetime | None = None
    answer: Answer | None = enum_field(Answer, default=None, nullable=True)  # the client's
    answered_at: datetime | None = None
    handover_due_at: datetime | None = Field(default=None, index=True)  # None: nothing was open
    handed_over_at: datetime | None = None  # when everything had somebody again
    escalated_at: datetime | None = None


class Handover(SQLModel, table=True):
    """A line of the list: something the leaver answered for."""

    __table_args__ = (UniqueConstraint("departure_id", "kind", "subject_id"),)
    id: int | None = Field(default=None, primary_key=True)
    departure_id: int = Field(foreign_key="departure.id", index=True)
    kind: str = Field(max_length=40)  # of `portal.desk.parts.Handing`
    subject_id: int
    title: str = Field(max_length=200)
    path: str = Field(max_length=200)
    right: str = Field(max_length=40)
    assigned_to: int | None = Field(default=None, foreign_key="person.id")
    done_at: datetime | None = None  # without anybody: it was over by itself


class MailboxCheck(SQLModel, table=True):
    """Do you still work there? Asked of a mailbox at a domain of the organisation."""

    __tablename__ = "mailbox_check"
    __table_args__ = (
        Index(
            "uq_mailbox_check_open", "employment_id", unique=True, sqlite_where=OPEN, postgresql_where=OPEN
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    employment_id: int = Field(foreign_key="employment.id", index=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    why: Why = enum_field(Why)
    email: str = Field(max_length=254)
    token_hash: str = Field(max_length=64, unique=True)
    status: CheckStatus = enum_field(CheckStatus, default=CheckStatus.ASKED)
    asked_at: datetime
    due_at: datetime = Field(index=True)  # until when whoever is asked now may answer
    answered_at: datetime | None = None
    answered_by: int | None = Field(default=None, foreign_key="person.id")  # None: by the link, or nobody
