"""Staff see who sat what, and void a sitting for a reason."""

from litestar import Request, Response, Router
from sqlmodel import Session

from certification.exams import actions, queries
from certification.exams.forms import Void
from portal import clock
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


routers = [Router("/", route_handlers=[sittings, void], guards=[staff])]
