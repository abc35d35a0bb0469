"""Organisations and their people."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from portal.accounts.models import Person, StaffAppointment
from portal.organisations.models import Employment, EmploymentRole, Organisation, Storefront
from portal.organisations.rules import EmploymentStatus, Role


@dataclass(frozen=True)
class Held:
    """A role that somebody holds: until when (None: open), and who gave it (None: the portal)."""

    role: Role
    since: datetime
    until: datetime | None
    given_by: str | None


@dataclass(frozen=True)
class Member:
    employment_id: int
    person_id: int | None
    name: str
    email: str
    status: str
    since: datetime | None
    roles: tuple[Held, ...]

    def holds(self, role: str) -> bool:
        return any(held.role == role for held in self.roles)


def in_force(row: type[EmploymentRole | StaffAppointment], now: datetime) -> ColumnElement[bool]:
    """Roles begin when they are given and end on their day, if they have one."""
    return col(row.until).is_(None) | (col(row.until) > now)


def offer_complete() -> ColumnElement[bool]:
    """Storefronts with everything that `rules.missing_of_offer` asks for."""
    return (
        (col(Storefront.headline) != "")
        & (col(Storefront.fee_model) != "")
        & col(Storefront.price_low).is_not(None)
        & col(Storefront.price_high).is_not(None)
        & (col(Storefront.exclusions) != "")
    )


def code_taken(session: Session, credit_code: str) -> bool:
    return (
        session.exec(select(Organisation.id).where(Organisation.credit_code == credit_code)).first()
        is not None
    )


def organisation_by_code(session: Session, credit_code: str, *, lock: bool = False) -> Organisation | None:
    query = select(Organisation).where(Organisation.credit_code == credit_code)
    return session.exec(query.with_for_update() if lock else query).first()


def both_locked(session: Session, one: int, other: int) -> dict[int, Organisation]:
    """Two organisations, always locked in the same order: two who lock the same pair wait, and never for ever."""
    rows = session.exec(
        select(Organisation)
        .where(col(Organisation.id).in_([one, other]))
        .order_by(col(Organisation.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {row.id or 0: row for row in rows}


def slug_taken(session: Session, slug: str) -> bool:
    return session.exec(select(Organisation.id).where(Organisation.slug == slug)).first() is not None


def owners_of(session: Session, organisation_id: int) -> list[Person]:
    return list(
        session.exec(
            select(Person)
            .join(Employment, col(Employment.person_id) == col(Person.id))
            .join(EmploymentRole)
            .where(
                Employment.organisation_id == organisation_id,
                Employment.status == EmploymentStatus.CONFIRMED,
                EmploymentRole.role == Role.OWNER,
                col(EmploymentRole.until).is_(None),  # an owner has no last day
            )
            .order_by(col(Employment.id))
        )
    )


def members_of(session: Session, organisation_id: int, now: datetime) -> list[Member]:
    """Who works there now and who is invited, with their roles; owners first."""
    giver = aliased(Person)
    rows = session.exec(
        select(Employment, Person.name, EmploymentRole, giver.name)
        .join(Person, col(Employment.person_id) == col(Person.id), isouter=True)
        .join(
            EmploymentRole,
            (col(EmploymentRole.employment_id) == col(Employment.id)) & in_force(EmploymentRole, now),
            isouter=True,
        )
        .join(giver, col(EmploymentRole.given_by) == col(giver.id), isouter=True)
        .where(
            Employment.organisation_id == organisation_id, col(Employment.status) != EmploymentStatus.ENDED
        )
        .order_by(col(Employment.id), col(EmploymentRole.id))
    )
    members: dict[int, Member] = {}
    for employment, name, role, given_by in rows:
        held = (Held(role.role, role.since, role.until, given_by),) if role else ()
        key = employment.id or 0
        before = members.get(key)
        members[key] = Member(
            key,
            employment.person_id,
            name or "",
            employment.email,
            employment.status,
            employment.confirmed_at,
            (before.roles if before else ()) + held,
        )
    return sorted(members.values(), key=lambda m: (not m.holds(Role.OWNER), m.employment_id))


def roles_of(session: Session, employment_id: int, now: datetime) -> list[EmploymentRole]:
    return list(
        session.exec(
            select(EmploymentRole)
            .where(EmploymentRole.employment_id == employment_id, in_force(EmploymentRole, now))
            .order_by(col(EmploymentRole.id))
        )
    )


def employment_in(session: Session, employment_id: int, organisation_id: int) -> Employment | None:
    return session.exec(
        select(Employment)
        .where(Employment.id == employment_id, Employment.organisation_id == organisation_id)
        .with_for_update()
    ).first()


def worked_for(session: Session, person_id: int, organisation_id: int) -> bool:
    """Now or ever."""
    return (
        session.exec(
            select(Employment.id).where(
                Employment.person_id == person_id,
                Employment.organisation_id == organisation_id,
                col(Employment.confirmed_at).is_not(None),
            )
        ).first()
        is not None
    )


def open_employment(session: Session, person_id: int) -> Employment | None:
    return session.exec(
        select(Employment).where(
            Employment.person_id == person_id, Employment.status == EmploymentStatus.CONFIRMED
        )
    ).first()


def employment_invited(
    session: Session, token_hash: str, now: datetime, *, lock: bool = False
) -> tuple[Employment, Organisation] | None:
    query = (
        select(Employment, Organisation)
        .join(Organisation)
        .where(
            Employment.token_hash == token_hash,
            Employment.status == EmploymentStatus.INVITED,
            col(Employment.expires_at) > now,
        )
    )
    return session.exec(query.with_for_update(of=Employment) if lock else query).first()


def storefront_of(session: Session, organisation_id: int) -> Storefront | None:
    return session.get(Storefront, organisation_id)


def organisation_by_slug(session: Session, slug: str) -> Organisation | None:
    return session.exec(select(Organisation).where(Organisation.slug == slug)).first()
