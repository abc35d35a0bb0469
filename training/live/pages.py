"""Coming sessions, a seat in them, the calendar file, the door."""

from urllib.parse import urlsplit

from litestar import Request, Response, Router
from sqlmodel import Session

from portal import clock, i18n
from portal.refusal import Refused, mark
from portal.settings import settings
from portal.web.html import found, get, go, html, language_of, post
from portal.web.viewer import provider_member, viewer_of
from training.live import actions, queries
from training.live.calendar import calendar_file
from training.live.rules import SeatStatus, Status, code_holds, door_open, subjects

TOO_OLD = mark("This code has run out. Scan the one that the door shows now.")


def has_seat(one: queries.Counted) -> bool:
    return one.own is not None and one.own.status is SeatStatus.SEATED


@get("/my/live", right="live")
def coming(request: Request, session: Session) -> Response[str]:
    viewer, now = viewer_of(request), clock.now()
    return html(
        request,
        "live/coming.html",
        coming=queries.coming(session, viewer.person_id, now),
        past=queries.past_of(session, viewer.person_id, now),
    )


@get("/my/live/{live_id:int}", right="live")
def live(request: Request, session: Session, live_id: int) -> Response[str]:
    viewer, now = viewer_of(request), clock.now()
    row = found(queries.live_visible(session, live_id))
    one = queries.counted_of(session, row, viewer.person_id)
    waits = one.own is not None and one.own.status is SeatStatus.WAITING
    return html(
        request,
        "live/session.html",
        one=one,
        live=row,
        seated=has_seat(one),
        ahead=queries.ahead_of(session, one.own) if one.own and waits else None,
        module=subjects(viewer.programme).get(row.subject),
        takes=row.status is Status.OPEN and now < row.closes_at,
        at=now,
    )


@get("/my/live/{live_id:int}/session.ics", right="live")
def calendar(request: Request, session: Session, live_id: int) -> Response[bytes]:
    viewer = viewer_of(request)
    row = found(queries.live_visible(session, live_id))
    one = queries.counted_of(session, row, viewer.person_id)
    base = settings().base_url
    with i18n.speaking(language_of(request)):
        content = calendar_file(
            row,
            address=f"{base}/my/live/{row.id}",
            host=urlsplit(base).hostname or "yuqiao",
            with_link=has_seat(one),
        )
    return Response(
        content,
        media_type="text/calendar; charset=utf-8; method=PUBLISH",
        headers={
            "Content-Disposition": f'attachment; filename="session-{row.id}.ics"',
            "Cache-Control": "private, no-store",
        },
    )


@post("/my/live/{live_id:int}/sign-up", right="live")
def sign_up(request: Request, session: Session, live_id: int) -> Response:
    viewer = viewer_of(request)
    found(queries.live_visible(session, live_id))
    acting = found(viewer.organisation)
    seat = actions.sign_up(session, live_id, acting.id, by=viewer.person_id, now=clock.now())
    said = (
        mark("You have a seat.")
        if seat.status is SeatStatus.SEATED
        else mark("The session is full. You stand in the line and get a mail when a seat is yours.")
    )
    return go(f"/my/live/{live_id}", said)


@post("/my/live/{live_id:int}/withdraw", right="live")
def withdraw(request: Request, session: Session, live_id: int) -> Response:
    viewer = viewer_of(request)
    found(queries.live_visible(session, live_id))
    actions.withdraw(session, live_id, by=viewer.person_id, now=clock.now())
    return go(f"/my/live/{live_id}", mark("Withdrawn. The next in line gets the seat."))


@get("/my/live/{live_id:int}/here/{code:str}", right="live")
def door(request: Request, session: Session, live_id: int, code: str) -> Response[str]:
    """What the QR code leads to: one button, for a page that is opened changes nothing."""
    viewer, now = viewer_of(request), clock.now()
    row = found(queries.live_visible(session, live_id))
    one = queries.counted_of(session, row, viewer.person_id)
    return html(
        request,
        "live/here.html",
        one=one,
        live=row,
        code=code,
        holds=code_holds(settings().secret, live_id, code, now),
        open=row.status is Status.OPEN and door_open(row.starts_at, row.ends_at, now),
        seated=has_seat(one),
        too_old=TOO_OLD,
    )


@post("/my/live/{live_id:int}/here/{code:str}", right="live")
def check_in(request: Request, session: Session, live_id: int, code: str) -> Response:
    viewer, now = viewer_of(request), clock.now()
    found(queries.live_visible(session, live_id))
    acting = found(viewer.organisation)
    if not code_holds(settings().secret, live_id, code, now):
        raise Refused(TOO_OLD)
    first = actions.check_in(session, live_id, acting.id, by=viewer.person_id, now=now)
    said = mark("Checked in. Welcome!") if first else mark("You were checked in already.")
    return go(f"/my/live/{live_id}", said)


routers = [
    Router(
        "/",
        route_handlers=[coming, live, calendar, sign_up, withdraw, door, check_in],
        guards=[provider_member],
    )
]
