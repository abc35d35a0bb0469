"""What is in a database that holds the demo."""

from sqlmodel import Session, col, select

from certification.exams.models import Sitting
from portal.organisations.models import Organisation


def demo_organisations(session: Session) -> list[Organisation]:
    return list(
        session.exec(select(Organisation).where(col(Organisation.is_demo)).order_by(col(Organisation.id)))
    )


def sittings_of_exam(session: Session, exam_id: int) -> list[Sitting]:
    """The oldest first."""
    return list(session.exec(select(Sitting).where(Sitting.exam_id == exam_id).order_by(col(Sitting.id))))
