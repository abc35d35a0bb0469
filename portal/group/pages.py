"""Links with a parent or a subsidiary; they are shown on the profile page."""

from litestar import Request, Response, Router
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from portal import clock
from portal.group import actions, queries
from portal.group.forms import AskLink
from portal.group.rules import LINK_MOVES, Side
from portal.i18n import gettext
from portal.organisations.models import Organisation
from portal.refusal import NotFound, Refused, mark
from portal.web.forms import Form, check
from portal.web.html import found, get, go, html, post
from portal.web.viewer import in_organisation, viewer_of


def _page(
    request: Request, session: Session, form: Form, errors: dict[str, str], status: int = 200
) -> Response[str]:
    acting = found(viewer_of(request).organisation)
    return html(
        request,
        "group/page.html",
        status=status,
        organisation=session.get_one(Organisation, acting.id),
        links=queries.links_of(session, acting.id),
        form=form,
        errors=errors,
    )


@get("/my/group")
def group(request: Request, session: Session) -> Response[str]:
    return _page(request, session, Form.of({"side": Side.CHILD.value}), {})


@post("/my/group", right="unite")
def ask(request: Request, session: Session, form: Form) -> Response:
    viewer = viewer_of(request)
    entry, errors = check(AskLink, form)
    if entry:
        organisation = session.get_one(Organisation, found(viewer.organisation).id, with_for_update=True)
        try:
            with session.begin_nested():
                actions.ask(
                    session, organisation, entry.other_code, entry.side, by=viewer.person_id, now=clock.now()
                )
        except IntegrityError:  # the same click twice, at the same moment
            errors = {
                "other_code": gettext(
                    mark("This link is asked for already; the other side has not answered yet.")
                )
            }
        except Refused as refused:
            if refused.status != 422:
                raise
            errors = {"other_code": gettext(refused.message, **refused.values)}
    if errors:
        return _page(request, session, form, errors, 422)
    return go("/my/group", mark("Asked. It holds once an owner of the other side says yes."))


@post("/my/group/{link_id:int}", right="unite")
def answer(request: Request, session: Session, form: Form, link_id: int) -> Response:
    viewer = viewer_of(request)
    acting = found(viewer.organisation)
    link = found(queries.link_of(session, link_id, acting.id))
    move = form["move"]
    if move not in {name for _, name in LINK_MOVES}:
        raise NotFound
    actions.move_link(session, link, move, acting.id, by=viewer.person_id, now=clock.now())
    return go("/my/group", mark("Done; the other side can read it too."))


routers = [Router("/", route_handlers=[group, ask, answer], guards=[in_organisation])]
