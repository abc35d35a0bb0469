"""Which files there are, and who opened them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Subquery
from sqlmodel import Session, col, func, select

from portal.accounts.models import Person
from portal.files.models import FileAccess, StoredFile, UnpackedFile
from portal.files.rules import PURPOSES, Purpose


def named(session: Session, hashes: Sequence[str]) -> set[str]:
    """Those of the hashes that a row names: a file as it was uploaded, or one out of an archive."""
    whole = select(StoredFile.sha256).where(col(StoredFile.sha256).in_(hashes))
    unpacked = select(UnpackedFile.sha256).where(col(UnpackedFile.sha256).in_(hashes))
    return {*session.exec(whole), *session.exec(unpacked)}


def unpacked_file(session: Session, archive_id: int, path: str) -> UnpackedFile | None:
    return session.exec(
        select(UnpackedFile).where(UnpackedFile.archive_id == archive_id, UnpackedFile.path == path)
    ).first()


@dataclass(frozen=True)
class Opening:
    at: datetime
    who: str
    file: str
    why: str  # catalogue key, or nothing


def openings(session: Session, file_ids: Sequence[int], limit: int = 50) -> list[Opening]:
    """Who opened these files when and what for, newest first. For their owners."""
    rows = session.exec(
        select(FileAccess.at, Person.name, StoredFile.name, FileAccess.purpose)
        .join(StoredFile, col(FileAccess.file_id) == col(StoredFile.id))
        .join(Person, col(FileAccess.person_id) == col(Person.id))
        .where(col(FileAccess.file_id).in_(file_ids))
        .order_by(col(FileAccess.id).desc())
        .limit(limit)
    )
    return [Opening(at, who, file, PURPOSES[Purpose(purpose)]) for at, who, file, purpose in rows]


def times_opened() -> Subquery:
    """(file_id, times) to be joined."""
    return (
        select(FileAccess.file_id, func.count().label("times")).group_by(col(FileAccess.file_id)).subquery()
    )
