"""Names the viewer and the language of each request; adds the headers that keep a page safe."""

from http.cookies import CookieError, SimpleCookie

import anyio.to_thread
from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware.csrf import CSRFMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from portal import clock, i18n
from portal.accounts.actions import digest, note_seen
from portal.accounts.queries import viewer_of_session
from portal.accounts.rules import SEEN_EVERY
from portal.db import Sessions, transaction
from portal.refusal import NotFound
from portal.settings import settings
from portal.web.viewer import Viewer

POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
LONGEST_PATH = 255


def _cookies(headers: Headers) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(headers.get("cookie", "")).items()}
    except CookieError:
        return {}


class Csrf(CSRFMiddleware):
    """Litestar's, with an answer for tokens that are none: a file, letters that are not ASCII."""

    def _decode_csrf_token(self, token: str) -> str | None:
        return super()._decode_csrf_token(token) if isinstance(token, str) and token.isascii() else None


class Visitors:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["path"].startswith("/static/"):
            if "\0" in scope["path"] or len(scope["path"].encode()) > LONGEST_PATH:
                raise NotFound  # no file system has such a name
            await self.app(scope, receive, send)
            return
        headers = Headers.from_scope(scope)
        cookies = _cookies(headers)
        token = cookies.get("session")
        scope["user"] = (
            await anyio.to_thread.run_sync(_viewer, scope["app"].state.sessions, token) if token else None
        )
        wanted = cookies.get("language", "")
        language = wanted if wanted in i18n.LANGUAGES else i18n.choose(headers.get("accept-language", ""))
        scope["state"]["language"] = language

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableScopeHeaders(message)
                for name, value in HEADERS.items():
                    answer.setdefault(name, value)
                if settings().production:
                    answer.setdefault("strict-transport-security", "max-age=31536000")
                if answer.get("access-control-allow-origin") == "*" and "set-cookie" in answer:
                    del answer["set-cookie"]  # what is open to every site's scripts says nothing of who reads
            await send(message)

        with i18n.speaking(language):
            await self.app(scope, receive, send_with_headers)


def _viewer(sessions: Sessions, token: str) -> Viewer | None:
    now = clock.now()
    with transaction(sessions, read_only=True) as session:
        viewer = viewer_of_session(session, digest(token), now)
    if viewer and viewer.seen_at and now - viewer.seen_at >= SEEN_EVERY:
        with transaction(sessions) as session:
            note_seen(session, viewer.session_id, now=now)
    return viewer
