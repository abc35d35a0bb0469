"""Write down what happened, in the transaction in which it happened."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from portal.history.models import History


def record(
    session: Session,
    verb: str,
    subject_kind: str,
    subject_id: int | None,
    *,
    by: int | None,
    now: datetime,
    organisation_id: int | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
) -> None:
    """`by` is a person's id, None for the portal itself. `verb` is a catalogue key such as "case published"."""
    if subject_id is None:
        raise ValueError("flush the subject before recording it")
    session.add(
        History(
            at=now,
            actor_id=by,
            subject_kind=subject_kind,
            subject_id=subject_id,
            verb=verb,
            organisation_id=organisation_id,
            before=before,
            after=after,
            reason=reason,
        )
    )
