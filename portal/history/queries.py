"""Timelines, and the chain from its first row to its end."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from portal.accounts.models import Person
from portal.history.chain import Link
from portal.history.models import History, HistoryEnd, HistoryHead
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
    after: dict[str, Any] | None  # with the personal part, unless it was erased
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
    History.personal,
)


def _entry(row: Any) -> Entry:
    *shown, personal = row
    entry = Entry(*shown)
    return replace(entry, after={**(entry.after or {}), **personal}) if personal else entry


def timeline(session: Session, subject_kind: str, subject_id: int) -> list[Entry]:
    """What happened to one thing, newest first."""
    rows = session.exec(
        select(*_COLUMNS)
        .join(Person, isouter=True)
        .join(Organisation, isouter=True)
        .where(History.subject_kind == subject_kind, History.subject_id == subject_id)
        .order_by(col(History.at).desc(), col(History.id).desc())
    )
    return [_entry(row) for row in rows]


def recent(session: Session, *, organisation_id: int | None = None, limit: int = 50) -> list[Entry]:
    """The latest changes, of one organisation or of all, newest first."""
    query = select(*_COLUMNS).join(Person, isouter=True).join(Organisation, isouter=True)
    if organisation_id is not None:
        query = query.where(History.organisation_id == organisation_id)
    return [
        _entry(row)
        for row in session.exec(query.order_by(col(History.at).desc(), col(History.id).desc()).limit(limit))
    ]


def end_of_chain(session: Session, *, lock: bool = False) -> HistoryEnd:
    query = select(HistoryEnd).execution_options(populate_existing=True)
    return session.exec(query.with_for_update() if lock else query).one()


_LINK: tuple[Any, ...] = tuple(getattr(History, field.name) for field in fields(Link))


def unsealed(session: Session) -> list[Link]:
    """Rows of this transaction that have no number yet, as the database gives them back."""
    query = select(*_LINK).where(col(History.seq).is_(None)).order_by(col(History.id))
    return [Link(*row) for row in session.exec(query)]


def chain(session: Session) -> Iterator[Link]:
    """Every row in the order of the numbers, a thousand at a time; those without a number last."""
    query = select(*_LINK).order_by(col(History.seq).nulls_last(), col(History.id))
    for row in session.exec(query.execution_options(yield_per=1000)):
        yield Link(*row)


def head_of(session: Session, day: date) -> HistoryHead | None:
    return session.get(HistoryHead, day)


def heads(session: Session, *, unexported: bool = False) -> list[HistoryHead]:
    """The heads of all days, oldest first."""
    query = select(HistoryHead).order_by(col(HistoryHead.day))
    return list(session.exec(query.where(col(HistoryHead.exported_at).is_(None)) if unexported else query))
