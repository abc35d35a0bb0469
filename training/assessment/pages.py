"""The self-test of the Seven Onlines, for providers and brands, from the first day on."""

from litestar import Request, Response, Router
from sqlmodel import Session

from portal import clock
from portal.i18n import gettext
from portal.refusal import mark
from portal.web.forms import Form
from portal.web.html import found, get, go, html, post
from portal.web.viewer import in_organisation, viewer_of
from training.assessment import actions, queries
from training.assessment.rules import MOST, dimensions, gaps, names


def _page(
    request: Request, session: Session, form: Form, errors: dict[str, str], status: int = 200
) -> Response[str]:
    acting = found(viewer_of(request).organisation)
    taken = queries.assessments_of(session, acting.id)
    return html(
        request,
        "assessment/page.html",
        status=status,
        form=form,
        errors=errors,
        dimensions=dimensions(),
        taken=taken,
        gaps=gaps(taken[0].counted) if taken else [],
        asking=bool(errors) or not taken or request.query_params.get("again") == "yes",
    )


@get("/my/self-test", right="self_assess")
def self_test(request: Request, session: Session) -> Response[str]:
    return _page(request, session, Form(), {})


@post("/my/self-test", right="self_assess")
def take(request: Request, session: Session, form: Form) -> Response:
    viewer = viewer_of(request)
    acting = found(viewer.organisation)
    allowed = {str(n) for n in range(MOST + 1)}
    open_items = [name for name in names() if form[name] not in allowed]
    if open_items:
        sentence = gettext(mark("Please choose an answer."))
        return _page(request, session, form, dict.fromkeys(open_items, sentence), 422)
    actions.assess(
        session, acting.id, {name: int(form[name]) for name in names()}, by=viewer.person_id, now=clock.now()
    )
    return go(
        "/my/self-test",
        mark("Kept. Take it again in three months: the difference is what training was worth."),
    )


routers = [Router("/", route_handlers=[self_test, take], guards=[in_organisation])]
