"""Credentials by address, number and holder."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, or_, select

from certification.credentials.models import Credential
from certification.credentials.rules import BIT_SET, CredentialStatus, Holder
from certification.standing.models import Level
from certification.standing.rules import LevelStatus
from portal.accounts.models import Person
from portal.notices.rules import reminder_due
from portal.organisations.models import Employment, Organisation
from portal.organisations.rules import EmploymentStatus

SUFFIXES = ("json", "jwt", "pdf", "png", "svg")


@dataclass(frozen=True)
class Shown:
    credential: Credential
    person: Person | None
    organisation: Organisation | None


def _shown() -> Any:
    return (
        select(Credential, Person, Organisation)
        .join(Person, col(Credential.person_id) == col(Person.id), isouter=True)
        .join(Organisation, col(Credential.organisation_id) == col(Organisation.id), isouter=True)
    )


def credential_by_uuid(session: Session, uuid: str) -> Shown | None:
    row = session.exec(_shown().where(Credential.uuid == uuid)).first()
    return Shown(*row) if row else None


def find_credential(session: Session, text: str) -> str | None:
    """The uuid behind a number, an address or a uuid; of several with a holder's number the one in force."""
    wanted = text.strip().rstrip("/").rsplit("/", 1)[-1]
    for suffix in SUFFIXES:
        wanted = wanted.removesuffix(f".{suffix}")
    in_force = col(Credential.status).in_([CredentialStatus.ACTIVE, CredentialStatus.SUSPENDED])
    return session.exec(
        select(Credential.uuid)
        .where(or_(Credential.uuid == wanted.lower(), Credential.number == wanted.upper()))
        .order_by(in_force.desc(), col(Credential.id).desc())
    ).first()


def standing_for(session: Session, old: Credential) -> str | None:
    """The uuid of the newest that took this one's place, if there is one."""
    query = select(Credential.uuid).where(
        col(Credential.id) > old.id,
        Credential.person_id == old.person_id,
        Credential.organisation_id == old.organisation_id,
        Credential.status != CredentialStatus.SUPERSEDED,
    )
    if old.person_id:
        query = query.where(Credential.code == old.code)
    else:
        query = query.where(col(Credential.code).startswith(old.code.split("-")[0] + "-"))
    return session.exec(query.order_by(col(Credential.id).desc())).first()


def on_probation(session: Session, credentials: Iterable[Credential]) -> set[int]:
    """Those of levels that are being put right, as everybody may read."""
    levels = {row.source_id: row.id or 0 for row in credentials if row.source_kind == "level"}
    if not levels:
        return set()
    rows = session.exec(
        select(Level.id).where(col(Level.id).in_(levels), Level.status == LevelStatus.PROBATION)
    )
    return {levels[level] for level in rows if level is not None}


def credentials_of_person(session: Session, person_id: int) -> list[Credential]:
    return list(
        session.exec(
            select(Credential).where(Credential.person_id == person_id).order_by(col(Credential.id).desc())
        )
    )


def credentials_of_organisation(session: Session, organisation_id: int) -> list[Credential]:
    return list(
        session.exec(
            select(Credential)
            .where(Credential.organisation_id == organisation_id)
            .order_by(col(Credential.id).desc())
        )
    )


def credentials_of_team(session: Session, organisation_id: int) -> list[tuple[Credential, str]]:
    """Personal ones of everybody who works there now, with the name."""
    rows = session.exec(
        select(Credential, Person.name)
        .join(Person, col(Credential.person_id) == col(Person.id))
        .join(Employment, col(Employment.person_id) == col(Person.id))
        .where(
            Employment.organisation_id == organisation_id,
            Employment.status == EmploymentStatus.CONFIRMED,
        )
        .order_by(col(Credential.id))
    )
    return [(credential, name) for credential, name in rows]


def in_force(
    session: Session, code: str, *, person_id: int | None = None, organisation_id: int | None = None
) -> list[Credential]:
    """Those that a new one replaces; locked."""
    query = select(Credential).where(
        Credential.code == code,
        col(Credential.status).in_([CredentialStatus.ACTIVE, CredentialStatus.SUSPENDED]),
    )
    query = (
        query.where(Credential.person_id == person_id)
        if person_id
        else query.where(Credential.organisation_id == organisation_id)
    )
    return list(session.exec(query.with_for_update()))


def holds(session: Session, person_id: int, code: str, at: datetime) -> bool:
    """Not suspended, and not yet expired."""
    return any(
        row.status is CredentialStatus.ACTIVE and row.valid_until > at
        for row in in_force(session, code, person_id=person_id)
    )


def organisation_in_force(session: Session, organisation_id: int, family: str) -> list[Credential]:
    """The credentials of one family's levels, whatever their stars; locked."""
    return list(
        session.exec(
            select(Credential)
            .where(
                Credential.organisation_id == organisation_id,
                col(Credential.code).startswith(f"{family}-"),
                col(Credential.status).in_([CredentialStatus.ACTIVE, CredentialStatus.SUSPENDED]),
            )
            .with_for_update()
        )
    )


def index_taken(session: Session, status_list: int, index: int) -> bool:
    return (
        session.exec(
            select(Credential.id).where(
                Credential.status_list == status_list, Credential.status_index == index
            )
        ).first()
        is not None
    )


def last_number(session: Session) -> int:
    """No more than so many were issued."""
    return session.exec(select(func.max(Credential.id))).one() or 0


def last_list(session: Session) -> int:
    return session.exec(select(func.max(Credential.status_list))).one() or 0


def certificates_to_remind(session: Session, days: Sequence[int], now: datetime) -> list[int]:
    """People's certificates in force at whose end one of these days is due to be told."""
    rows = session.exec(
        select(Credential.id, Credential.valid_until, Credential.reminded_d).where(
            Credential.holder == Holder.PERSON,
            Credential.status == CredentialStatus.ACTIVE,
            Credential.valid_until > now,
            Credential.valid_until <= now + timedelta(days=max(days)),
        )
    )
    return [i or 0 for i, until, told in rows if reminder_due(until, told, days, now) is not None]


def set_bits(session: Session, status_list: int) -> frozenset[int]:
    return frozenset(
        session.exec(
            select(Credential.status_index).where(
                Credential.status_list == status_list, col(Credential.status).in_(BIT_SET)
            )
        )
    )


def first_of_each_kind(session: Session, now: datetime) -> list[Credential]:
    """One example of a person's and one of an organisation's credential in force."""
    rows = session.exec(
        select(Credential)
        .where(Credential.status == CredentialStatus.ACTIVE, Credential.valid_until > now)
        .order_by(col(Credential.id))
    )
    examples: dict[str, Credential] = {}
    for row in rows:
        examples.setdefault(row.holder, row)
    return list(examples.values())


def example_of(session: Session, code: str, version: str) -> Credential | None:
    """A credential issued for this achievement; each says what the achievement is."""
    return session.exec(
        select(Credential).where(Credential.code == code, Credential.programme_version == version).limit(1)
    ).first()


def credentials_from(session: Session, source: tuple[str, int]) -> list[Credential]:
    """What was issued because of something, and is not revoked yet; locked."""
    return list(
        session.exec(
            select(Credential)
            .where(
                Credential.source_kind == source[0],
                Credential.source_id == source[1],
                Credential.status == CredentialStatus.ACTIVE,
            )
            .with_for_update()
        )
    )
