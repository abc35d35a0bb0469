"""Public pages, consents, codes and their numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, func, select

from portal.accounts.models import Person
from portal.organisations.models import Employment, Organisation
from portal.organisations.rules import EmploymentStatus, Trust
from portal.people.models import Attribution, CodeScan, Consent, PersonCode, PersonPage
from portal.people.rules import Use


@dataclass(frozen=True)
class Public:
    page: PersonPage
    person: Person
    organisation: Organisation | None  # where they work now, when it is verified
    uses: frozenset[str]


def page_of(session: Session, person_id: int, *, lock: bool = False) -> PersonPage | None:
    return session.get(PersonPage, person_id, with_for_update=True if lock else None)


def uses_of(session: Session, person_id: int) -> frozenset[str]:
    """What the person agrees to now."""
    rows = session.exec(
        select(Consent.use).where(Consent.person_id == person_id, col(Consent.withdrawn_at).is_(None))
    )
    return frozenset(rows)


def consents_of(session: Session, person_id: int) -> list[Consent]:
    """All that was ever given, newest first."""
    return list(
        session.exec(select(Consent).where(Consent.person_id == person_id).order_by(col(Consent.id).desc()))
    )


def open_consents(session: Session, person_id: int, uses: Sequence[str]) -> list[Consent]:
    return list(
        session.exec(
            select(Consent).where(
                Consent.person_id == person_id,
                col(Consent.withdrawn_at).is_(None),
                col(Consent.use).in_(uses),
            )
        )
    )


def public_page(session: Session, slug: str) -> Public | None:
    """None when there is none, and when its person does not publish it: the two look the same."""
    row = session.exec(
        select(PersonPage, Person, Organisation)
        .join(Person, col(PersonPage.person_id) == col(Person.id))
        .join(
            Employment,
            (col(Employment.person_id) == col(Person.id)) & (Employment.status == EmploymentStatus.CONFIRMED),
            isouter=True,
        )
        .join(
            Organisation,
            (col(Employment.organisation_id) == col(Organisation.id))
            & (Organisation.trust == Trust.VERIFIED),
            isouter=True,
        )
        .where(PersonPage.slug == slug)
    ).first()
    if row is None:
        return None
    uses = uses_of(session, row[0].person_id)
    return Public(*row, uses) if Use.PAGE in uses else None


def code_by(session: Session, code: str) -> PersonCode | None:
    return session.exec(select(PersonCode).where(PersonCode.code == code)).first()


def code_of(session: Session, code_id: int, person_id: int, *, lock: bool = False) -> PersonCode | None:
    query = select(PersonCode).where(PersonCode.id == code_id, PersonCode.person_id == person_id)
    return session.exec(query.with_for_update() if lock else query).first()


def codes_in_use(session: Session, person_id: int) -> int:
    return session.exec(
        select(func.count())
        .select_from(PersonCode)
        .where(PersonCode.person_id == person_id, col(PersonCode.retired_at).is_(None))
    ).one()


def scanned_before(session: Session, code_id: int, visitor: str) -> bool:
    query = select(CodeScan.id).where(CodeScan.code_id == code_id, CodeScan.visitor == visitor)
    return session.exec(query.limit(1)).first() is not None


@dataclass(frozen=True)
class Numbers:
    scans: int
    visitors: int  # scans without repeats within a day
    registrations: int
    briefs: int


@dataclass(frozen=True)
class CodeNumbers:
    code: PersonCode
    numbers: Numbers


def _counted(kind: str) -> Any:
    return func.count(col(Attribution.id)).filter(col(Attribution.kind) == kind)


def code_numbers(session: Session, person_id: int) -> list[CodeNumbers]:
    """The person's codes with what came of each, newest first."""
    scans = (
        select(
            CodeScan.code_id,
            func.count().label("scans"),
            func.count().filter(~col(CodeScan.repeated)).label("visitors"),
        )
        .group_by(col(CodeScan.code_id))
        .subquery()
    )
    came = (
        select(
            Attribution.code_id,
            _counted("registration").label("registrations"),
            _counted("brief").label("briefs"),
        )
        .group_by(col(Attribution.code_id))
        .subquery()
    )
    rows = session.exec(
        select(PersonCode, scans.c.scans, scans.c.visitors, came.c.registrations, came.c.briefs)  # type: ignore[call-overload]
        .join(scans, scans.c.code_id == PersonCode.id, isouter=True)
        .join(came, came.c.code_id == PersonCode.id, isouter=True)
        .where(PersonCode.person_id == person_id)
        .order_by(col(PersonCode.retired_at).is_not(None), col(PersonCode.id).desc())
    )
    return [CodeNumbers(code, Numbers(*(n or 0 for n in numbers))) for code, *numbers in rows]


def scans_by_day(session: Session, person_id: int, since: date) -> list[tuple[date, int, int]]:
    """(day, scans, without repeats) of the person's codes, newest first; days without a scan are left out."""
    rows = session.exec(
        select(CodeScan.day, func.count(), func.count().filter(~col(CodeScan.repeated)))  # type: ignore[call-overload]
        .join(PersonCode, col(CodeScan.code_id) == col(PersonCode.id))
        .where(PersonCode.person_id == person_id, CodeScan.day >= since)
        .group_by(col(CodeScan.day))
        .order_by(col(CodeScan.day).desc())
    )
    return [(day, scans, visitors) for day, scans, visitors in rows]


@dataclass(frozen=True)
class TeamLine:
    name: str
    numbers: Numbers


def team_numbers(session: Session, organisation_id: int) -> list[TeamLine]:
    """What came to the organisation by its people's codes, by those who work there now; most scans first."""
    scans = (
        select(
            PersonCode.person_id,
            func.count().label("scans"),
            func.count().filter(~col(CodeScan.repeated)).label("visitors"),
        )
        .join(CodeScan, col(CodeScan.code_id) == col(PersonCode.id))
        .where(CodeScan.organisation_id == organisation_id)
        .group_by(col(PersonCode.person_id))
        .subquery()
    )
    came = (
        select(
            PersonCode.person_id,
            _counted("registration").label("registrations"),
            _counted("brief").label("briefs"),
        )
        .join(Attribution, col(Attribution.code_id) == col(PersonCode.id))
        .where(Attribution.organisation_id == organisation_id)
        .group_by(col(PersonCode.person_id))
        .subquery()
    )
    rows = session.exec(
        select(Person.name, scans.c.scans, scans.c.visitors, came.c.registrations, came.c.briefs)  # type: ignore[call-overload]
        .join(Employment, col(Employment.person_id) == col(Person.id))
        .join(scans, scans.c.person_id == Person.id)
        .join(came, came.c.person_id == Person.id, isouter=True)
        .where(Employment.organisation_id == organisation_id, Employment.status == EmploymentStatus.CONFIRMED)
        .order_by(scans.c.scans.desc(), col(Person.id))
    )
    return [TeamLine(name, Numbers(*(n or 0 for n in numbers))) for name, *numbers in rows]


@dataclass(frozen=True)
class Scanned:
    scan: CodeScan
    person_id: int


def scan_with_person(session: Session, scan_id: int, since: datetime) -> Scanned | None:
    row = session.exec(
        select(CodeScan, PersonCode.person_id)
        .join(PersonCode, col(CodeScan.code_id) == col(PersonCode.id))
        .where(CodeScan.id == scan_id, CodeScan.at > since)
    ).first()
    return Scanned(*row) if row else None


def attributed(session: Session, kind: str, subject_id: int) -> bool:
    return (
        session.exec(
            select(Attribution.id).where(Attribution.kind == kind, Attribution.subject_id == subject_id)
        ).first()
        is not None
    )
