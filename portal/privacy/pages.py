"""What is held and why, for everybody; one's own copy, and the way out; the erasures carried out."""

from litestar import Request, Response, Router
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from portal import clock
from portal.accounts.models import Person
from portal.accounts.security_pages import require_fresh
from portal.desk.parts import CONTRIBUTIONS
from portal.files.pages import send_file
from portal.files.rules import Purpose
from portal.i18n import gettext
from portal.jobs import enqueue
from portal.privacy import actions, queries
from portal.privacy.jobs import export_data
from portal.privacy.rules import BASES, FATES, KEPT, SEEN_BY
from portal.refusal import mark
from portal.web.forms import Form
from portal.web.html import found, get, go, html, post
from portal.web.viewer import public, signed_in, staff, viewer_of


@get("/privacy")
def privacy(request: Request) -> Response[str]:
    return html(
        request,
        "privacy/page.html",
        areas=CONTRIBUTIONS.personal[::-1],
        bases=BASES,
        fates=FATES,
        kept=KEPT,
        seen_by=SEEN_BY,
    )


def _own_page(request: Request, session: Session, errors: dict[str, str], status: int = 200) -> Response[str]:
    viewer, now = viewer_of(request), clock.now()
    person = session.get_one(Person, viewer.person_id)
    return html(
        request,
        "privacy/mine.html",
        status=status,
        errors=errors,
        exports=queries.exports_of(session, viewer.person_id),
        erasure=queries.open_erasure(session, viewer.person_id),
        first=actions.why_not_erase(session, viewer.person_id, now),
        areas=queries.counts(session, CONTRIBUTIONS.personal[::-1], person),
        fates=FATES,
    )


@get("/my/privacy")
def mine(request: Request, session: Session) -> Response[str]:
    return _own_page(request, session, {})


@post("/my/privacy/export")
def ask_export(request: Request, session: Session) -> Response:
    require_fresh(request)
    asked = mark("Your data are being put together. A mail tells you when the file is ready.")
    try:
        with session.begin_nested():  # a second click meets the first
            export = actions.ask_export(session, viewer_of(request).person_id, now=clock.now())
    except IntegrityError:
        return go("/my/privacy", asked)
    enqueue(session, export_data, export.id or 0)
    return go("/my/privacy", asked)


@get("/my/privacy/export/{export_id:int}", opt={"writes": True})
def download(request: Request, session: Session, export_id: int) -> Response[bytes]:
    require_fresh(request)
    viewer, now = viewer_of(request), clock.now()
    _, file = found(queries.export_file(session, export_id, viewer.person_id, now))
    actions.note_download(session, viewer.person_id, now=now)
    return send_file(session, file, Purpose.OWN, by=viewer.person_id)


@post("/my/privacy/erase")
def erase(request: Request, session: Session, form: Form) -> Response:
    require_fresh(request)
    viewer = viewer_of(request)
    if form["understood"] != "yes":
        return _own_page(
            request,
            session,
            {"understood": gettext(mark("Please tick that you have read what happens."))},
            422,
        )
    person = session.get_one(Person, viewer.person_id)
    actions.ask_erasure(session, person, revoke=form["revoke"] == "yes", now=clock.now())
    return go("/my/privacy", mark("Asked for. You can take it back until the day on which it happens."))


@post("/my/privacy/erase/back")
def back(request: Request, session: Session) -> Response:
    actions.take_back(session, viewer_of(request).person_id, now=clock.now())
    return go("/my/privacy", mark("Taken back. Everything stays as it was."))


@get("/staff/erasures")
def erasures(request: Request, session: Session) -> Response[str]:
    return html(request, "privacy/erasures.html", rows=queries.erasures_done(session))


routers = [
    Router("/", route_handlers=[privacy], guards=[public]),
    Router("/", route_handlers=[mine, ask_export, download, erase, back], guards=[signed_in]),
    Router("/", route_handlers=[erasures], guards=[staff]),
]
