"""What the portal told a person, and what they do not want to be told."""

from datetime import datetime

from sqlmodel import Field, Index, SQLModel


class Notice(SQLModel, table=True):
    __table_args__ = (Index("ix_notice_person_unread", "person_id", "read_at"),)
    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id")
    kind: str = Field(max_length=60)
    title: str = Field(max_length=200)
    text: str
    path: str = Field(default="", max_length=300)
    at: datetime
    read_at: datetime | None = None


class NoticeChoice(SQLModel, table=True):
    """A person's choice for one kind that may be muted; without a row both ways are open."""

    __tablename__ = "notice_choice"
    person_id: int = Field(foreign_key="person.id", primary_key=True)
    kind: str = Field(max_length=60, primary_key=True)
    by_mail: bool = True
    in_portal: bool = True


class Tip(SQLModel, table=True):
    """When an owner's next step was looked for, and when they were last told of one."""

    person_id: int = Field(foreign_key="person.id", primary_key=True)
    looked_at: datetime
    sent_at: datetime | None = None
