"""Keep a file, read it back with a note of who did, remove what no row names."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from sqlmodel import Session, col, delete

from portal.files import store
from portal.files.models import FileAccess, StoredFile, UnpackedFile
from portal.files.queries import named
from portal.files.rules import Kind, Purpose, accept

ORPHAN_AFTER = timedelta(days=1)  # longer than any transaction between bytes and row


def store_file(
    session: Session,
    name: str,
    content: bytes,
    *,
    kind: Kind,
    organisation_id: int | None,
    by: int,
    now: datetime,
) -> StoredFile:
    """Check and keep a document; Refused with a sentence when it isn't one or the store is silent.

    Bytes first, row second: a crash between them leaves bytes that the sweep removes, never a row without bytes.
    """
    name, media_type = accept(name, content, kind)
    return keep_file(
        session, name, content, media_type=media_type, organisation_id=organisation_id, by=by, now=now
    )


def keep_file(
    session: Session,
    name: str,
    content: bytes,
    *,
    media_type: str,
    organisation_id: int | None = None,
    by: int,
    now: datetime,
) -> StoredFile:
    """Keep what was examined, or what the portal made itself."""
    sha256 = hashlib.sha256(content).hexdigest()
    store.put(sha256, content)
    row = StoredFile(
        sha256=sha256,
        name=name,
        media_type=media_type,
        size=len(content),
        organisation_id=organisation_id,
        uploaded_by=by,
        uploaded_at=now,
    )
    session.add(row)
    session.flush()
    return row


def keep_made(
    session: Session, name: str, content: bytes, media_type: str, *, by: int, now: datetime
) -> StoredFile:
    """A file that the portal made for one person, who alone is to open it."""
    sha256 = hashlib.sha256(content).hexdigest()
    store.put(sha256, content)
    row = StoredFile(
        sha256=sha256,
        name=name,
        media_type=media_type,
        size=len(content),
        organisation_id=None,
        uploaded_by=by,
        uploaded_at=now,
    )
    session.add(row)
    session.flush()
    return row


def keep_unpacked(
    session: Session, archive: StoredFile, files: Mapping[str, bytes], media_type_of: Callable[[str], str]
) -> None:
    """The files of a stored archive, each by its content; what several hold is kept once."""
    for path, content in files.items():
        sha256 = hashlib.sha256(content).hexdigest()
        store.put(sha256, content)
        session.add(
            UnpackedFile(
                archive_id=archive.id or 0,
                path=path,
                sha256=sha256,
                media_type=media_type_of(path),
                size=len(content),
            )
        )
    session.flush()


def forget_file(session: Session, file: StoredFile) -> None:
    """The row with its openings; the sweep removes the bytes that no row names. Nothing else may point at it."""
    session.exec(delete(FileAccess).where(col(FileAccess.file_id) == file.id))
    session.delete(file)
    session.flush()


def open_file(session: Session, file: StoredFile, purpose: Purpose, *, by: int, now: datetime) -> bytes:
    """The bytes; that they were opened is written down."""
    content = store.get(file.sha256)
    session.add(FileAccess(file_id=file.id or 0, person_id=by, at=now, purpose=purpose))
    return content


def remove_orphans(session: Session, *, now: datetime) -> int:
    """Bytes older than a day that no row names, such as an upload leaves that was taken back. How many went."""
    before, removed = now - ORPHAN_AFTER, 0
    for hashes in store.kept_before(before):
        known = named(session, hashes)
        removed += sum(store.remove(sha256, before=before) for sha256 in hashes if sha256 not in known)
    return removed
