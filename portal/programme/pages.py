"""Every version of the rules and what changed between them, for everybody."""

from litestar import Request, Response, Router
from sqlmodel import Session

from portal import clock
from portal.programme.difference import difference, labels
from portal.programme.models import ProgrammeVersion
from portal.programme.queries import programme_at, programme_by_id, published
from portal.programme.rules import Programme
from portal.web.forms import whole
from portal.web.html import found, get, html
from portal.web.viewer import Viewer, public


@get("/rules")
def rules(request: Request, session: Session) -> Response[str]:
    """The programme in force, as people read it."""
    return _rules(request, session, programme_at(session, clock.now()))


@get("/rules/versions/{rules_id:int}")
def version(request: Request, session: Session, rules_id: int) -> Response[str]:
    found(session.get(ProgrammeVersion, rules_id))
    return _rules(request, session, programme_by_id(session, rules_id))


def _rules(request: Request, session: Session, programme: Programme) -> Response[str]:
    now = clock.now()
    return html(
        request,
        "programme/rules.html",
        programme=programme,
        versions=published(session),
        in_force=programme_at(session, now).id,
        at=now,
        viewer_is_guest=not isinstance(request.scope.get("user"), Viewer),
    )


@get("/rules/versions/{rules_id:int}/changes")
def changes(request: Request, session: Session, rules_id: int) -> Response[str]:
    """Against the version before it, or another one."""
    found(session.get(ProgrammeVersion, rules_id))
    versions = published(session)
    place = next(i for i, v in enumerate(versions) if v.id == rules_id)
    before = versions[place + 1 : place + 2]
    wanted = whole(request.query_params.get("against", ""))
    against = next((v for v in versions if v.id == wanted), before[0] if before else None)
    new = programme_by_id(session, rules_id)
    old = programme_by_id(session, against.id) if against else None
    return html(
        request,
        "programme/changes.html",
        shown=versions[place],
        versions=versions,
        against=against,
        changes=difference(old.content, new.content) if old else [],
        labels=lambda path: labels(path, new.content, old.content if old else {}),
        at=clock.now(),
    )


routers = [Router("/", route_handlers=[rules, version, changes], guards=[public])]
