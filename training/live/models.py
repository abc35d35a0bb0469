"""Live sessions, and who has asked for a seat."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from portal.columns import enum_field
from training.live.rules import How, SeatStatus, Status


class LiveSession(SQLModel, table=True):
    __tablename__ = "live_session"
    id: int | None = Field(default=None, primary_key=True)
    uid: str = Field(max_length=36, unique=True)  # in calendar files
    title_zh: str = Field(max_length=120)
    title_en: str = Field(max_length=120)
    about_zh: str = Field(default="", max_length=1000)
    about_en: str = Field(default="", max_length=1000)
    subject: str = Field(default="", max_length=20)  # "TRK-01" or "TRK-01/2"; "" for none
    hours: float  # credited to whoever came
    starts_at: datetime = Field(index=True)
    ends_at: datetime
    closes_at: datetime  # until then people sign up and withdraw
    place: str = Field(default="", max_length=200)
    link: str = Field(default="", max_length=500)  # read only by who has a seat
    capacity: int
    status: Status = enum_field(Status, default=Status.PLANNED, index=True)
    cancelled_for: str = Field(default="", max_length=500)
    sequence: int = 0  # of the calendar file: one more with every change
    planned_at: datetime
    planned_by: int = Field(foreign_key="person.id")
    changed_at: datetime

    @property
    def title(self) -> dict[str, str]:
        return {"zh": self.title_zh, "en": self.title_en}

    @property
    def about(self) -> dict[str, str]:
        return {"zh": self.about_zh, "en": self.about_en}


class LiveSeat(SQLModel, table=True):
    """A person's place in the line of a session, and whether they came."""

    __tablename__ = "live_seat"
    __table_args__ = (UniqueConstraint("session_id", "person_id"),)
    id: int | None = Field(default=None, primary_key=True)
    session_id: int = Field(foreign_key="live_session.id", index=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)  # for which they asked
    status: SeatStatus = enum_field(SeatStatus, default=SeatStatus.WAITING, index=True)
    asked_at: datetime
    seated_at: datetime | None = None
    reminded_at: datetime | None = None
    attended_at: datetime | None = None
    how: How | None = enum_field(How, default=None, nullable=True)
    marked_by: int | None = Field(default=None, foreign_key="person.id")  # by hand
    reason: str = Field(default="", max_length=300)
