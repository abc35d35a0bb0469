"""What the portal told you, what of it you mute, and the way out that a mail offers."""

from litestar import Request, Response, Router
from sqlmodel import Session

from portal import clock
from portal.notices import actions, queries
from portal.notices.rules import CATALOGUE, SEMI, Class, read_unsubscribe_code
from portal.refusal import mark
from portal.settings import settings
from portal.web.forms import Form, whole
from portal.web.html import found, get, go, html, local_path, post
from portal.web.viewer import public, signed_in, viewer_of


@get("/my/notices")
def notices(request: Request, session: Session) -> Response[str]:
    viewer = viewer_of(request)
    last = whole(request.query_params.get("after", ""))
    after = queries.notice_of(session, last, viewer.person_id) if last else None
    rows = queries.notices_of(session, viewer.person_id, after)
    return html(
        request,
        "notices/list.html",
        notices=rows[: queries.PAGE],
        more=rows[queries.PAGE - 1].id if len(rows) > queries.PAGE else None,
        kinds=CATALOGUE,
        later=after is not None,
    )


@post("/my/notices/{notice_id:int}/open")
def open_notice(request: Request, session: Session, notice_id: int) -> Response:
    notice = found(queries.notice_of(session, notice_id, viewer_of(request).person_id))
    actions.read_notice(notice, now=clock.now())
    return go(local_path(notice.path, "/my/notices"))


@post("/my/notices/read")
def read_all(request: Request, session: Session) -> Response:
    actions.read_all(session, viewer_of(request).person_id, now=clock.now())
    return go("/my/notices", mark("All are marked as read."))


@get("/my/notices/settings")
def choices(request: Request, session: Session) -> Response[str]:
    return html(
        request,
        "notices/settings.html",
        semi=SEMI,
        fixed={key: kind for key, kind in CATALOGUE.items() if kind.kind is Class.ACTIVE},
        choices=queries.choices_of(session, viewer_of(request).person_id),
    )


@post("/my/notices/settings")
def choose(request: Request, session: Session, form: Form) -> Response:
    viewer, now = viewer_of(request), clock.now()
    for kind in SEMI:
        actions.choose(
            session,
            viewer.person_id,
            kind,
            by_mail=kind in form.all("by_mail"),
            in_portal=kind in form.all("in_portal"),
            by=viewer.person_id,
            now=now,
        )
    return go("/my/notices/settings", mark("Saved."))


@get("/unsubscribe/{code:str}")
def unsubscribe_form(request: Request, code: str) -> Response[str]:
    """A button, because programmes that read mail follow links."""
    known = read_unsubscribe_code(settings().secret, code)
    kind = SEMI[known[1]] if known else None
    return html(
        request,
        "notices/unsubscribe.html",
        status=200 if kind else 410,
        kind=kind,
        code=code,
        done=False,
    )


@post("/unsubscribe/{code:str}", opt={"exclude_from_csrf": True})
def unsubscribe(request: Request, session: Session, code: str) -> Response[str]:
    """One click, also by the reader's mail program, which has no cookie of ours (RFC 8058)."""
    known = read_unsubscribe_code(settings().secret, code)
    kind = SEMI[known[1]] if known else None
    if known:
        actions.mute_by_mail(session, *known, now=clock.now())
    return html(
        request,
        "notices/unsubscribe.html",
        status=200 if kind else 410,
        kind=kind,
        code=code,
        done=kind is not None,
    )


routers = [
    Router("/", route_handlers=[notices, open_notice, read_all, choices, choose], guards=[signed_in]),
    Router("/", route_handlers=[unsubscribe_form, unsubscribe], guards=[public]),
]
