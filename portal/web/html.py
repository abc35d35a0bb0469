"""Pages: the template environment, and the helpers that every handler answers with."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urlsplit

import jinja2
import litestar
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.enums import MediaType
from litestar.response import Redirect
from litestar.template.base import csrf_token
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from portal import clock, i18n
from portal.refusal import NotFound
from portal.settings import ROOT, settings
from portal.web.viewer import Viewer

T = TypeVar("T")

# A plain `def` would run on the event loop and hold everybody up.
get = partial(litestar.get, sync_to_thread=True)
post = partial(litestar.post, sync_to_thread=True, status_code=200)


@lru_cache(maxsize=256)
def static(path: str) -> str:
    """The address of a file in `static/`, with its content in it, so that browsers may keep it for a year."""
    digest = hashlib.sha256((ROOT / "static" / path).read_bytes()).hexdigest()[:10]
    return f"/static/{path}?{digest}"


_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")


def markdown(text: str) -> Markup:
    """Markdown to HTML; raw HTML in it is shown as text."""
    return Markup(_markdown.render(text))  # noqa: S704  html is off in the renderer


def breaks(name: str) -> Markup:
    """A long Chinese name with places to break: before an opening bracket, after a closing one."""
    return Markup(escape(name).replace("（", Markup("<wbr>（")).replace("）", Markup("）<wbr>")))  # noqa: S704  escaped just before


def days_until(value: datetime) -> int:
    """Whole calendar days in China from today to `value`; negative when past."""
    return (clock.today(value) - clock.today(clock.now())).days


def last_day(deadline: datetime) -> date:
    """The day in China at whose end a deadline lies."""
    return clock.today(deadline - timedelta(microseconds=1))


def _with_names(say: Any) -> Any:
    @jinja2.pass_context
    def said(context: jinja2.runtime.Context, *words: Any, **values: Any) -> Any:
        return context.call(say, *words, **{name: i18n.named(value) for name, value in values.items()})

    return said


@lru_cache(maxsize=1)
def environment() -> jinja2.Environment:
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROOT / "templates"),
        autoescape=lambda name: not (name or "").startswith("mail/"),  # noqa: S701  mails are plain text
        undefined=jinja2.StrictUndefined,
        finalize=i18n.named,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=not settings().production,
    )
    env.install_gettext_callables(i18n.gettext, i18n.ngettext, newstyle=True)  # type: ignore[attr-defined]
    for name in ("gettext", "ngettext"):  # names inside of sentences, too
        env.globals[name] = _with_names(env.globals[name])
    env.filters |= {
        "local": i18n.local,
        "date": i18n.show_date,
        "time": i18n.show_time,
        "clock": i18n.show_clock,
        "number": i18n.show_number,
        "percent": i18n.show_percent,
        "markdown": markdown,
        "days_until": days_until,
        "last_day": last_day,
        "breaks": breaks,
        "said": i18n.said,
    }
    env.globals |= {
        "static": static,
        "language": i18n.language,
        "in_china": i18n.in_china,
        "demo": settings().demo,
        "once": lambda: secrets.token_hex(16),
        "now": clock.now,
    }
    return env


def html(request: Request, template: str, *, status: int = 200, **context: Any) -> Response[str]:
    """Render a page in the request's language, in the handler's thread. `notice` comes once, after a redirect."""
    with i18n.speaking(language_of(request), zone_of(request)):
        raw_notice = request.cookies.get("notice")
        notice = _read_notice(raw_notice) if raw_notice else None
        text = (
            environment()
            .get_template(template)
            .render(
                viewer=request.scope.get("user"),
                path=request.url.path,
                request=request,
                notice=notice,
                csrf_token=csrf_token({"request": request}),
                **context,
            )
        )
    response = Response(
        text,
        status_code=status,
        media_type=MediaType.HTML,
        headers={"Cache-Control": "private, no-store"} if request.scope.get("user") else None,
    )
    if raw_notice:
        response.delete_cookie("notice")
    return response


def language_of(request: Request) -> str:
    """As the middleware found it; error pages of unknown paths never met the middleware."""
    return str(
        request.scope.get("state", {}).get("language")
        or i18n.choose(request.headers.get("accept-language", ""))
    )


def zone_of(request: Request) -> str | None:
    """The time zone that the signed-in person reads in."""
    viewer = request.scope.get("user")
    return viewer.time_zone if isinstance(viewer, Viewer) else None


def go(path: str, notice: str | None = None, **values: Any) -> Redirect:
    """Answer a POST with a GET elsewhere; `notice` (a catalogue key) is said there once."""
    cookies = (
        [
            Cookie(
                key="notice",
                value=quote(json.dumps([notice, values])),
                max_age=60,
                httponly=True,
                samesite="lax",
                secure=settings().production,
            )
        ]
        if notice
        else None
    )
    return Redirect(path, status_code=303, cookies=cookies)


def _read_notice(raw: str) -> str | None:
    try:
        message, values = json.loads(unquote(raw))
        if message not in i18n.catalogue():  # a cookie is not believed: the portal says its own sentences
            return None
        return i18n.gettext(message, **{name: str(value) for name, value in values.items()})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def found(thing: T | None) -> T:
    """The thing, or a page that says there is none: not there and not yours look the same."""
    if thing is None:
        raise NotFound
    return thing


def local_path(path: str | None, otherwise: str) -> str:
    """`path` when it stays on this site, for "continue where you were"; else `otherwise`."""
    if not path or not path.startswith("/") or not path.isprintable() or "\\" in path:
        return otherwise
    try:
        return otherwise if path.startswith("//") or urlsplit(path).netloc else path
    except ValueError:
        return otherwise


def pick(options: Mapping[str, Any], key: str | None) -> str | None:
    """`key` when it is one of the options: filters from an address are not believed."""
    return key if key in options else None
