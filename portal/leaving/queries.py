"""Departures and exports."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, or_, select

from portal.accounts.models import Person
from portal.desk.parts import CONTRIBUTIONS, Line
from portal.files.models import StoredFile
from portal.leaving.models import Leaving, OrganisationExport
from portal.leaving.rules import AGAIN_AFTER, ExportStatus
from portal.organisations.models import Employment, EmploymentRole, Organisation
from portal.organisations.rules import Trust


def preview(session: Session, organisation_id: int) -> list[Line]:
    lines = [line for part in CONTRIBUTIONS.leave_preview for line in part(session, organisation_id)]
    return [line for line in lines if line.n]


def departure_of(session: Session, organisation_id: int, *, lock: bool = False) -> Leaving | None:
    """The one that is open: away, and nobody has taken its place."""
    query = select(Leaving).where(
        Leaving.organisation_id == organisation_id,
        col(Leaving.returned_at).is_(None),
        col(Leaving.successor_id).is_(None),
    )
    return session.exec(query.with_for_update() if lock else query).first()


def left_long_ago(
    session: Session, credit_code: str, before: datetime
) -> tuple[Leaving, Organisation] | None:
    """An organisation with this code that left before then; locked, for somebody wants to succeed it."""
    row = session.exec(
        select(Leaving, Organisation)
        .join(Organisation, col(Leaving.organisation_id) == col(Organisation.id))
        .where(
            Organisation.credit_code == credit_code,
            Organisation.trust == Trust.CLOSED,
            col(Leaving.returned_at).is_(None),
            col(Leaving.successor_id).is_(None),
            Leaving.left_at <= before,
        )
        .with_for_update()
    ).first()
    return (row[0], row[1]) if row else None


def succeeded_by(session: Session, organisation_id: int) -> list[Leaving]:
    return list(
        session.exec(
            select(Leaving)
            .where(Leaving.successor_id == organisation_id)
            .order_by(col(Leaving.id))
            .with_for_update()
        )
    )


def exports_of(session: Session, organisation_id: int) -> list[OrganisationExport]:
    """Newest first."""
    return list(
        session.exec(
            select(OrganisationExport)
            .where(OrganisationExport.organisation_id == organisation_id)
            .order_by(col(OrganisationExport.id).desc())
            .limit(10)
        )
    )


def export_waiting(session: Session, organisation_id: int) -> OrganisationExport | None:
    return session.exec(
        select(OrganisationExport).where(
            OrganisationExport.organisation_id == organisation_id,
            OrganisationExport.status == ExportStatus.WAITING,
        )
    ).first()


def export_ready(session: Session, organisation_id: int, now: datetime) -> OrganisationExport | None:
    return session.exec(
        select(OrganisationExport)
        .where(
            OrganisationExport.organisation_id == organisation_id,
            OrganisationExport.status == ExportStatus.READY,
            col(OrganisationExport.expires_at) > now,
        )
        .order_by(col(OrganisationExport.id).desc())
    ).first()


def export_file(
    session: Session, export_id: int, organisation_id: int, now: datetime
) -> tuple[OrganisationExport, StoredFile] | None:
    row = session.exec(
        select(OrganisationExport, StoredFile)
        .join(StoredFile, col(OrganisationExport.file_id) == col(StoredFile.id))
        .where(
            OrganisationExport.id == export_id,
            OrganisationExport.organisation_id == organisation_id,
            OrganisationExport.status == ExportStatus.READY,
            col(OrganisationExport.expires_at) > now,
        )
    ).first()
    return (row[0], row[1]) if row else None


def export_locked(session: Session, export_id: int) -> OrganisationExport | None:
    return session.exec(
        select(OrganisationExport)
        .where(OrganisationExport.id == export_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


def exports_due(session: Session, now: datetime) -> list[int]:
    """Asked for and not in hand, or left behind by a crash."""
    rows = session.exec(
        select(OrganisationExport.id).where(
            OrganisationExport.status == ExportStatus.WAITING,
            or_(
                col(OrganisationExport.claimed_at).is_(None),
                col(OrganisationExport.claimed_at) <= now - AGAIN_AFTER,
            ),
        )
    )
    return [i for i in rows if i is not None]


def exports_over(session: Session, now: datetime) -> list[int]:
    rows = session.exec(
        select(OrganisationExport.id).where(
            OrganisationExport.status == ExportStatus.READY, col(OrganisationExport.expires_at) <= now
        )
    )
    return [i for i in rows if i is not None]


@dataclass(frozen=True)
class Worked:
    """Somebody who works or worked there, is or was invited; with every role they held."""

    employment: Employment
    name: str
    roles: list[EmploymentRole]


def everybody_of(session: Session, organisation_id: int) -> list[Worked]:
    """Those who left too, in the order in which they came; one query."""
    rows = session.exec(
        select(Employment, Person.name, EmploymentRole)
        .join(Person, col(Employment.person_id) == col(Person.id), isouter=True)
        .join(EmploymentRole, col(EmploymentRole.employment_id) == col(Employment.id), isouter=True)
        .where(Employment.organisation_id == organisation_id)
        .order_by(col(Employment.id), col(EmploymentRole.id))
    )
    found: dict[int, Worked] = {}
    for employment, name, role in rows:
        one = found.setdefault(employment.id or 0, Worked(employment, name or "", []))
        if role is not None:
            one.roles.append(role)
    return list(found.values())
