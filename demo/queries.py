"""What is in a database that holds the demo."""

from datetime import datetime

from sqlmodel import Session, col, select

from certification.exams.models import Sitting
from portal.organisations.models import Employment, Organisation
from portal.organisations.rules import Ending


def demo_organisations(session: Session) -> list[Organisation]:
    return list(
        session.exec(select(Organisation).where(col(Organisation.is_demo)).order_by(col(Organisation.id)))
    )


def who_left(session: Session) -> tuple[int, int, datetime] | None:
    """(person, organisation, when) of the first who left by themselves."""
    row = session.exec(
        select(Employment)
        .where(Employment.ending == Ending.LEFT, col(Employment.person_id).is_not(None))
        .order_by(col(Employment.id))
        .limit(1)
    ).first()
    return (row.person_id or 0, row.organisation_id, row.ended_at) if row and row.ended_at else None


def sittings_of_exam(session: Session, exam_id: int) -> list[Sitting]:
    """The oldest first."""
    return list(session.exec(select(Sitting).where(Sitting.exam_id == exam_id).order_by(col(Sitting.id))))
