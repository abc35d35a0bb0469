"""An organisation's verification."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from portal.files.models import StoredFile
from portal.organisations.models import Organisation
from portal.organisations.rules import Trust
from portal.review.models import Finding, Submission
from portal.review.queries import findings_of, latest_submission
from portal.verification.models import Verification


@dataclass(frozen=True)
class Standing:
    verification: Verification | None
    licence: StoredFile | None
    submission: Submission | None
    findings: list[Finding]


def verification_of(session: Session, organisation_id: int) -> Standing:
    row = session.exec(
        select(Verification, StoredFile)
        .join(StoredFile, col(Verification.licence_id) == col(StoredFile.id))
        .where(Verification.organisation_id == organisation_id)
    ).first()
    if row is None:
        return Standing(None, None, None, [])
    submission = latest_submission(session, "verification", row[0].id or 0)
    return Standing(
        row[0], row[1], submission, findings_of(session, submission.id or 0) if submission else []
    )


def organisations_to_freeze(session: Session, before: datetime) -> list[int]:
    """Provisional organisations registered before that time and without a submission that waits for staff."""
    waiting = select(Submission.organisation_id).where(
        Submission.subject_kind == "verification", col(Submission.status).in_(["submitted", "in_review"])
    )
    return [
        i
        for i in session.exec(
            select(Organisation.id).where(
                Organisation.trust == Trust.PROVISIONAL,
                Organisation.created_at < before,
                col(Organisation.id).not_in(waiting),
            )
        )
        if i is not None
    ]
