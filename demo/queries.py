"""What is in a database that holds the demo."""

from sqlmodel import Session, col, select

from portal.organisations.models import Organisation


def demo_organisations(session: Session) -> list[Organisation]:
    return list(
        session.exec(select(Organisation).where(col(Organisation.is_demo)).order_by(col(Organisation.id)))
    )
