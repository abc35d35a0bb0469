"""Export everything, leave the programme, come back."""

from litestar import Request, Response, Router
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from portal import clock
from portal.accounts.security_pages import require_fresh
from portal.files.pages import send_file
from portal.files.queries import openings
from portal.files.rules import Purpose
from portal.i18n import gettext
from portal.leaving import actions, queries
from portal.leaving.forms import Leave
from portal.leaving.rules import EXPORT_NAMES, may_return, same_name
from portal.organisations.models import Organisation
from portal.organisations.pages import with_new_rights
from portal.programme.queries import programme_at
from portal.refusal import NotFound, Refused, mark
from portal.web.forms import Form, check
from portal.web.html import found, get, go, html, post
from portal.web.viewer import in_organisation, viewer_of


@get("/my/export", right="export")
def exports(request: Request, session: Session) -> Response[str]:
    acting, now = found(viewer_of(request).organisation), clock.now()
    rows = queries.exports_of(session, acting.id)
    return html(
        request,
        "leaving/export.html",
        organisation=session.get_one(Organisation, acting.id),
        exports=rows,
        status_names=EXPORT_NAMES,
        waiting=queries.export_waiting(session, acting.id),
        openings=openings(session, [row.file_id for row in rows if row.file_id]),
        kept=programme_at(session, now).profile["export_kept_d"],
    )


@post("/my/export", right="export")
def ask_export(request: Request, session: Session) -> Response:
    require_fresh(request)
    viewer = viewer_of(request)
    organisation = session.get_one(Organisation, found(viewer.organisation).id, with_for_update=True)
    try:
        with session.begin_nested():
            actions.ask_export(session, organisation, by=viewer.person_id, now=clock.now())
    except IntegrityError:  # the same click twice, at the same moment
        raise Refused(actions.ALREADY_ASKED) from None
    return go("/my/export", mark("It is being made. You get a mail once it is ready."))


@get("/my/export/{export_id:int}", right="export", opt={"writes": True})
def download(request: Request, session: Session, export_id: int) -> Response[bytes]:
    require_fresh(request)
    viewer = viewer_of(request)
    row = queries.export_file(session, export_id, found(viewer.organisation).id, clock.now())
    return send_file(session, found(row)[1], Purpose.OWN, by=viewer.person_id)


def _leave_page(
    request: Request, session: Session, form: Form, errors: dict[str, str], status: int = 200
) -> Response[str]:
    acting, now = found(viewer_of(request).organisation), clock.now()
    return html(
        request,
        "leaving/leave.html",
        status=status,
        organisation=session.get_one(Organisation, acting.id),
        lines=queries.preview(session, acting.id),
        ready=queries.export_ready(session, acting.id, now),
        return_d=programme_at(session, now).return_d,
        form=form,
        errors=errors,
    )


@get("/my/leave", right="leave")
def leave_form(request: Request, session: Session) -> Response[str]:
    return _leave_page(request, session, Form(), {})


@post("/my/leave", right="leave")
def leave(request: Request, session: Session, form: Form) -> Response:
    require_fresh(request)
    viewer, now = viewer_of(request), clock.now()
    organisation = session.get_one(Organisation, found(viewer.organisation).id, with_for_update=True)
    entry, errors = check(Leave, form)
    if entry and not same_name(entry.typed_name, organisation.legal_name):
        errors["typed_name"] = gettext(
            mark("This is not the legal name. Please type it as it is written above.")
        )
    if entry is None or errors:
        return _leave_page(request, session, form, errors, 422)
    actions.leave(session, organisation, entry.reason, by=viewer.person_id, now=now)
    return go("/my", mark("Your organisation has left the programme. Thank you for having taken part."))


@get("/my/return", right="return")
def return_form(request: Request, session: Session) -> Response[str]:
    acting, now = found(viewer_of(request).organisation), clock.now()
    row = found(queries.departure_of(session, acting.id))
    if not may_return(row.left_at, now, programme_at(session, now).return_d):
        raise NotFound
    return html(
        request,
        "leaving/return.html",
        organisation=session.get_one(Organisation, acting.id),
        departure=row,
    )


@post("/my/return", right="return")
def come_back(request: Request, session: Session) -> Response:
    viewer = viewer_of(request)
    organisation = session.get_one(Organisation, found(viewer.organisation).id, with_for_update=True)
    actions.come_back(session, organisation, by=viewer.person_id, now=clock.now())
    answer = go("/my", mark("Welcome back. Have the organisation verified again to open the rest."))
    return with_new_rights(session, viewer, answer)


routers = [
    Router(
        "/",
        route_handlers=[exports, ask_export, download, leave_form, leave, return_form, come_back],
        guards=[in_organisation],
    )
]
