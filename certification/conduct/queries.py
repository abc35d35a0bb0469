"""Complaints and sanctions as far as somebody may see them; what is due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, or_, select

from certification.conduct.models import Complaint, Sanction
from certification.conduct.rules import OPEN, QUARTER, SANCTION_OPEN, Measure, SanctionStatus
from portal.accounts.models import Person
from portal.files.models import StoredFile
from portal.ledger.models import Fact
from portal.ledger.rules import FactKind
from portal.organisations.models import Employment, Organisation

RESPONSE_SOURCE = "response"  # of a deduction for an answer that came late: the fact that says so


def _worked_for(person_id: int):  # type: ignore[no-untyped-def]
    return select(Employment.organisation_id).where(Employment.person_id == person_id)


@dataclass(frozen=True)
class ComplaintRow:
    complaint: Complaint
    organisation: Organisation


@dataclass(frozen=True)
class SanctionRow:
    sanction: Sanction
    organisation: Organisation


def complaint_for(
    session: Session, complaint_id: int, viewer_id: int, *, lock: bool = False
) -> ComplaintRow | None:
    """For staff; not of an organisation that they work or worked for."""
    query = (
        select(Complaint, Organisation)
        .join(Organisation, col(Complaint.organisation_id) == col(Organisation.id))
        .where(Complaint.id == complaint_id, col(Complaint.organisation_id).not_in(_worked_for(viewer_id)))
    )
    row = session.exec(query.with_for_update(of=Complaint) if lock else query).first()
    return ComplaintRow(*row) if row else None


def own_complaint(
    session: Session, complaint_id: int, organisation_id: int, *, lock: bool = False
) -> Complaint | None:
    query = select(Complaint).where(
        Complaint.id == complaint_id, Complaint.organisation_id == organisation_id
    )
    return session.exec(query.with_for_update() if lock else query).first()


def complaints_of(session: Session, organisation_id: int) -> list[Complaint]:
    return list(
        session.exec(
            select(Complaint)
            .where(Complaint.organisation_id == organisation_id)
            .order_by(col(Complaint.id).desc())
        )
    )


def complaint_queue(
    session: Session, viewer_id: int, *, closed: bool = False, limit: int = 100
) -> list[ComplaintRow]:
    """Those that somebody is to act on, oldest first; or the others, newest first."""
    among = col(Complaint.status).in_(OPEN)
    query = (
        select(Complaint, Organisation)
        .join(Organisation, col(Complaint.organisation_id) == col(Organisation.id))
        .where(~among if closed else among, col(Complaint.organisation_id).not_in(_worked_for(viewer_id)))
        .order_by(col(Complaint.id).desc() if closed else col(Complaint.id))
        .limit(limit)
    )
    return [ComplaintRow(*row) for row in session.exec(query)]


def sanction_for(
    session: Session, sanction_id: int, viewer_id: int, *, lock: bool = False
) -> SanctionRow | None:
    query = (
        select(Sanction, Organisation)
        .join(Organisation, col(Sanction.organisation_id) == col(Organisation.id))
        .where(Sanction.id == sanction_id, col(Sanction.organisation_id).not_in(_worked_for(viewer_id)))
    )
    row = session.exec(query.with_for_update() if lock else query).first()
    return SanctionRow(*row) if row else None


SEEN_BY_THEM = (
    SanctionStatus.WORKING,
    SanctionStatus.CONFIRMED,
    SanctionStatus.LAPSED,
    SanctionStatus.APPEALED,
    SanctionStatus.OVERTURNED,
)


def own_sanction(
    session: Session, sanction_id: int, organisation_id: int, *, lock: bool = False
) -> Sanction | None:
    query = select(Sanction).where(
        Sanction.id == sanction_id,
        Sanction.organisation_id == organisation_id,
        col(Sanction.status).in_(SEEN_BY_THEM),
    )
    return session.exec(query.with_for_update() if lock else query).first()


def sanctions_of(session: Session, organisation_id: int, *, own: bool = False) -> list[Sanction]:
    """Newest first. `own`: what the organisation itself may see, which no mere proposal is."""
    query = select(Sanction).where(Sanction.organisation_id == organisation_id)
    if own:
        query = query.where(
            col(Sanction.status).in_(SEEN_BY_THEM),
            or_(Sanction.status != SanctionStatus.LAPSED, col(Sanction.lapses_at).is_not(None)),
        )
    return list(session.exec(query.order_by(col(Sanction.id).desc())))


def open_sanction(
    session: Session, organisation_id: int, measure: Measure, family: str | None
) -> Sanction | None:
    """One of the same kind that waits already."""
    return session.exec(
        select(Sanction)
        .where(
            Sanction.organisation_id == organisation_id,
            Sanction.measure == measure,
            col(Sanction.family).is_(None) if family is None else Sanction.family == family,
            col(Sanction.status).in_([SanctionStatus.PROPOSED, SanctionStatus.WORKING]),
        )
        .limit(1)
    ).first()


def sanction_queue(
    session: Session, viewer_id: int, *, closed: bool = False, limit: int = 100
) -> list[SanctionRow]:
    among = col(Sanction.status).in_(SANCTION_OPEN)
    query = (
        select(Sanction, Organisation)
        .join(Organisation, col(Sanction.organisation_id) == col(Organisation.id))
        .where(~among if closed else among, col(Sanction.organisation_id).not_in(_worked_for(viewer_id)))
        .order_by(col(Sanction.id).desc() if closed else col(Sanction.id))
        .limit(limit)
    )
    return [SanctionRow(*row) for row in session.exec(query)]


def sanctions_to_lapse(session: Session, now: datetime) -> list[int]:
    return [
        i or 0
        for i in session.exec(
            select(Sanction.id).where(
                Sanction.status == SanctionStatus.WORKING, col(Sanction.lapses_at) <= now
            )
        )
    ]


def file_of(session: Session, complaint: Complaint) -> StoredFile | None:
    return session.get(StoredFile, complaint.file_id) if complaint.file_id else None


def evidence_files(session: Session, organisation_id: int) -> list[tuple[Complaint, StoredFile]]:
    rows = session.exec(
        select(Complaint, StoredFile)
        .join(StoredFile, col(Complaint.file_id) == col(StoredFile.id))
        .where(Complaint.organisation_id == organisation_id)
    )
    return [(complaint, file) for complaint, file in rows]


def names(session: Session, people: Sequence[int | None]) -> dict[int, str]:
    ids = {p for p in people if p is not None}
    return {
        i or 0: name
        for i, name in session.exec(select(Person.id, Person.name).where(col(Person.id).in_(ids)))
    }


# ——— Answers that came late ———


def recent_answers(session: Session, now: datetime, organisation_id: int | None = None) -> list[Fact]:
    """Answers to briefs of the last 90 days, and what was deducted for some of them in twice that time."""
    query = select(Fact).where(
        or_(
            (col(Fact.kind) == FactKind.RESPONSE) & (Fact.true_from > now - QUARTER),
            (col(Fact.kind) == FactKind.CONDUCT)
            & (Fact.source_kind == RESPONSE_SOURCE)
            & (Fact.true_from > now - 2 * QUARTER),
        ),
        col(Fact.organisation_id).is_not(None),
        Fact.true_from <= now,
    )
    if organisation_id is not None:
        query = query.where(Fact.organisation_id == organisation_id)
    return list(session.exec(query.order_by(col(Fact.true_from), col(Fact.id))))
