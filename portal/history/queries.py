"""Timelines."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from portal.accounts.models import Person
from portal.history.models import History
from portal.organisations.models import Organisation


@dataclass(frozen=True)
class Entry:
    at: datetime
    actor: str | None  # None: the portal itself
    verb: str
    subject_kind: str
    subject_id: int
    organisation: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str


_COLUMNS: tuple[Any, ...] = (
    History.at,
    Person.name,
    History.verb,
    History.subject_kind,
    History.subject_id,
    Organisation.short_name,
    History.before,
    History.after,
    History.reason,
)


def timeline(session: Session, subject_kind: str, subject_id: int) -> list[Entry]:
    """What happened to one thing, newest first."""
    rows = session.exec(
        select(*_COLUMNS)
        .join(Person, isouter=True)
        .join(Organisation, isouter=True)
        .where(History.subject_kind == subject_kind, History.subject_id == subject_id)
        .order_by(col(History.at).desc(), col(History.id).desc())
    )
    return [Entry(*row) for row in rows]


def recent(session: Session, *, organisation_id: int | None = None, limit: int = 50) -> list[Entry]:
    """The latest changes, of one organisation or of all, newest first."""
    query = select(*_COLUMNS).join(Person, isouter=True).join(Organisation, isouter=True)
    if organisation_id is not None:
        query = query.where(History.organisation_id == organisation_id)
    return [
        Entry(*row)
        for row in session.exec(query.order_by(col(History.at).desc(), col(History.id).desc()).limit(limit))
    ]
