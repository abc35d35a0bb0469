"""The cookies of a session and of what a browser has begun."""

from datetime import timedelta
from typing import TypeVar
from urllib.parse import quote

from litestar import Request, Response
from litestar.datastructures import Cookie

from portal.accounts.actions import Login
from portal.accounts.rules import CEREMONY_LASTS, RESET_LASTS, SESSION_LASTS, WAITING_LASTS
from portal.settings import settings
from portal.web.html import go

R = TypeVar("R", bound=Response)
SESSION, CEREMONY, PROOF = "session", "ceremony", "proof"


def with_session(response: R, login: Login) -> R:
    return _with(response, SESSION, login.token, WAITING_LASTS if login.waits else SESSION_LASTS)


def with_ceremony(response: R, token: str) -> R:
    return _with(response, CEREMONY, token, CEREMONY_LASTS)


def with_proof(response: R, token: str) -> R:
    return _with(response, PROOF, token, RESET_LASTS)


def without_session(response: R) -> R:
    response.delete_cookie(SESSION)
    return response


def session_token(request: Request) -> str:
    return request.cookies.get(SESSION, "")


def ceremony_token(request: Request) -> str:
    return request.cookies.get(CEREMONY, "")


def proof_token(request: Request) -> str:
    return request.cookies.get(PROOF, "")


def browser_of(request: Request) -> str:
    return request.headers.get("user-agent", "")


def _with(response: R, key: str, value: str, lasts: timedelta) -> R:
    response.set_cookie(
        Cookie(
            key=key,
            value=value,
            max_age=int(lasts.total_seconds()),
            httponly=True,
            samesite="lax",
            secure=settings().production,
        )
    )
    return response


def enter(login: Login, after: str, notice: str | None = None) -> Response:
    """Signed in: on to `after`, or first to the second step."""
    return with_session(go(f"/sign-in/second?next={quote(after)}" if login.waits else after, notice), login)
