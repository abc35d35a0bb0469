"""Hand out an uploaded file: to those concerned, as what it is, and each opening is written down."""

from litestar import Response
from sqlmodel import Session

from portal import clock
from portal.files.actions import read_file
from portal.files.models import StoredFile
from portal.history.actions import record

# An uploaded page must not run as one of ours.
SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self'"


def send_file(session: Session, file: StoredFile, *, by: int) -> Response[bytes]:
    """The caller has checked that this person may. The handler needs `opt={"writes": True}`."""
    record(
        session, "file opened", "file", file.id, by=by, now=clock.now(), organisation_id=file.organisation_id
    )
    return Response(
        read_file(file),
        media_type=file.media_type,
        headers={
            "Content-Disposition": "inline",
            "Content-Security-Policy": SANDBOX,
            "Cache-Control": "private, no-store",
        },
    )
