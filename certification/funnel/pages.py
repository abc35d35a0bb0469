"""How many organisations came how far, for staff."""

from litestar import Request, Response, Router
from sqlmodel import Session

from certification.funnel import queries
from certification.funnel.rules import by_month, funnel
from portal import clock
from portal.organisations.rules import Kind
from portal.refusal import mark
from portal.web.html import get, html, pick
from portal.web.viewer import staff

KINDS = {Kind.PROVIDER.value: mark("Service providers"), Kind.BRAND.value: mark("Brands")}
NAMES = {
    "registered": mark("Registered with us"),
    "verified": mark("Verified"),
    "two_stars": mark("2★, in training"),
    "three_stars": mark("3★ or more"),
}


@get("/staff/funnel")
def show_funnel(request: Request, session: Session) -> Response[str]:
    kind = pick(KINDS, request.query_params.get("kind"))
    paths = queries.paths(session, kind)
    return html(
        request,
        "funnel/page.html",
        kinds=KINDS,
        chosen=kind,
        names=NAMES,
        steps=funnel(paths),
        months=by_month((clock.today(path.registered).strftime("%Y-%m"), path) for path in paths),
    )


routers = [Router("/", route_handlers=[show_funnel], guards=[staff])]
