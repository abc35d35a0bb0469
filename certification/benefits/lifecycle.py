"""Benefits when an organisation merges or is exported. When it leaves, they follow its trust."""

from sqlmodel import Session

from certification.benefits.models import BenefitGrant
from certification.benefits.queries import open_bookings, uses_of
from portal.desk.parts import Copies, Fate, Line
from portal.leaving.rules import as_data
from portal.mergers.queries import rows_of
from portal.refusal import mark


def merge_preview(session: Session, from_id: int, _into_id: int) -> list[Line]:
    return [
        Line(
            mark("Booked benefits, which are cancelled: %(n)s"),
            Fate.ENDS,
            len(open_bookings(session, from_id)),
            mark("The remaining organisation keeps its own; its stars bring what they bring."),
        )
    ]


def leave_preview(session: Session, organisation_id: int) -> list[Line]:
    return [
        Line(
            mark("Booked benefits, which are cancelled: %(n)s"),
            Fate.ENDS,
            len(open_bookings(session, organisation_id)),
        )
    ]


def export(session: Session, organisation_id: int) -> Copies:
    grants = rows_of(session, BenefitGrant.organisation_id, organisation_id, lock=False)
    return Copies(
        {
            "benefits.json": [as_data(row) for row in grants],
            "benefit-account.json": [as_data(row) for row in uses_of(session, organisation_id)],
        }
    )
