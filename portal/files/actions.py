"""Keep a file, and read it back."""

import hashlib
import os
import tempfile
from datetime import datetime
from pathlib import Path

from sqlmodel import Session

from portal.files.models import StoredFile
from portal.files.rules import accept
from portal.settings import settings


def store_file(
    session: Session, name: str, content: bytes, *, organisation_id: int | None, by: int, now: datetime
) -> StoredFile:
    """Check and keep a document; Refused with a sentence when it isn't one. Bytes first, row second: a crash leaves no row."""
    name, media_type = accept(name, content)
    sha256 = hashlib.sha256(content).hexdigest()
    path = _path(sha256)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(content)
        os.replace(file.name, path)
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


def read_file(file: StoredFile) -> bytes:
    return _path(file.sha256).read_bytes()


def _path(sha256: str) -> Path:
    return settings().data_dir / "files" / sha256[:2] / sha256
