"""Which rules are in force."""

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from portal.programme.models import ProgrammeVersion
from portal.programme.rules import Programme

_read: dict[tuple[int, str], Programme] = {}  # versions never change once published


def programme_at(session: Session, at: datetime) -> Programme:
    """The version in force at that time."""
    row = session.exec(
        select(ProgrammeVersion.id, ProgrammeVersion.version)
        .where(ProgrammeVersion.effective_from <= at)
        .order_by(col(ProgrammeVersion.effective_from).desc())
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


def versions(session: Session) -> list[ProgrammeVersion]:
    """All that were published, the latest in force first."""
    return list(
        session.exec(
            select(ProgrammeVersion).order_by(
                col(ProgrammeVersion.effective_from).desc(), col(ProgrammeVersion.id).desc()
            )
        )
    )


def latest_version(session: Session) -> ProgrammeVersion | None:
    """The version that was published last, in force or not yet."""
    return session.exec(select(ProgrammeVersion).order_by(col(ProgrammeVersion.id).desc()).limit(1)).first()
