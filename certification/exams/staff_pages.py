"""Staff see who sat what, and void a sitting for a reason."""

from datetime import datetime, time, timedelta

from litestar import Request, Response, Router
from sqlmodel import Session

from certification.exams import actions, queries
from certification.exams.forms import MoreTime, Void
from certification.exams.models import Accommodation
from portal import clock
from portal.accounts.queries import person_by_email
from portal.i18n import gettext
from portal.refusal import mark
from portal.web.forms import Form, check
from portal.web.html import found, get, go, html, post
from portal.web.viewer import staff, viewer_of


def _page(
    request: Request,
    session: Session,
    form: Form,
    errors: dict[str, str],
    *,
    sitting_id: int | None = None,
    status: int = 200,
) -> Response[str]:
    return html(
        request,
        "exams/staff.html",
        status=status,
        rows=queries.recent_sittings(session),
        form=form,
        errors=errors,
        refused=sitting_id,
    )


@get("/staff/sittings")
def sittings(request: Request, session: Session) -> Response[str]:
    return _page(request, session, Form(), {})


@post("/staff/sittings/{sitting_id:int}/void", right="staff_void")
def void(request: Request, session: Session, form: Form, sitting_id: int) -> Response:
    """Not one's own, nor a colleague's."""
    viewer = viewer_of(request)
    sitting = found(queries.sitting_to_void(session, sitting_id, viewer.person_id))
    entry, errors = check(Void, form)
    if entry is None:
        return _page(request, session, form, errors, sitting_id=sitting_id, status=422)
    actions.void_sitting(session, sitting, entry.reason, by=viewer.person_id, now=clock.now())
    return go("/staff/sittings", mark("Voided; the reason is in the record."))


def _time_page(
    request: Request, session: Session, form: Form, errors: dict[str, str], *, status: int = 200
) -> Response[str]:
    rows = queries.accommodations(session, clock.now())
    return html(request, "exams/more_time.html", status=status, rows=rows, form=form, errors=errors)


@get("/staff/more-time", right="staff_assess")
def more_time(request: Request, session: Session) -> Response[str]:
    return _time_page(request, session, Form(), {})


@post("/staff/more-time", right="staff_assess")
def give_time(request: Request, session: Session, form: Form) -> Response:
    viewer, now = viewer_of(request), clock.now()
    entry, errors = check(MoreTime, form)
    person = person_by_email(session, entry.email) if entry else None
    if entry and person is None:
        errors["email"] = gettext(mark("Nobody here has this address."))
    if entry and not clock.today(now) < entry.until <= clock.today(now) + timedelta(days=731):
        errors["until"] = gettext(mark("Choose a day within the next two years."))
    if entry is None or errors or person is None:
        return _time_page(request, session, form, errors, status=422)
    actions.give_time(
        session,
        person.id or 0,
        1 + entry.percent / 100,
        entry.reason,
        until=datetime.combine(entry.until + timedelta(days=1), time.min, clock.CHINA),
        by=viewer.person_id,
        now=now,
    )
    return go("/staff/more-time", mark("Given. It holds for exams that start from now on."))


@post("/staff/more-time/{row_id:int}/end", right="staff_assess")
def end_time(request: Request, session: Session, row_id: int) -> Response:
    row = found(session.get(Accommodation, row_id))
    actions.end_time(session, row, by=viewer_of(request).person_id, now=clock.now())
    return go("/staff/more-time", mark("Ended."))


routers = [Router("/", route_handlers=[sittings, void, more_time, give_time, end_time], guards=[staff])]
