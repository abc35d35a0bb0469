"""Organisations and their people."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from portal.accounts.models import Person
from portal.organisations.models import Employment, Organisation, Storefront
from portal.organisations.rules import EmploymentStatus, Role


@dataclass(frozen=True)
class Member:
    employment_id: int
    person_id: int | None
    name: str
    email: str
    role: str
    status: str
    since: datetime | None


def code_taken(session: Session, credit_code: str) -> bool:
    return (
        session.exec(select(Organisation.id).where(Organisation.credit_code == credit_code)).first()
        is not None
    )


def slug_taken(session: Session, slug: str) -> bool:
    return session.exec(select(Organisation.id).where(Organisation.slug == slug)).first() is not None


def owners_of(session: Session, organisation_id: int) -> list[Person]:
    return list(
        session.exec(
            select(Person)
            .join(Employment, col(Employment.person_id) == col(Person.id))
            .where(
                Employment.organisation_id == organisation_id,
                Employment.role == Role.OWNER,
                Employment.status == EmploymentStatus.CONFIRMED,
            )
        )
    )


def members_of(session: Session, organisation_id: int) -> list[Member]:
    """Who works there now and who is invited; owners first."""
    rows = session.exec(
        select(
            Employment.id,
            Employment.person_id,
            Person.name,
            Employment.email,
            Employment.role,
            Employment.status,
            Employment.confirmed_at,
        )  # type: ignore[call-overload]
        .join(Person, col(Employment.person_id) == col(Person.id), isouter=True)
        .where(
            Employment.organisation_id == organisation_id, col(Employment.status) != EmploymentStatus.ENDED
        )
        .order_by(col(Employment.role).desc(), Employment.id)
    )
    return [Member(r[0], r[1], r[2] or "", *r[3:]) for r in rows]


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
