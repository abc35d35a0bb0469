"""Keep a self-test."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from portal.history.actions import record
from training.assessment.models import Assessment
from training.assessment.rules import claimed, counted, overall


def assess(
    session: Session, organisation_id: int, answers: Mapping[str, int], *, by: int, now: datetime
) -> Assessment:
    scores = claimed(answers)
    taken = counted(scores)
    row = Assessment(
        organisation_id=organisation_id,
        answers=dict(answers),
        claimed=scores,
        counted=taken,
        overall=overall(taken),
        taken_at=now,
        taken_by=by,
    )
    session.add(row)
    session.flush()
    record(
        session,
        "self-test taken",
        "assessment",
        row.id,
        by=by,
        now=now,
        organisation_id=organisation_id,
        after={"overall": row.overall},
    )
    return row
