"""The conduct file of one's own organisation: the score, complaints to answer, appeals."""

from datetime import datetime, timedelta

from litestar import Request, Response, Router
from sqlmodel import Session

from certification.conduct import actions, queries, texts
from certification.conduct.file import conduct_file
from certification.conduct.forms import Word
from certification.conduct.models import Complaint, Sanction
from certification.conduct.rules import APPEALABLE, Status, appeal_until
from certification.sanctions import actions as sanctions
from portal import clock
from portal.desk.parts import Clock
from portal.files.pages import send_file
from portal.files.rules import Purpose
from portal.organisations.models import Organisation
from portal.programme.queries import programme_at
from portal.refusal import mark
from portal.web.forms import Form, check
from portal.web.html import found, get, go, html, post
from portal.web.viewer import Viewer, in_organisation, viewer_of


def _window(session: Session, now: datetime) -> int:
    return int(programme_at(session, now)["reviews_of_submissions"]["appeal"]["window_d"])


def _appeal_until(row: Complaint | Sanction, days: int, now: datetime) -> datetime | None:
    """Until when it may still be appealed against."""
    if isinstance(row, Complaint):
        decided = row.confirmed_at if row.status in (Status.UPHELD, Status.REMEDIED) else None
    else:
        decided = row.decided_at if row.status == "confirmed" and row.measure in APPEALABLE else None
    until = appeal_until(decided, row.appealed_at, days)
    return until if until and until > now else None


def _mine(
    request: Request,
    session: Session,
    *,
    form: Form | None = None,
    errors: dict[str, str] | None = None,
    failed: int = 0,
    status: int = 200,
) -> Response[str]:
    organisation = session.get_one(Organisation, found(viewer_of(request).organisation).id)
    now, days = clock.now(), _window(session, clock.now())
    rows = queries.sanctions_of(session, organisation.id or 0, own=True)
    return html(
        request,
        "conduct/mine.html",
        status=status,
        organisation=organisation,
        file=conduct_file(session, organisation.id or 0, now),
        complaints=queries.complaints_of(session, organisation.id or 0),
        sanctions=rows,
        until={row.id: _appeal_until(row, days, now) for row in rows},
        states=texts.STATES,
        form=form or Form(),
        errors=errors or {},
        failed=failed,
        **texts.ALL,
    )


@get("/my/conduct", right="see")
def mine(request: Request, session: Session) -> Response[str]:
    return _mine(request, session)


def _own(request: Request, session: Session, complaint_id: int, *, lock: bool = False) -> Complaint:
    acting = found(viewer_of(request).organisation)
    return found(queries.own_complaint(session, complaint_id, acting.id, lock=lock))


def _complaint(
    request: Request, session: Session, row: Complaint, form: Form, errors: dict[str, str], status: int = 200
) -> Response[str]:
    now = clock.now()
    return html(
        request,
        "conduct/complaint.html",
        status=status,
        complaint=row,
        file=queries.file_of(session, row),
        until=_appeal_until(row, _window(session, now), now),
        states=texts.STATES,
        form=form,
        errors=errors,
        **texts.ALL,
    )


@get("/my/conduct/complaints/{complaint_id:int}", right="see")
def complaint(request: Request, session: Session, complaint_id: int) -> Response[str]:
    return _complaint(request, session, _own(request, session, complaint_id), Form(), {})


@get("/my/conduct/complaints/{complaint_id:int}/file", opt={"writes": True}, right="conduct")
def own_file(request: Request, session: Session, complaint_id: int) -> Response[bytes]:
    file = found(queries.file_of(session, _own(request, session, complaint_id)))
    return send_file(session, file, Purpose.OWN, by=viewer_of(request).person_id)


@post("/my/conduct/complaints/{complaint_id:int}/answer", right="conduct")
def answer(request: Request, session: Session, form: Form, complaint_id: int) -> Response:
    row = _own(request, session, complaint_id, lock=True)
    entry, errors = check(Word, form)
    if entry is None:
        return _complaint(request, session, row, form, errors, 422)
    actions.answer(session, row, entry.text, by=viewer_of(request).person_id, now=clock.now())
    return go(
        f"/my/conduct/complaints/{complaint_id}",
        mark("Your answer is with the complaint. Two people decide, and you are told."),
    )


@post("/my/conduct/complaints/{complaint_id:int}/appeal", right="conduct")
def appeal(request: Request, session: Session, form: Form, complaint_id: int) -> Response:
    row = _own(request, session, complaint_id, lock=True)
    entry, errors = check(Word, form)
    if entry is None:
        return _complaint(request, session, row, form, errors, 422)
    actions.appeal(session, row, entry.text, by=viewer_of(request).person_id, now=clock.now())
    return go(
        f"/my/conduct/complaints/{complaint_id}",
        mark("Your appeal is with the staff. Somebody who had no part in it decides; it can't get worse."),
    )


@post("/my/conduct/sanctions/{sanction_id:int}/appeal", right="conduct")
def appeal_sanction(request: Request, session: Session, form: Form, sanction_id: int) -> Response:
    acting = found(viewer_of(request).organisation)
    row = found(queries.own_sanction(session, sanction_id, acting.id, lock=True))
    entry, errors = check(Word, form)
    if entry is None:
        return _mine(request, session, form=form, errors=errors, failed=sanction_id, status=422)
    sanctions.appeal(session, row, entry.text, by=viewer_of(request).person_id, now=clock.now())
    return go(
        "/my/conduct",
        mark("Your appeal is with the staff. Somebody who had no part in it decides; it can't get worse."),
    )


def clocks(session: Session, viewer: Viewer, now: datetime) -> list[Clock]:
    if viewer.organisation is None or not viewer.may("conduct"):
        return []
    days = _window(session, now)
    rows = queries.complaints_of(session, viewer.organisation.id)
    running = [
        Clock(
            row.answer_until,
            mark("Your answer to a complaint is awaited. Without it, two people decide alone."),
            f"/my/conduct/complaints/{row.id}",
        )
        for row in rows
        if row.status is Status.ASKED and row.answer_until > now - timedelta(days=30)
    ]
    running += [
        Clock(
            until,
            mark("The time to appeal against an upheld complaint ends."),
            f"/my/conduct/complaints/{row.id}",
        )
        for row in rows
        if (until := _appeal_until(row, days, now))
    ]
    return running + [
        Clock(until, mark("The time to appeal against a sanction ends."), "/my/conduct")
        for row in queries.sanctions_of(session, viewer.organisation.id, own=True)
        if (until := _appeal_until(row, days, now))
    ]


routers = [
    Router(
        "/",
        route_handlers=[mine, complaint, own_file, answer, appeal, appeal_sanction],
        guards=[in_organisation],
    )
]
