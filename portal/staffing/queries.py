"""Who works on the platform."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from portal.accounts.models import Person, StaffAppointment
from portal.accounts.rules import StaffRole
from portal.organisations.queries import in_force


@dataclass(frozen=True)
class Appointed:
    id: int
    person_id: int
    name: str
    email: str
    role: StaffRole
    since: datetime
    until: datetime | None
    given_by: str | None  # None: when the portal was set up


def appointments(session: Session, now: datetime) -> list[Appointed]:
    """Everybody's roles in force, one query."""
    giver = aliased(Person)
    rows = session.exec(
        select(StaffAppointment, Person.name, Person.email, giver.name)
        .join(Person, col(StaffAppointment.person_id) == col(Person.id))
        .join(giver, col(StaffAppointment.given_by) == col(giver.id), isouter=True)
        .where(in_force(StaffAppointment, now))
        .order_by(Person.name, col(Person.id), col(StaffAppointment.id))
    )
    return [
        Appointed(row.id or 0, row.person_id, name, email, row.role, row.since, row.until, given_by)
        for row, name, email, given_by in rows
    ]


def appointment_in_force(
    session: Session, person_id: int, role: StaffRole, now: datetime
) -> StaffAppointment | None:
    return session.exec(
        select(StaffAppointment)
        .where(
            StaffAppointment.person_id == person_id,
            StaffAppointment.role == role,
            in_force(StaffAppointment, now),
        )
        .with_for_update()
    ).first()


def appointment(session: Session, appointment_id: int, now: datetime) -> StaffAppointment | None:
    return session.exec(
        select(StaffAppointment)
        .where(StaffAppointment.id == appointment_id, in_force(StaffAppointment, now))
        .with_for_update()
    ).first()


def administrators(session: Session, now: datetime) -> list[int]:
    """Ids of the administrators' appointments without a last day; locked, so that two do not end each other."""
    rows = session.exec(
        select(StaffAppointment)
        .where(
            StaffAppointment.role == StaffRole.ADMINISTRATOR,
            col(StaffAppointment.until).is_(None),
            StaffAppointment.since <= now,
        )
        .with_for_update()
    )
    return [row.id or 0 for row in rows]
