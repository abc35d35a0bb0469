"""Hand out an uploaded file: to those concerned, as what it is, and each opening is written down."""

from urllib.parse import quote

from litestar import Response
from sqlmodel import Session

from portal import clock
from portal.files.actions import open_file
from portal.files.models import StoredFile
from portal.files.rules import Purpose

# An uploaded page must not run as one of ours.
SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self'"


def send_file(session: Session, file: StoredFile, purpose: Purpose, *, by: int) -> Response[bytes]:
    """The caller has checked that this person may. The handler needs `opt={"writes": True}`."""
    return Response(
        open_file(session, file, purpose, by=by, now=clock.now()),
        media_type=file.media_type,
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}",
            "Content-Security-Policy": SANDBOX,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )
