"""Tasks that were set, and for whom."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from portal.columns import enum_field
from portal.organisations.rules import Role
from training.tasks.rules import Audience, How, Status, Step, TaskKind


class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    kind: TaskKind = enum_field(TaskKind)
    subject: str = Field(default="", max_length=20)  # "TRK-01/2", "TRK-01", "P1"; "" for the others
    title: str = Field(default="", max_length=120)  # of a free task, as is the next
    done_when: str = Field(default="", max_length=300)
    note: str = Field(default="", max_length=500)
    mandatory: bool = False
    audience: Audience = enum_field(Audience)
    role: Role | None = enum_field(Role, default=None, nullable=True)
    from_staff: bool = False
    due: datetime  # the end of a day in China
    issued_by: int | None = Field(default=None, foreign_key="person.id")  # None: the portal
    responsible_id: int | None = Field(default=None, foreign_key="person.id")  # confirms what is said done
    issued_at: datetime
    withdrawn_at: datetime | None = None


class Assignment(SQLModel, table=True):
    """A task of one person."""

    __table_args__ = (UniqueConstraint("task_id", "person_id"),)
    id: int | None = Field(default=None, primary_key=True)
    task_id: int = Field(foreign_key="task.id", index=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    status: Status = enum_field(Status, default=Status.OPEN, index=True)
    assigned_at: datetime
    due: datetime  # the task's, or later for who came later
    told: Step = enum_field(Step, default=Step.NONE)
    tell_at: datetime | None = Field(default=None, index=True)  # when the next step comes
    said: str = Field(default="", max_length=500)  # what the person wrote when they said it is done
    said_at: datetime | None = None
    done_at: datetime | None = None
    how: How | None = enum_field(How, default=None, nullable=True)
    confirmed_by: int | None = Field(default=None, foreign_key="person.id")
    answer: str = Field(default="", max_length=300)  # why it was sent back
