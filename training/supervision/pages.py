"""The board of a team's learning, for its owners and for staff; the same numbers as CSV."""

import csv
import io

from litestar import Request, Response, Router
from sqlmodel import Session

from portal import clock
from portal.i18n import gettext, local, show_date, speaking
from portal.organisations.models import Organisation
from portal.refusal import mark
from portal.rights.rules import role_names
from portal.web.html import found, get, html, language_of
from portal.web.viewer import provider_member, staff, viewer_of
from training.supervision import queries
from training.supervision.home import card_for
from training.supervision.rules import ORDER, Board, Line
from training.tasks.queries import tasks_in
from training.tasks.rules import name_of
from training.tracks.queries import states_of
from training.tracks.rules import State


def _page(request: Request, session: Session, organisation: Organisation, base: str) -> Response[str]:
    viewer, now = viewer_of(request), clock.now()
    seen = queries.board(session, organisation.id or 0, viewer.programme, now)
    late = request.query_params.get("overdue") == "yes"
    return html(
        request,
        "supervision/board.html",
        organisation=organisation,
        base=base,
        board=seen,
        card=card_for(seen, organisation, viewer.programme, now),
        order=ORDER,
        late=late,
        lines=[line for line in seen.lines if line.overdue or not late],
        tasks=[
            (task, name_of(task.kind, task.subject, task.title, viewer.programme), of, done)
            for task, of, done in tasks_in(session, organisation.id or 0)
        ],
        roles=role_names(viewer.programme),
        at=now,
    )


def _person(
    request: Request, session: Session, organisation: Organisation, employment_id: int, base: str
) -> Response[str]:
    viewer, now = viewer_of(request), clock.now()
    seen = queries.board(session, organisation.id or 0, viewer.programme, now)
    line = found(next((one for one in seen.lines if one.worker.employment_id == employment_id), None))
    return html(
        request,
        "supervision/person.html",
        organisation=organisation,
        base=base,
        line=line,
        shortened=sorted(
            key
            for key, state in states_of(session, line.worker.person_id).items()
            if state is State.SHORTENED
        ),
        modules={
            f"{t['code']}/{n}": m for t in viewer.programme["tracks"] for n, m in enumerate(t["modules"], 1)
        },
        ending={code for _, code in line.ending(now)},
        roles=role_names(viewer.programme),
        certificates={c["code"]: c for c in viewer.programme["personal_certificates"]},
        at=now,
    )


@get("/my/team/learning", right="task")
def board(request: Request, session: Session) -> Response[str]:
    acting = found(viewer_of(request).organisation)
    return _page(request, session, session.get_one(Organisation, acting.id), "/my/team/learning")


@get("/my/team/learning/{employment_id:int}", right="task")
def person(request: Request, session: Session, employment_id: int) -> Response[str]:
    acting = found(viewer_of(request).organisation)
    organisation = session.get_one(Organisation, acting.id)
    return _person(request, session, organisation, employment_id, "/my/team/learning")


@get("/my/team/learning.csv", right="task")
def board_as_csv(request: Request, session: Session) -> Response[str]:
    viewer, now = viewer_of(request), clock.now()
    acting = found(viewer.organisation)
    with speaking(language_of(request)):
        text = as_csv(queries.board(session, acting.id, viewer.programme, now), role_names(viewer.programme))
    return Response(
        text,
        media_type="text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="learning-{clock.today(now)}.csv"',
            "Cache-Control": "private, no-store",
        },
    )


COLUMNS = (
    mark("Name"),
    mark("Roles"),
    mark("Lessons, 12 months"),
    mark("Hours, 12 months"),
    mark("Hours, 28 days"),
    mark("Certificates"),
    mark("Mandatory courses"),
    mark("Open tasks"),
    mark("Overdue tasks"),
    mark("Last activity"),
)


def as_csv(seen: Board, roles: dict[str, dict[str, str]]) -> str:
    """A line a person, in the reader's language, with a mark for spreadsheets that it is UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([gettext(name) for name in COLUMNS])
    for line in seen.lines:
        writer.writerow([_safe(value) for value in _cells(line, roles)])
    return "\ufeff" + out.getvalue()


def _cells(line: Line, roles: dict[str, dict[str, str]]) -> list[object]:
    ends = [f"{code} {show_date(end)}" for code, end in sorted(line.certificates.items())]
    return [
        line.worker.name,
        ", ".join(local(roles.get(role, role)) for role in line.worker.roles),
        line.modules,
        line.hours,
        line.hours_28d,
        "; ".join(ends),
        "; ".join(f"{c.code} {show_date(c.until)}" for c in line.courses),
        line.open,
        line.overdue,
        show_date(line.last_at),
    ]


def _safe(value: object) -> object:
    """No cell that a spreadsheet would compute."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


@get("/staff/organisations/{organisation_id:int}/learning")
def board_for_staff(request: Request, session: Session, organisation_id: int) -> Response[str]:
    organisation = found(session.get(Organisation, organisation_id))
    return _page(request, session, organisation, f"/staff/organisations/{organisation_id}/learning")


@get("/staff/organisations/{organisation_id:int}/learning/{employment_id:int}")
def person_for_staff(
    request: Request, session: Session, organisation_id: int, employment_id: int
) -> Response[str]:
    organisation = found(session.get(Organisation, organisation_id))
    return _person(
        request, session, organisation, employment_id, f"/staff/organisations/{organisation_id}/learning"
    )


routers = [
    Router("/", route_handlers=[board, person, board_as_csv], guards=[provider_member]),
    Router("/", route_handlers=[board_for_staff, person_for_staff], guards=[staff]),
]
