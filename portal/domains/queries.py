"""Domains of organisations."""

from datetime import datetime

from sqlmodel import Session, col, func, select

from portal.accounts.models import Person
from portal.domains.models import OrganisationDomain
from portal.organisations.models import Employment
from portal.organisations.rules import EmploymentStatus

_PROVED = (col(OrganisationDomain.proved_at).is_not(None), col(OrganisationDomain.lost_at).is_(None))


def domains_of(session: Session, organisation_id: int) -> list[OrganisationDomain]:
    return list(
        session.exec(
            select(OrganisationDomain)
            .where(OrganisationDomain.organisation_id == organisation_id)
            .order_by(OrganisationDomain.domain)
        )
    )


def domain_in(session: Session, domain_id: int, organisation_id: int) -> OrganisationDomain | None:
    return session.exec(
        select(OrganisationDomain)
        .where(OrganisationDomain.id == domain_id, OrganisationDomain.organisation_id == organisation_id)
        .with_for_update()
    ).first()


def domain_named(session: Session, domain: str, organisation_id: int) -> OrganisationDomain | None:
    return session.exec(
        select(OrganisationDomain)
        .where(OrganisationDomain.domain == domain, OrganisationDomain.organisation_id == organisation_id)
        .with_for_update()
    ).first()


def proved_domains(session: Session, organisation_id: int) -> list[str]:
    return list(
        session.exec(
            select(OrganisationDomain.domain).where(
                OrganisationDomain.organisation_id == organisation_id, *_PROVED
            )
        )
    )


def proved_by_others(session: Session, domain: str, organisation_id: int) -> bool:
    return bool(
        session.exec(
            select(func.count())
            .select_from(OrganisationDomain)
            .where(
                OrganisationDomain.domain == domain,
                OrganisationDomain.organisation_id != organisation_id,
                *_PROVED,
            )
        ).one()
    )


def domain_by_link(
    session: Session, token_hash: str, now: datetime, *, lock: bool = False
) -> OrganisationDomain | None:
    query = select(OrganisationDomain).where(
        OrganisationDomain.token == token_hash, col(OrganisationDomain.expires_at) > now
    )
    return session.exec(query.with_for_update() if lock else query).first()


def domains_due(session: Session, now: datetime) -> list[int]:
    """Ids of domains for which the DNS is to be asked."""
    return [
        i
        for i in session.exec(
            select(OrganisationDomain.id).where(col(OrganisationDomain.due_at) <= now).limit(200)
        )
        if i is not None
    ]


def domain_to_check(session: Session, domain_id: int, now: datetime) -> OrganisationDomain | None:
    """The domain, locked, unless it is not due or in somebody's hands."""
    return session.exec(
        select(OrganisationDomain)
        .where(OrganisationDomain.id == domain_id, col(OrganisationDomain.due_at) <= now)
        .with_for_update(skip_locked=True)
    ).first()


def people_at_domain(session: Session, organisation_id: int, domain: str) -> list[Person]:
    """Who works for the organisation with a mailbox at that domain: whom a lost domain concerns."""
    return list(
        session.exec(
            select(Person)
            .join(Employment, col(Employment.person_id) == col(Person.id))
            .where(
                Employment.organisation_id == organisation_id,
                Employment.status == EmploymentStatus.CONFIRMED,
                col(Person.email).endswith("@" + domain, autoescape=True),
            )
            .order_by(col(Person.id))
        )
    )
