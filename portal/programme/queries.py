"""Which rules are in force."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from portal.accounts.models import Person
from portal.programme.models import ProgrammeVersion
from portal.programme.rules import Programme

_read: dict[tuple[int, str], Programme] = {}  # versions never change once published


def programme_at(session: Session, at: datetime) -> Programme:
    """The version in force at that time."""
    row = session.exec(
        select(ProgrammeVersion.id, ProgrammeVersion.version)
        .where(ProgrammeVersion.effective_from <= at)
        .order_by(col(ProgrammeVersion.effective_from).desc(), col(ProgrammeVersion.id).desc())
        .limit(1)
    ).one()
    key = (row[0] or 0, row[1])
    if key not in _read:
        content = session.exec(select(ProgrammeVersion.content).where(ProgrammeVersion.id == key[0])).one()
        _read[key] = Programme(key[0], key[1], dict(content))
    return _read[key]


def programme_by_id(session: Session, version_id: int) -> Programme:
    """A version, whether in force or not."""
    row = session.get_one(ProgrammeVersion, version_id)
    return Programme(version_id, row.version, dict(row.content))


def programme_for_holder(session: Session, since: datetime, now: datetime) -> Programme:
    """The version by which something held since then is judged now: a newer one counts after the days it leaves holders."""
    days = int(programme_at(session, now)["lifecycle"]["rule_change_grandfather_d"])
    return programme_at(session, max(since, now - timedelta(days=days)))


def next_change_for_holder(session: Session, since: datetime, now: datetime) -> datetime | None:
    """The next moment from which something held since then may be judged by other rules; None while none is published."""
    days = timedelta(days=int(programme_at(session, now)["lifecycle"]["rule_change_grandfather_d"]))
    starts = session.exec(
        select(ProgrammeVersion.effective_from).where(
            ProgrammeVersion.effective_from > since, ProgrammeVersion.effective_from > now - days
        )
    )
    return min((m for start in starts for m in (start, start + days) if m > now), default=None)


@dataclass(frozen=True)
class Published:
    """A version without its content, for lists."""

    id: int
    version: str
    effective_from: datetime
    published_at: datetime
    by: str | None
    second: str | None
    reason: str


def published(session: Session) -> list[Published]:
    """All that were published, the latest in force first."""
    second = aliased(Person)
    columns: tuple[Any, ...] = (
        ProgrammeVersion.id,
        ProgrammeVersion.version,
        ProgrammeVersion.effective_from,
        ProgrammeVersion.published_at,
        Person.name,
        second.name,
        ProgrammeVersion.reason,
    )
    query = (
        select(*columns)
        .join(Person, col(Person.id) == col(ProgrammeVersion.published_by), isouter=True)
        .join(second, col(second.id) == col(ProgrammeVersion.second_by), isouter=True)
        .order_by(col(ProgrammeVersion.effective_from).desc(), col(ProgrammeVersion.id).desc())
    )
    return [Published(*row) for row in session.exec(query)]


def version_called(session: Session, name: str) -> ProgrammeVersion | None:
    return session.exec(select(ProgrammeVersion).where(ProgrammeVersion.version == name)).first()


def versions(session: Session) -> list[ProgrammeVersion]:
    """All that were published, the latest in force first."""
    return list(
        session.exec(
            select(ProgrammeVersion).order_by(
                col(ProgrammeVersion.effective_from).desc(), col(ProgrammeVersion.id).desc()
            )
        )
    )


def latest_version(session: Session, *, lock: bool = False) -> ProgrammeVersion | None:
    """The version that was published last, in force or not yet."""
    query = select(ProgrammeVersion).order_by(col(ProgrammeVersion.id).desc()).limit(1)
    return session.exec(query.with_for_update() if lock else query).first()
