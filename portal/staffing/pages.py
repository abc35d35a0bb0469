"""Everybody who works on the platform, with their roles; administrators appoint."""

from litestar import Request, Response, Router
from sqlmodel import Session

from portal import clock
from portal.accounts.queries import person_by_email
from portal.i18n import gettext
from portal.refusal import mark
from portal.staffing import actions, queries
from portal.staffing.forms import Appoint
from portal.web.forms import Form, check
from portal.web.html import found, get, go, html, post
from portal.web.viewer import staff, viewer_of


def _page(
    request: Request, session: Session, form: Form, errors: dict[str, str], status: int = 200
) -> Response[str]:
    return html(
        request,
        "staffing/people.html",
        status=status,
        people=queries.appointments(session, clock.now()),
        rights=viewer_of(request).programme["rights"]["staff"],
        form=form,
        errors=errors,
    )


@get("/staff/people")
def people(request: Request, session: Session) -> Response[str]:
    return _page(request, session, Form(), {})


@post("/staff/people", right="staff_appoint")
def appoint(request: Request, session: Session, form: Form) -> Response:
    now = clock.now()
    entry, errors = check(Appoint, form)
    person = person_by_email(session, entry.email) if entry else None
    if entry and (person is None or person.confirmed_at is None):
        errors["email"] = gettext(
            mark("Nobody has confirmed an account with this address. Let them sign up first.")
        )
    if entry and entry.end and entry.end <= now:
        errors["until"] = gettext(mark("This day is over already. Choose a later one, or leave it empty."))
    if entry is None or person is None or errors:
        return _page(request, session, form, errors, 422)
    actions.appoint(session, person, entry.role, by=viewer_of(request).person_id, now=now, until=entry.end)
    return go("/staff/people", mark("Appointed. It holds from their next click."))


@post("/staff/people/{appointment_id:int}/end", right="staff_appoint")
def end(request: Request, session: Session, form: Form, appointment_id: int) -> Response:
    now = clock.now()
    row = found(queries.appointment(session, appointment_id, now))
    actions.end_appointment(
        session, row, form["reason"].strip()[:500], by=viewer_of(request).person_id, now=now
    )
    return go("/staff/people", mark("The role is taken back."))


router = Router("/", route_handlers=[people, appoint, end], guards=[staff])
