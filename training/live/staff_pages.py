"""Plan sessions, see who comes, show the code at the door, mark attendance."""

from typing import Any

import segno
from litestar import Request, Response, Router
from markupsafe import Markup
from sqlmodel import Session

from portal import clock
from portal.clock import CHINA
from portal.history.queries import timeline
from portal.i18n import gettext
from portal.refusal import NotFound, Refused, mark
from portal.settings import settings
from portal.web.forms import Form, check, whole
from portal.web.html import found, get, go, html, post
from portal.web.viewer import staff, viewer_of
from training.live import actions, queries
from training.live.forms import Plan, Reason
from training.live.models import LiveSession
from training.live.rules import STATES, SUBJECT, SeatStatus, Status, code_ends, door_code, door_open, subjects

FIELDS = tuple(Plan.model_fields)
MOMENTS = ("starts_at", "ends_at", "closes_at")


@get("/staff/live", right="staff_live")
def lives(request: Request, session: Session) -> Response[str]:
    return html(request, "live/staff.html", rows=queries.every_live(session), states=STATES)


def _form_page(
    request: Request,
    form: Form,
    errors: dict[str, str],
    live: LiveSession | None = None,
    status: int = 200,
) -> Response[str]:
    return html(
        request,
        "live/form.html",
        status=status,
        form=form,
        errors=errors,
        live=live,
        subjects=subjects(viewer_of(request).programme),
    )


def _read(request: Request, form: Form) -> tuple[Plan | None, dict[str, str]]:
    options = subjects(viewer_of(request).programme)
    entry, errors = check(Plan, form, {"subjects": options, "now": clock.now()})
    if entry:
        errors = {name: gettext(sentence) for name, sentence in entry.wrong().items()}
    return (None if errors else entry), errors


@get("/staff/live/new", right="staff_live")
def new(request: Request) -> Response[str]:
    return _form_page(request, Form(), {})


@post("/staff/live/new", right="staff_live")
def plan(request: Request, session: Session, form: Form) -> Response:
    entry, errors = _read(request, form)
    if entry is None:
        return _form_page(request, form, errors, status=422)
    row = actions.plan(session, entry.model_dump(), by=viewer_of(request).person_id, now=clock.now())
    return go(f"/staff/live/{row.id}", mark("Planned. Nobody sees it until you open it."))


@get("/staff/live/{live_id:int}/edit", right="staff_live")
def edit(request: Request, session: Session, live_id: int) -> Response[str]:
    row = found(session.get(LiveSession, live_id))
    values: dict[str, Any] = {name: getattr(row, name) for name in FIELDS}
    values |= {name: getattr(row, name).astimezone(CHINA).strftime("%Y-%m-%dT%H:%M") for name in MOMENTS}
    return _form_page(request, Form.of(values | {"sequence": row.sequence}), {}, row)


@post("/staff/live/{live_id:int}/edit", right="staff_live")
def change(request: Request, session: Session, form: Form, live_id: int) -> Response:
    row = found(session.get(LiveSession, live_id))
    entry, errors = _read(request, form)
    if entry is None:
        return _form_page(request, form, errors, row, status=422)
    try:
        actions.change(
            session,
            live_id,
            entry.model_dump(),
            sequence=whole(form["sequence"], -1),
            by=viewer_of(request).person_id,
            now=clock.now(),
        )
    except Refused as refused:
        if refused.status != 422:
            raise
        errors = {"capacity": gettext(refused.message, **refused.values)}
        return _form_page(request, form, errors, row, status=422)
    return go(f"/staff/live/{live_id}", mark("Saved. Who has a seat is told of a new time or place."))


def _live_page(
    request: Request,
    session: Session,
    row: LiveSession,
    form: Form,
    errors: dict[str, str],
    move: str = "",
    status: int = 200,
) -> Response[str]:
    """`move`: the form that has `errors`."""
    now = clock.now()
    places = queries.places_of(session, row.id or 0)
    return html(
        request,
        "live/manage.html",
        status=status,
        one=queries.counted_of(session, row),
        live=row,
        states=STATES,
        seated=[p for p in places if p.seat.status is SeatStatus.SEATED],
        line=[p for p in places if p.seat.status is SeatStatus.WAITING],
        subject=subjects(viewer_of(request).programme).get(row.subject),
        marking=row.status in (Status.OPEN, Status.HELD) and door_open(row.starts_at, now, now),
        door=row.status is Status.OPEN and now <= row.ends_at,
        ended=row.ends_at <= now,
        entries=timeline(session, SUBJECT, row.id or 0)[:20],
        form=form,
        errors=errors,
        wrong=move,
    )


@get("/staff/live/{live_id:int}", right="staff_live")
def manage(request: Request, session: Session, live_id: int) -> Response[str]:
    row = found(session.get(LiveSession, live_id))
    return _live_page(request, session, row, Form(), {})


SAID = {
    "open": mark("Open. People can sign up."),
    "cancel": mark("Cancelled. All with a place are told."),
    "hold": mark("Held. Attendance can still be corrected."),
    "present": mark("Marked as present; the hours are credited."),
    "absent": mark("Marked as absent; the hours are taken back."),
}


@post("/staff/live/{live_id:int}/{move:str}", right="staff_live")
def act(request: Request, session: Session, form: Form, live_id: int, move: str) -> Response:
    row = found(session.get(LiveSession, live_id))
    if move not in SAID:
        raise NotFound
    by, now = viewer_of(request).person_id, clock.now()
    if move == "open":
        actions.open_up(session, live_id, by=by, now=now)
    elif move == "hold":
        actions.hold(session, live_id, by=by, now=now)
    else:
        why, errors = check(Reason, form)
        if why is None:
            return _live_page(request, session, row, form, errors, move, 422)
        seat = whole(form["seat"])
        if move == "cancel":
            actions.cancel(session, live_id, reason=why.reason, by=by, now=now)
        elif move == "present":
            actions.mark_present(session, live_id, seat, reason=why.reason, by=by, now=now)
        else:
            actions.mark_absent(session, live_id, seat, reason=why.reason, by=by, now=now)
    return go(f"/staff/live/{live_id}", SAID[move])


@get("/staff/live/{live_id:int}/door", right="staff_live")
def door(request: Request, session: Session, live_id: int) -> Response[str]:
    """For a screen at the door; it loads itself anew each minute."""
    row, now = found(session.get(LiveSession, live_id)), clock.now()
    found(row if row.status is Status.OPEN else None)
    address = f"{settings().base_url}/my/live/{live_id}/here/{door_code(settings().secret, live_id, now)}"
    qr = segno.make(address, error="m", micro=False).svg_inline(
        scale=6, border=4, omitsize=True, svgclass="qr poster", lineclass=None
    )
    return html(
        request,
        "live/door.html",
        one=queries.counted_of(session, row),
        live=row,
        qr=Markup(qr),  # noqa: S704  drawn by segno
        address=address,
        ends=code_ends(now),
        open=door_open(row.starts_at, row.ends_at, now),
    )


router = Router("/", route_handlers=[lives, new, plan, edit, change, manage, act, door], guards=[staff])
