"""Departures, their open lines, and who is to be asked whether they still work there."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, or_, select

from portal.accounts.models import Person
from portal.departures.models import Departure, Handover, MailboxCheck
from portal.departures.rules import WAITS, Answer, Why
from portal.domains.models import OrganisationDomain
from portal.organisations.models import Employment, Organisation
from portal.organisations.queries import members_of
from portal.organisations.rules import EmploymentStatus, Trust
from portal.programme.rules import Programme


def departure_in(session: Session, employment_id: int, organisation_id: int) -> tuple[Departure, str] | None:
    """(departure, the person's name) of this organisation."""
    return session.exec(
        select(Departure, Person.name)
        .join(Person, col(Departure.person_id) == col(Person.id))
        .where(Departure.employment_id == employment_id, Departure.organisation_id == organisation_id)
    ).first()


def departures_of(
    session: Session, organisation_id: int, since: datetime
) -> list[tuple[Departure, str, int]]:
    """(departure, name, how many lines are open), newest first."""
    lines = (
        select(func.count())
        .where(Handover.departure_id == Departure.id, col(Handover.done_at).is_(None))
        .scalar_subquery()
    )
    return list(
        session.exec(
            select(Departure, Person.name, lines)
            .join(Person, col(Departure.person_id) == col(Person.id))
            .where(Departure.organisation_id == organisation_id, Departure.at > since)
            .order_by(col(Departure.at).desc(), col(Departure.id).desc())
        )
    )


def departure_by_link(
    session: Session, token_hash: str, now: datetime, *, lock: bool = False
) -> tuple[Departure, str, Organisation] | None:
    """What a client is asked, while it may answer."""
    query = (
        select(Departure, Person.name, Organisation)
        .join(Person, col(Departure.person_id) == col(Person.id))
        .join(Organisation, col(Departure.organisation_id) == col(Organisation.id))
        .where(
            Departure.token_hash == token_hash,
            col(Departure.answered_at).is_(None),
            col(Departure.expires_at) > now,
        )
    )
    return session.exec(
        query.with_for_update(of=Departure) if lock else query, execution_options={"populate_existing": lock}
    ).first()


def last_departure(session: Session, person_id: int, since: datetime) -> tuple[Departure, str] | None:
    """(departure, the organisation's name)"""
    return session.exec(
        select(Departure, Organisation.short_name)
        .join(Organisation, col(Departure.organisation_id) == col(Organisation.id))
        .where(Departure.person_id == person_id, Departure.at > since)
        .order_by(col(Departure.id).desc())
        .limit(1)
    ).first()


def lines_of(session: Session, departure_id: int, *, lock: bool = False) -> list[tuple[Handover, str | None]]:
    """(line, who has it now)"""
    query = (
        select(Handover, Person.name)
        .join(Person, col(Handover.assigned_to) == col(Person.id), isouter=True)
        .where(Handover.departure_id == departure_id)
        .order_by(col(Handover.id))
    )
    return list(
        session.exec(
            query.with_for_update(of=Handover) if lock else query,
            execution_options={"populate_existing": lock},
        )
    )


def lines_about(session: Session, kind: str, subject_id: int) -> list[Handover]:
    """Open lines, locked."""
    return list(
        session.exec(
            select(Handover)
            .where(Handover.kind == kind, Handover.subject_id == subject_id, col(Handover.done_at).is_(None))
            .with_for_update()
        )
    )


def open_lines(session: Session, departure_id: int) -> int:
    return session.exec(
        select(func.count())
        .select_from(Handover)
        .where(Handover.departure_id == departure_id, col(Handover.done_at).is_(None))
    ).one()


def handovers_due(session: Session, now: datetime) -> list[int]:
    """Departures whose list ran out of time."""
    return [
        i
        for i in session.exec(
            select(Departure.id).where(
                col(Departure.handover_due_at) <= now,
                col(Departure.handed_over_at).is_(None),
                col(Departure.escalated_at).is_(None),
            )
        )
        if i is not None
    ]


@dataclass(frozen=True)
class Colleague:
    person_id: int
    name: str
    roles: frozenset[str]


def colleagues_of(session: Session, organisation_id: int, now: datetime) -> list[Colleague]:
    """Who works there now."""
    return [
        Colleague(m.person_id, m.name, frozenset(held.role for held in m.roles))
        for m in members_of(session, organisation_id, now)
        if m.status == EmploymentStatus.CONFIRMED and m.person_id is not None
    ]


def holding(programme: Programme, right: str, colleagues: list[Colleague]) -> list[Colleague]:
    """Whose roles hold the right, whatever the organisation's step."""
    roles = set(programme["rights"]["table"][right]["roles"])
    return [c for c in colleagues if c.roles & roles]


# Staff


@dataclass(frozen=True)
class StaffLine:
    departure: Departure
    person: str
    organisation_id: int
    organisation: str
    open_lines: int


def departures_for_staff(session: Session, since: datetime, limit: int = 100) -> list[StaffLine]:
    """Those that the client denied and those whose list went to an owner by itself, newest first."""
    lines = (
        select(func.count())
        .where(Handover.departure_id == Departure.id, col(Handover.done_at).is_(None))
        .scalar_subquery()
    )
    rows = session.exec(
        select(Departure, Person.name, Organisation.id, Organisation.short_name, lines)  # type: ignore[call-overload]
        .join(Person, col(Departure.person_id) == col(Person.id))
        .join(Organisation, col(Departure.organisation_id) == col(Organisation.id))
        .where(
            or_(
                (col(Departure.answer) == Answer.NO) & (col(Departure.answered_at) > since),
                col(Departure.escalated_at) > since,
            )
        )
        .order_by(col(Departure.id).desc())
        .limit(limit)
    )
    return [StaffLine(*row) for row in rows]


def denied(session: Session, since: datetime) -> int:
    return session.exec(
        select(func.count())
        .select_from(Departure)
        .where(Departure.answer == Answer.NO, col(Departure.answered_at) > since)
    ).one()


def escalated(session: Session, since: datetime) -> int:
    return session.exec(
        select(func.count()).select_from(Departure).where(col(Departure.escalated_at) > since)
    ).one()


# Mailboxes


def people_to_ask(session: Session, now: datetime, every: timedelta) -> list[tuple[int, Why]]:
    """(employment, why): at a domain that fails, not asked since; or at a proved one, not asked for so long."""
    asked = (
        select(MailboxCheck.employment_id, func.max(MailboxCheck.asked_at).label("at"))
        .group_by(col(MailboxCheck.employment_id))
        .subquery()
    )
    waiting = select(MailboxCheck.employment_id).where(col(MailboxCheck.status).in_(WAITS))
    fails = col(OrganisationDomain.failed_at).is_not(None)
    rows = session.exec(
        select(Employment.id, OrganisationDomain.failed_at)
        .join(Person, col(Employment.person_id) == col(Person.id))
        .join(Organisation, col(Employment.organisation_id) == col(Organisation.id))
        .join(
            OrganisationDomain,
            (col(OrganisationDomain.organisation_id) == col(Employment.organisation_id))
            & col(Person.email).like("%@" + col(OrganisationDomain.domain)),
        )
        .join(asked, asked.c.employment_id == Employment.id, isouter=True)
        .where(
            Employment.status == EmploymentStatus.CONFIRMED,
            Organisation.trust != Trust.CLOSED,
            col(OrganisationDomain.proved_at).is_not(None),
            col(Employment.id).not_in(waiting),
            or_(
                fails
                & (asked.c.at.is_(None) | (asked.c.at < OrganisationDomain.failed_at))
                & (col(Employment.confirmed_at) < OrganisationDomain.failed_at),
                ~fails
                & (col(Employment.confirmed_at) <= now - every)
                & (asked.c.at.is_(None) | (asked.c.at <= now - every)),
            ),
        )
        .order_by(col(Employment.id))
        .limit(500)
    )
    return [(i, Why.DOMAIN if failed else Why.PERIOD) for i, failed in rows if i is not None]


def checks_due(session: Session, now: datetime) -> list[int]:
    return [
        i
        for i in session.exec(
            select(MailboxCheck.id).where(col(MailboxCheck.status).in_(WAITS), MailboxCheck.due_at <= now)
        )
        if i is not None
    ]


def check_waiting(session: Session, employment_id: int) -> MailboxCheck | None:
    """Locked."""
    return session.exec(
        select(MailboxCheck)
        .where(MailboxCheck.employment_id == employment_id, col(MailboxCheck.status).in_(WAITS))
        .with_for_update()
    ).first()


def check_by_link(session: Session, token_hash: str) -> tuple[MailboxCheck, Organisation] | None:
    """What a mailbox is asked, while the question is open."""
    return session.exec(
        select(MailboxCheck, Organisation)
        .join(Organisation, col(MailboxCheck.organisation_id) == col(Organisation.id))
        .where(MailboxCheck.token_hash == token_hash, col(MailboxCheck.status).in_(WAITS))
    ).first()


def checks_of(session: Session, organisation_id: int) -> dict[int, MailboxCheck]:
    """Employment → the question that the owners have to answer."""
    return {
        check.employment_id: check
        for check in session.exec(
            select(MailboxCheck).where(
                MailboxCheck.organisation_id == organisation_id,
                MailboxCheck.status == WAITS[1],
            )
        )
    }
