"""Staff open and decide complaints, propose and confirm sanctions: never alone."""

from datetime import datetime

from litestar import Request, Response, Router
from sqlmodel import Session

from certification.conduct import actions, queries, texts
from certification.conduct.file import conduct_file
from certification.conduct.forms import Because, Open, Propose
from certification.conduct.rules import (
    MOVES,
    OF_LEVEL,
    OTHER_REASONS,
    SANCTION_MOVES,
    Measure,
    SanctionStatus,
    Status,
)
from certification.sanctions import actions as sanctions
from certification.standing.queries import levels_of
from certification.standing.rules import MOVES as LEVEL_MOVES
from portal import clock
from portal.desk.parts import DeskLine
from portal.files.pages import send_file
from portal.files.rules import Purpose
from portal.history.queries import timeline
from portal.i18n import gettext
from portal.organisations.models import Organisation
from portal.organisations.queries import worked_for
from portal.organisations.rules import TRUST_MOVES
from portal.programme.queries import programme_at
from portal.refusal import NotFound, Refused, mark
from portal.review.actions import REVISION
from portal.web.forms import Form, check
from portal.web.html import found, get, go, html, post
from portal.web.limits import UPLOAD_BYTES
from portal.web.viewer import Viewer, staff, viewer_of


@get("/staff/conduct", right="staff_conduct")
def queue(request: Request, session: Session) -> Response[str]:
    by = viewer_of(request).person_id
    return html(
        request,
        "conduct/queue.html",
        complaints=queries.complaint_queue(session, by),
        sanctions=queries.sanction_queue(session, by),
        closed=queries.complaint_queue(session, by, closed=True, limit=30),
        ended=queries.sanction_queue(session, by, closed=True, limit=30),
        states=texts.STAFF_STATES,
        **texts.ALL,
    )


# ——— An organisation's file ———


def _measures(session: Session, organisation: Organisation) -> list[Measure]:
    """What may be proposed now."""
    levels = [level.status for level in levels_of(session, organisation.id or 0)]
    return [
        m
        for m in Measure
        if (
            any((status, OF_LEVEL[m]) in LEVEL_MOVES for status in levels)
            if m in OF_LEVEL
            else (organisation.trust, m.value) in TRUST_MOVES
        )
    ]


def _organisation(
    request: Request, session: Session, organisation_id: int, *, lock: bool = False
) -> Organisation:
    """Nobody decides about an organisation they work or worked for."""
    organisation = found(session.get(Organisation, organisation_id, with_for_update=lock))
    if worked_for(session, viewer_of(request).person_id, organisation_id):
        raise NotFound
    return organisation


def _page(
    request: Request,
    session: Session,
    organisation: Organisation,
    form: Form,
    errors: dict[str, str],
    *,
    failed: str = "",
    status: int = 200,
) -> Response[str]:
    now = clock.now()
    organisation_id = organisation.id or 0
    immediate = sanctions.immediate_classes(session, now)
    return html(
        request,
        "conduct/organisation.html",
        status=status,
        organisation=organisation,
        file=conduct_file(session, organisation_id, now),
        complaints=queries.complaints_of(session, organisation_id),
        sanctions=queries.sanctions_of(session, organisation_id),
        measures={m.value: texts.MEASURES[m] for m in _measures(session, organisation)},
        immediate=immediate,
        reason_classes=[*immediate, *OTHER_REASONS],
        families=viewer_of(request).programme["families"],
        levels=levels_of(session, organisation_id),
        states=texts.STAFF_STATES,
        form=form,
        errors=errors,
        failed=failed,
        **{key: value for key, value in texts.ALL.items() if key != "measures"},
        names_of_measures=texts.MEASURES,
    )


@get("/staff/organisations/{organisation_id:int}/conduct", right="staff_conduct")
def organisation_page(request: Request, session: Session, organisation_id: int) -> Response[str]:
    return _page(request, session, _organisation(request, session, organisation_id), Form(), {})


@post(
    "/staff/organisations/{organisation_id:int}/complaints",
    right="staff_conduct",
    request_max_body_size=UPLOAD_BYTES,
)
def open_complaint(request: Request, session: Session, form: Form, organisation_id: int) -> Response:
    organisation = _organisation(request, session, organisation_id, lock=True)
    entry, errors = check(Open, form)
    upload = form.file("file")
    if entry is not None:
        by, now = viewer_of(request).person_id, clock.now()
        if any(
            (c.opened_by, c.text, c.status) == (by, entry.text, Status.ASKED)
            for c in queries.complaints_of(session, organisation_id)
        ):
            raise Refused(REVISION)  # sent twice
        try:
            with session.begin_nested():
                opened = actions.open_complaint(
                    session,
                    organisation,
                    entry.kind,
                    entry.origin,
                    entry.complainant,
                    entry.text,
                    (upload.filename, upload.file.read()) if upload else None,
                    by=by,
                    now=now,
                )
            return go(
                f"/staff/conduct/complaints/{opened.id}",
                mark("Opened. The organisation has been asked for its answer."),
            )
        except Refused as refused:
            if refused.status == 409:
                raise
            errors["file"] = gettext(refused.message)
    return _page(request, session, organisation, form, errors, failed="complaint", status=422)


@post("/staff/organisations/{organisation_id:int}/sanctions", right="staff_sanction")
def propose(request: Request, session: Session, form: Form, organisation_id: int) -> Response:
    organisation = _organisation(request, session, organisation_id, lock=True)
    entry, errors = check(Propose, form)
    if entry is not None:
        if entry.reason_class not in {*sanctions.immediate_classes(session, clock.now()), *OTHER_REASONS}:
            errors["reason_class"] = gettext(mark("Please choose one of the options."))
        if entry.measure in OF_LEVEL and entry.family is None:
            errors["family"] = gettext(mark("Please choose the level."))
    if entry is None or errors:
        return _page(request, session, organisation, form, errors, failed="sanction", status=422)
    row = sanctions.propose(
        session,
        organisation,
        entry.measure,
        entry.family,
        entry.reason_class,
        entry.reason,
        by=viewer_of(request).person_id,
        now=clock.now(),
    )
    return go(
        f"/staff/conduct/sanctions/{row.id}",
        mark("It works at once. Without a second person it lapses after three working days.")
        if row.status is SanctionStatus.WORKING
        else mark("Proposed. It takes effect once a second person confirms it."),
    )


# ——— One complaint ———


def _open_moves(row: queries.ComplaintRow, by: int, now: datetime) -> set[str]:
    complaint = row.complaint
    moves = {move for status, move in MOVES if status is complaint.status} & set(actions.BY_STAFF)
    if by == complaint.decided_by:
        moves -= {"confirm", "reject"}
    if complaint.status is Status.ASKED and now < complaint.answer_until:
        moves -= {"uphold"}
    return moves - {"keep", "overturn"} if by in actions.took_part(complaint) else moves


def _complaint(
    request: Request,
    session: Session,
    row: queries.ComplaintRow,
    form: Form,
    errors: dict[str, str],
    *,
    failed: str = "",
    status: int = 200,
) -> Response[str]:
    complaint = row.complaint
    return html(
        request,
        "conduct/staff_complaint.html",
        status=status,
        row=row,
        complaint=complaint,
        file=queries.file_of(session, complaint),
        moves=_open_moves(row, viewer_of(request).person_id, clock.now()),
        names=queries.names(
            session,
            [
                *actions.took_part(complaint),
                complaint.answered_by,
                complaint.appealed_by,
                complaint.appeal_decided_by,
            ],
        ),
        entries=timeline(session, actions.SUBJECT, complaint.id or 0),
        points=programme_at(session, clock.now())["conduct"]["deductions"][complaint.kind.value],
        states=texts.STAFF_STATES,
        form=form,
        errors=errors,
        failed=failed,
        **texts.ALL,
    )


@get("/staff/conduct/complaints/{complaint_id:int}", right="staff_conduct")
def complaint_page(request: Request, session: Session, complaint_id: int) -> Response[str]:
    row = found(queries.complaint_for(session, complaint_id, viewer_of(request).person_id))
    return _complaint(request, session, row, Form(), {})


@get("/staff/conduct/complaints/{complaint_id:int}/file", opt={"writes": True}, right="staff_conduct")
def complaint_file(request: Request, session: Session, complaint_id: int) -> Response[bytes]:
    by = viewer_of(request).person_id
    row = found(queries.complaint_for(session, complaint_id, by))
    return send_file(session, found(queries.file_of(session, row.complaint)), Purpose.REVIEW, by=by)


SAID = {
    "uphold": mark("Proposed. It counts once a second person confirms it."),
    "dismiss": mark("Dismissed; the organisation is told."),
    "confirm": mark("Upheld: it counts from now on, and the organisation is told."),
    "reject": mark("Not confirmed; it is to be decided anew."),
    "remedy": mark("Remedied: it is open no longer."),
    "keep": mark("The appeal is refused; the organisation is told."),
    "overturn": mark("The appeal is granted: nothing of it counts any more."),
}


@post("/staff/conduct/complaints/{complaint_id:int}/{move:str}", right="staff_conduct")
def move_complaint(request: Request, session: Session, form: Form, complaint_id: int, move: str) -> Response:
    by = viewer_of(request).person_id
    act = found(actions.BY_STAFF.get(move))
    row = found(queries.complaint_for(session, complaint_id, by, lock=True))
    entry, errors = check(Because, form)
    if entry is None:
        return _complaint(request, session, row, form, errors, failed=move, status=422)
    act(session, row.complaint, entry.reason, by=by, now=clock.now())
    return go(f"/staff/conduct/complaints/{complaint_id}", SAID[move])


# ——— One sanction ———


def _sanction(
    request: Request,
    session: Session,
    row: queries.SanctionRow,
    form: Form,
    errors: dict[str, str],
    *,
    failed: str = "",
    status: int = 200,
) -> Response[str]:
    sanction, by = row.sanction, viewer_of(request).person_id
    moves = {move for state, move in SANCTION_MOVES if state is sanction.status} & set(sanctions.BY_STAFF)
    moves -= {"confirm", "reject"} if by == sanction.proposed_by else {"withdraw"}
    if by in sanctions.took_part(sanction):
        moves -= {"keep", "overturn"}
    return html(
        request,
        "conduct/sanction.html",
        status=status,
        row=row,
        sanction=sanction,
        moves=moves,
        own=by == sanction.proposed_by,
        families=viewer_of(request).programme["families"],
        names=queries.names(
            session,
            [sanction.proposed_by, sanction.decided_by, sanction.appealed_by, sanction.appeal_decided_by],
        ),
        entries=timeline(session, sanctions.SUBJECT, sanction.id or 0),
        form=form,
        errors=errors,
        failed=failed,
        **texts.ALL,
    )


@get("/staff/conduct/sanctions/{sanction_id:int}", right="staff_sanction")
def sanction_page(request: Request, session: Session, sanction_id: int) -> Response[str]:
    row = found(queries.sanction_for(session, sanction_id, viewer_of(request).person_id))
    return _sanction(request, session, row, Form(), {})


SANCTION_SAID = {
    "confirm": mark("Confirmed; the owners are told."),
    "reject": mark("Rejected. The proposal is kept, and nothing of it works."),
    "withdraw": mark("Withdrawn. The proposal is kept, and nothing of it works."),
    "keep": mark("The appeal is refused; the organisation is told."),
    "overturn": mark("The appeal is granted: the sanction is taken back."),
}


@post("/staff/conduct/sanctions/{sanction_id:int}/{move:str}", right="staff_sanction")
def move_sanction(request: Request, session: Session, form: Form, sanction_id: int, move: str) -> Response:
    by = viewer_of(request).person_id
    act = found(sanctions.BY_STAFF.get(move))
    row = found(queries.sanction_for(session, sanction_id, by, lock=True))
    entry, errors = check(Because, form)
    if entry is None:
        return _sanction(request, session, row, form, errors, failed=move, status=422)
    act(session, row.sanction, row.organisation, entry.reason, by=by, now=clock.now())
    return go(f"/staff/conduct/sanctions/{sanction_id}", SANCTION_SAID[move])


def desk_lines(session: Session, viewer: Viewer, _now: datetime) -> list[DeskLine]:
    if not viewer.may("staff_conduct"):
        return []
    waiting = len(queries.complaint_queue(session, viewer.person_id)) + len(
        queries.sanction_queue(session, viewer.person_id)
    )
    return [DeskLine(mark("Complaints and sanctions"), waiting, "/staff/conduct")]


routers = [
    Router(
        "/",
        route_handlers=[
            queue,
            organisation_page,
            open_complaint,
            propose,
            complaint_page,
            complaint_file,
            move_complaint,
            sanction_page,
            move_sanction,
        ],
        guards=[staff],
    )
]
