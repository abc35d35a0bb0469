"""Complaints and sanctions when an organisation merges or is exported."""

from typing import Any

from sqlmodel import Session

from certification.conduct.models import Complaint
from certification.conduct.queries import evidence_files, sanctions_of
from portal.desk.parts import Copies, Fate, Line
from portal.leaving.rules import as_data
from portal.mergers.own import move
from portal.mergers.queries import how_many, rows_of
from portal.refusal import mark


def merge_preview(session: Session, from_id: int, _into_id: int) -> list[Line]:
    return [
        Line(
            mark("Complaints, with what was deducted for them: %(n)s"),
            Fate.MOVES,
            how_many(session, Complaint.organisation_id, from_id),
        ),
        Line(
            mark("Sanctions: %(n)s"),
            Fate.STAYS,
            len(sanctions_of(session, from_id, own=True)),
            mark("They were about that registration."),
        ),
    ]


def merge(session: Session, from_id: int, into_id: int, **_: Any) -> dict[str, list[int]]:
    return move(session, Complaint.organisation_id, from_id, into_id)


def export(session: Session, organisation_id: int) -> Copies:
    """What the organisation may read: no names of complainants, no proposals, no names of staff."""
    hidden = ("complainant", "opened_by", "decided_by", "confirmed_by", "remedied_by", "appeal_decided_by")
    complaints = rows_of(session, Complaint.organisation_id, organisation_id, lock=False)
    return Copies(
        {
            "complaints.json": [_complaint(row, hidden) for row in complaints],
            "sanctions.json": [
                as_data(row, leave_out=("proposed_by", "decided_by", "word", "appeal_decided_by"))
                for row in sanctions_of(session, organisation_id, own=True)
            ],
        },
        {f"complaints/{row.id}-{file.name}": file for row, file in evidence_files(session, organisation_id)},
    )


def _complaint(row: Complaint, hidden: tuple[str, ...]) -> dict[str, Any]:
    """What staff propose to one another is theirs until it is confirmed."""
    proposed = ("status", "reason", "decided_at") if row.status in ("proposed", "heard") else ()
    return as_data(row, leave_out=(*hidden, *proposed))
