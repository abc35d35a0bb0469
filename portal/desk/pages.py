"""The public front, everybody's home, the staff desk, the record of changes, the demo's outbox."""

from litestar import Request, Response, Router
from sqlmodel import Session

from portal import clock
from portal.desk.parts import CONTRIBUTIONS
from portal.history import rules as history_rules
from portal.history.queries import Entry, recent
from portal.mail.queries import outbox
from portal.organisations.models import Organisation
from portal.programme.queries import programme_at
from portal.refusal import NotFound
from portal.settings import settings
from portal.web.html import get, go, html
from portal.web.viewer import public, signed_in, staff, viewer_of


@get("/")
def front(request: Request, session: Session) -> Response[str]:
    now = clock.now()
    parts = [part for make in CONTRIBUTIONS.front if (part := make(session, now))]
    return html(request, "desk/front.html", parts=parts, programme=programme_at(session, now))


@get("/my")
def home(request: Request, session: Session) -> Response:
    """Where do we stand, what should be done now, which clocks run."""
    viewer, now = viewer_of(request), clock.now()
    if viewer.is_staff and viewer.organisation is None:
        return go("/staff")
    following = next((found for make in CONTRIBUTIONS.next if (found := make(session, viewer, now))), None)
    clocks = sorted(
        (c for make in CONTRIBUTIONS.clocks for c in make(session, viewer, now)), key=lambda c: c.until
    )
    parts = [part for make in CONTRIBUTIONS.home if (part := make(session, viewer, now))]
    organisation = session.get(Organisation, viewer.organisation.id) if viewer.organisation else None
    return html(
        request, "desk/home.html", following=following, clocks=clocks, parts=parts, organisation=organisation
    )


@get("/my/history")
def own_history(request: Request, session: Session) -> Response[str]:
    viewer = viewer_of(request)
    if viewer.organisation is None:
        raise NotFound
    return _record(request, session, recent(session, organisation_id=viewer.organisation.id, limit=100))


@get("/staff")
def desk(request: Request, session: Session) -> Response[str]:
    viewer, now = viewer_of(request), clock.now()
    lines = [line for make in CONTRIBUTIONS.desk for line in make(session, viewer, now)]
    return html(request, "desk/desk.html", lines=lines, entries=recent(session, limit=12))


@get("/staff/history")
def all_history(request: Request, session: Session) -> Response[str]:
    return _record(request, session, recent(session, limit=150), staff=True)


def _record(
    request: Request, session: Session, entries: list[Entry], *, staff: bool = False
) -> Response[str]:
    programme = programme_at(session, clock.now())
    return html(
        request,
        "desk/history.html",
        entries=entries,
        staff=staff,
        programme=programme,
        changes=history_rules.changes,
        words=history_rules.WORDS,
        taxonomies=history_rules.TAXONOMIES,
        reasons=programme.matching["lost_reasons"] | programme.matching["decline_reasons"],
    )


@get("/outbox")
def demo_outbox(request: Request, session: Session) -> Response[str]:
    """The mails of a demo that has no mail server; there is no such page otherwise."""
    if not settings().demo or settings().production or settings().smtp_url:
        raise NotFound
    return html(request, "desk/outbox.html", mails=outbox(session))


@get("/healthz")
def health(session: Session) -> Response[dict[str, str]]:
    """200 once the database is migrated and the programme loaded."""
    return Response({"status": "ok", "programme": programme_at(session, clock.now()).version})


routers = [
    Router("/", route_handlers=[front, demo_outbox, health], guards=[public]),
    Router("/", route_handlers=[home, own_history], guards=[signed_in]),
    Router("/", route_handlers=[desk, all_history], guards=[staff]),
]
