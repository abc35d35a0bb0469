"""Limits on what and how often."""

from ipaddress import IPv6Address, ip_address, ip_network
from typing import cast

from litestar import Request
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from portal import clock
from portal.db import transaction
from portal.limits.actions import count_attempt

UPLOAD_BYTES = 12 * 1024 * 1024  # a 10 MB file and the fields around it
COURSE_BYTES = 52 * 1024 * 1024  # a course of 50 MB
LARGER = {"/staff/courses": COURSE_BYTES}
DRAIN_BYTES = 100 * 1024 * 1024


def attempts_left(request: Request, key: str, *, most: int, seconds: float) -> bool:
    """Count an attempt; False when there were `most` within `seconds` already.

    Counted in a transaction of its own, so that it stays counted when the request is refused. Call it before the
    request's session is first used: SQLite has one writer. Within a transaction use `count_attempt`.
    """
    with transaction(request.app.state.sessions) as session:
        return count_attempt(session, key, most=most, seconds=seconds, now=clock.now())


def peer(request: Request) -> str:
    """Where the request comes from: an IPv4 address, or the network of an IPv6 one, of which a customer has many.

    Behind a proxy named in TRUSTED_PROXIES the server has put the client's address there.
    """
    try:
        address = ip_address(request.client.host if request.client else "")
    except ValueError:
        return "unknown"
    return str(ip_network((address, 64), strict=False) if isinstance(address, IPv6Address) else address)


class ReadTooLarge:
    """Read an oversized upload to its end before it is refused: a browser that is cut off in the middle shows
    an error of its own, and nobody would learn that the file was too large."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            headers = dict(scope["headers"])
            length = headers.get(b"content-length", b"0")
            size = int(length) if length.isdigit() else 0
            if LARGER.get(scope["path"], UPLOAD_BYTES) < size <= DRAIN_BYTES:
                read, more = 0, True
                while more and read <= DRAIN_BYTES:
                    message = await receive()
                    read += len(cast("bytes", message.get("body", b"")))
                    more = bool(message.get("more_body"))
        await self.app(scope, receive, send)
