"""An organisation's self-tests."""

from sqlmodel import Session, col, select

from training.assessment.models import Assessment


def assessments_of(session: Session, organisation_id: int, limit: int = 8) -> list[Assessment]:
    """Newest first."""
    return list(
        session.exec(
            select(Assessment)
            .where(Assessment.organisation_id == organisation_id)
            .order_by(col(Assessment.id).desc())
            .limit(limit)
        )
    )
