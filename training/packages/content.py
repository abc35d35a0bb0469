"""What the content host's handlers share: the launch that a token opens, its addresses, and headers that fence it in."""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import litestar
from litestar import Response
from sqlmodel import Session

from portal import clock
from portal.accounts.actions import digest
from portal.settings import settings
from training.packages import queries
from training.packages.queries import Opened

# Nobody is signed in here, so there is nothing that a forged request could use: no cookie, only the token.
send = partial(litestar.post, sync_to_thread=True, status_code=200, exclude_from_csrf=True)
answer = partial(litestar.route, sync_to_thread=True, exclude_from_csrf=True)


def policy() -> str:
    """What a package may do: anything within its own origin, nothing outside it; framed by itself and the portal."""
    return (
        "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; connect-src 'self'; object-src 'none'; "
        f"base-uri 'self'; form-action 'self'; frame-ancestors 'self' {settings().base_url}"
    )


def headers(**more: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": policy(),
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
        **more,
    }


def nothing(status: int = 404) -> Response[str]:
    """Bare: this host has no pages of the portal, not even for errors."""
    return Response(str(status), status_code=status, media_type="text/plain", headers=headers())


def said(thing: Any, status: int = 200, more: Mapping[str, str] = MappingProxyType({})) -> Response[Any]:
    return Response(thing, status_code=status, media_type="application/json", headers=headers(**more))


def launched(session: Session, token: str, *, lock: bool = False) -> Opened | None:
    return queries.opened_by(session, digest(token), clock.now(), lock=lock)


def base(token: str) -> str:
    return f"{settings().content_origin}/content/{token}"


def file_address(token: str, address: str) -> str:
    path, mark, query = address.partition("?")
    return f"{base(token)}/files/{quote(path)}{mark}{query}"


def activity(opened: Opened) -> str:
    """The id by which a cmi5 part is known here: one that nobody else gives (cmi5 section 8.1.5)."""
    keys = [p["key"] for p in opened.package.parts]
    part = keys.index(opened.launch.part) + 1
    return f"{settings().base_url}/my/courses/{opened.package.id}/parts/{part}"
