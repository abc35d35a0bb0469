"""Every problem becomes a page with a sentence: what is wrong and what to do."""

import logging
import re
from urllib.parse import quote

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.response import Redirect
from sqlalchemy.exc import DataError, NoResultFound

from portal import i18n
from portal.refusal import NotFound, Refused, mark
from portal.web.html import html, language_of, local_path
from portal.web.middleware import HEADERS
from portal.web.viewer import SecondFactorNeeded, SignInNeeded

log = logging.getLogger("yuqiao")

SENTENCES = {
    400: (
        mark("That request could not be read"),
        mark("Please go back, check what you typed and send it again."),
    ),
    403: (
        mark("This page had been open too long"),
        mark("For your safety nothing was changed. Go back, reload the page and send it again."),
    ),
    404: (
        mark("There is no such page"),
        mark("It is not there, or not for this account. Check the address, or begin at the front page."),
    ),
    405: (
        mark("There is no such page"),
        mark("It is not there, or not for this account. Check the address, or begin at the front page."),
    ),
    413: (
        mark("That was too large"),
        mark(
            "A file may have at most 10 MB. Go back and choose a smaller scan or photo; nothing else was lost."
        ),
    ),
    500: (
        mark("Something broke on our side"),
        mark("Nothing was half done. Please try again; we have written down what happened."),
    ),
}


def _page(request: Request, status: int, title: str, text: str) -> Response[str]:
    sent_from = request.headers.get("referer", "") if request.method == "POST" else ""
    back = local_path(re.sub(r"^https?://[^/]*", "", sent_from), "")
    response = html(request, "error.html", status=status, title=title, text=text, back=back)
    response.headers.update(HEADERS)  # some errors never pass the middleware
    return response


def refused(request: Request, error: Refused) -> Response[str]:
    with i18n.speaking(language_of(request)):
        text = i18n.gettext(error.message, **error.values)
        title = i18n.gettext(mark("That is not possible now"))
    return _page(request, error.status, title, text)


def not_found(request: Request, _error: Exception) -> Response[str]:
    return _standard(request, 404)


def sign_in_needed(request: Request, _error: SignInNeeded) -> Redirect:
    return Redirect(f"/sign-in?next={quote(_wanted(request))}", status_code=303)


def second_factor_needed(request: Request, _error: SecondFactorNeeded) -> Redirect:
    return Redirect(f"/sign-in/second?next={quote(_wanted(request))}", status_code=303)


def _wanted(request: Request) -> str:
    if request.method != "GET":
        return "/my"
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def http_error(request: Request, error: HTTPException) -> Response[str]:
    response = _standard(request, error.status_code)
    if error.status_code == 403 and "csrf" in request.cookies:
        response.delete_cookie("csrf")  # one that was signed with another secret would be kept for ever
    return response


def unreadable(request: Request, error: Exception) -> Response[str]:
    """A form in bytes that its charset does not have, or in a charset that nobody knows."""
    theirs = type(error) in (UnicodeDecodeError, LookupError)  # a KeyError is ours
    return _standard(request, 400) if theirs else unexpected(request, error)


def unexpected(request: Request, error: Exception) -> Response[str]:
    log.error("unexpected: %s %s", request.method, request.url.path, exc_info=error)
    return _standard(request, 500)


def _standard(request: Request, status: int) -> Response[str]:
    title, text = SENTENCES.get(status, SENTENCES[400 if status < 500 else 500])
    with i18n.speaking(language_of(request)):
        return _page(request, status, i18n.gettext(title), i18n.gettext(text))


HANDLERS = {
    Refused: refused,
    NotFound: not_found,
    NoResultFound: not_found,
    DataError: not_found,  # PostgreSQL, asked for a number or a character that no row can hold
    OverflowError: not_found,  # SQLite, for the same number
    UnicodeDecodeError: unreadable,
    LookupError: unreadable,
    SignInNeeded: sign_in_needed,
    SecondFactorNeeded: second_factor_needed,
    HTTPException: http_error,
    Exception: unexpected,
}
