"""The queue, and one submission with its findings."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, or_, select

from portal.accounts.models import Person
from portal.organisations.models import Employment, Organisation
from portal.review.models import Finding, Submission
from portal.review.rules import OPEN, Status


@dataclass(frozen=True)
class Queued:
    id: int
    subject_kind: str
    subject_id: int
    status: str
    submitted_at: datetime
    due_at: datetime | None
    organisation: str
    reviewer_id: int | None
    reviewer: str | None


def _employers(person_id: int):  # type: ignore[no-untyped-def]
    """Every organisation the person works or worked for: they never review it."""
    return select(Employment.organisation_id).where(
        Employment.person_id == person_id, col(Employment.confirmed_at).is_not(None)
    )


def review_queue(session: Session, viewer_id: int, kinds: Iterable[str], *, limit: int = 100) -> list[Queued]:
    """What waits for a decision and this person may review, first the clock that runs out first."""
    reviewer = aliased(Person)
    rows = session.exec(
        select(
            Submission.id,
            Submission.subject_kind,
            Submission.subject_id,
            Submission.status,
            Submission.submitted_at,  # type: ignore[call-overload]
            Submission.due_at,
            Organisation.short_name,
            Submission.reviewer_id,
            reviewer.name,
        )
        .join(Organisation, col(Submission.organisation_id) == col(Organisation.id))
        .join(reviewer, col(Submission.reviewer_id) == reviewer.id, isouter=True)
        .where(
            col(Submission.status).in_(OPEN),
            col(Submission.subject_kind).in_(list(kinds)),
            col(Submission.organisation_id).not_in(_employers(viewer_id)),
        )
        .order_by(Submission.due_at, Submission.id)
        .limit(limit)
    )
    return [Queued(*row) for row in rows]


def queue_counts(session: Session, viewer_id: int) -> dict[str, int]:
    """Waiting submissions by kind."""
    return dict(
        session.exec(
            select(Submission.subject_kind, func.count())
            .where(
                col(Submission.status).in_(OPEN),
                col(Submission.organisation_id).not_in(_employers(viewer_id)),
            )
            .group_by(Submission.subject_kind)
        ).all()
    )


def submission_for_review(
    session: Session, submission_id: int, viewer_id: int, kinds: Iterable[str], *, lock: bool = False
) -> Submission | None:
    """None when it is not there, not this person's to see, or a conflict of interest."""
    query = select(Submission).where(
        Submission.id == submission_id,
        col(Submission.subject_kind).in_(list(kinds)),
        col(Submission.organisation_id).not_in(_employers(viewer_id)),
        or_(col(Submission.submitted_by) != viewer_id),
    )
    return session.exec(query.with_for_update() if lock else query).first()


def latest_submission(session: Session, subject_kind: str, subject_id: int) -> Submission | None:
    return session.exec(
        select(Submission)
        .where(Submission.subject_kind == subject_kind, Submission.subject_id == subject_id)
        .order_by(col(Submission.id).desc())
        .limit(1)
    ).first()


def submissions_waiting_for(session: Session, organisation_id: int) -> list[Submission]:
    """Where it is this organisation's turn."""
    return list(
        session.exec(
            select(Submission).where(
                Submission.organisation_id == organisation_id, Submission.status == Status.ACTION_REQUIRED
            )
        )
    )


def findings_of(session: Session, submission_id: int) -> list[Finding]:
    """All rounds, oldest first."""
    return list(
        session.exec(
            select(Finding)
            .where(Finding.submission_id == submission_id)
            .order_by(col(Finding.round), col(Finding.id))
        )
    )


def clocks_beyond(session: Session, at: datetime) -> int:
    """How many submissions are to be decided after that moment."""
    return session.exec(
        select(func.count()).select_from(Submission).where(col(Submission.due_at) >= at)
    ).one()
