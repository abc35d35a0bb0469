"""Mergers, the preview of one, and what of an organisation would move."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, or_, select

from portal.desk.parts import CONTRIBUTIONS, Line
from portal.domains.models import OrganisationDomain
from portal.mergers.models import Merger
from portal.mergers.rules import MergerStatus
from portal.organisations.models import Employment, Organisation
from portal.organisations.rules import EmploymentStatus
from portal.review.models import Submission
from portal.review.rules import Status


def preview(session: Session, from_id: int, into_id: int) -> list[Line]:
    """Every line of every feature; what there is none of is left out."""
    lines = [line for part in CONTRIBUTIONS.merge_preview for line in part(session, from_id, into_id)]
    return [line for line in lines if line.n]


def how_many(session: Session, column: Any, organisation_id: int, *conditions: Any) -> int:
    """Rows whose `column` (a model's) names the organisation."""
    return int(
        session.exec(
            select(func.count()).select_from(column.class_).where(column == organisation_id, *conditions)
        ).one()
    )


def rows_of(
    session: Session, column: Any, organisation_id: int, *conditions: Any, lock: bool = True
) -> list[Any]:
    """The same rows in the order of their ids; locked to be moved, or to be read only."""
    model = column.class_
    query = select(model).where(column == organisation_id, *conditions).order_by(model.id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return list(session.exec(query))


@dataclass(frozen=True)
class Seen:
    merger: Merger
    gone: Organisation
    into: Organisation


def _seen() -> Any:
    gone, into = aliased(Organisation), aliased(Organisation)
    return (
        select(Merger, gone, into)
        .join(gone, col(Merger.from_id) == col(gone.id))
        .join(into, col(Merger.into_id) == col(into.id))
    )


def mergers_of(session: Session, organisation_id: int) -> list[Seen]:
    """Of either side, newest first."""
    rows = session.exec(
        _seen()
        .where(or_(Merger.from_id == organisation_id, Merger.into_id == organisation_id))
        .order_by(col(Merger.id).desc())
        .limit(20)
    )
    return [Seen(*row) for row in rows]


def merger_seen(session: Session, merger_id: int, organisation_id: int) -> Seen | None:
    row = session.exec(
        _seen().where(
            Merger.id == merger_id,
            or_(Merger.from_id == organisation_id, Merger.into_id == organisation_id),
        )
    ).first()
    return Seen(*row) if row else None


def merger_locked(session: Session, merger_id: int) -> Merger:
    return session.exec(
        select(Merger)
        .where(Merger.id == merger_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def proposed_from(session: Session, organisation_id: int) -> Merger | None:
    return session.exec(
        select(Merger).where(Merger.from_id == organisation_id, Merger.status == MergerStatus.PROPOSED)
    ).first()


def proposals_of(session: Session, organisation_id: int) -> list[Merger]:
    return list(
        session.exec(
            select(Merger)
            .where(
                or_(Merger.from_id == organisation_id, Merger.into_id == organisation_id),
                Merger.status == MergerStatus.PROPOSED,
            )
            .order_by(col(Merger.id))
            .with_for_update()
        )
    )


def went_into(session: Session, organisation_id: int) -> Organisation | None:
    """Where a merged organisation lives on, at the end of the line; None when it went nowhere."""
    found: Organisation | None = None
    at = organisation_id
    for _ in range(20):
        row = session.exec(
            select(Organisation)
            .join(Merger, col(Merger.into_id) == col(Organisation.id))
            .where(Merger.from_id == at, Merger.status == MergerStatus.CONFIRMED)
        ).first()
        if row is None:
            return found
        found, at = row, row.id or 0
    return found


def merged_slug(session: Session, slug: str) -> str | None:
    """The present address of an organisation that was merged."""
    organisation_id = session.exec(select(Organisation.id).where(Organisation.slug == slug)).first()
    into = went_into(session, organisation_id) if organisation_id else None
    return into.slug if into else None


# What the ground floor itself holds


def invited_in_both(session: Session, from_id: int, into_id: int) -> list[Employment]:
    """Invitations of one side to people whom the other side has; they are of no use any more."""
    rows = list(
        session.exec(
            select(Employment)
            .where(
                col(Employment.organisation_id).in_([from_id, into_id]),
                col(Employment.status) != EmploymentStatus.ENDED,
            )
            .order_by(col(Employment.id))
        )
    )
    confirmed = {row.email for row in rows if row.status is EmploymentStatus.CONFIRMED}
    twice: list[Employment] = []
    invited: set[str] = set()
    for row in rows:
        if row.status is EmploymentStatus.INVITED:
            if row.email in confirmed or row.email in invited:
                twice.append(row)
            invited.add(row.email)
    return twice


def submissions_of(
    session: Session, organisation_id: int, kinds: tuple[str, ...], *, of: bool, status: tuple[Status, ...]
) -> list[Submission]:
    """Submissions of these kinds (or, with `of` False, of all others) in these states."""
    kind = col(Submission.subject_kind)
    return list(
        session.exec(
            select(Submission)
            .where(
                Submission.organisation_id == organisation_id,
                kind.in_(kinds) if of else kind.not_in(kinds),
                col(Submission.status).in_(status),
            )
            .order_by(col(Submission.id))
        )
    )


def domains_of_both(
    session: Session, from_id: int, into_id: int
) -> list[tuple[OrganisationDomain, OrganisationDomain | None]]:
    """Each domain of the first with the same domain of the second."""
    own = {
        row.domain: row
        for row in session.exec(
            select(OrganisationDomain).where(OrganisationDomain.organisation_id == into_id)
        )
    }
    rows = session.exec(
        select(OrganisationDomain)
        .where(OrganisationDomain.organisation_id == from_id)
        .order_by(col(OrganisationDomain.id))
    )
    return [(row, own.get(row.domain)) for row in rows]
