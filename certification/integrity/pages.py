"""Staff read files and decide in twos; candidates give their word; the script of a paper reports that it was left."""

from datetime import datetime
from typing import Any

from litestar import Request, Response, Router
from pydantic import ValidationError
from sqlmodel import Session

from certification.exams.models import Exam
from certification.exams.queries import sitting_at
from certification.integrity import actions, queries
from certification.integrity.beside import beside
from certification.integrity.forms import Away, Because, Statement
from certification.integrity.rules import MOVES, FileStatus, Kind
from portal import clock
from portal.desk.parts import Clock, DeskLine
from portal.history.queries import timeline
from portal.refusal import Refused, mark
from portal.web.forms import Form, check, whole
from portal.web.html import found, get, go, html, post
from portal.web.viewer import Viewer, signed_in, staff, viewer_of

KINDS = {
    Kind.SPEED: mark("right faster than one can read"),
    Kind.SIMILARITY: mark("answers like another paper's"),
    Kind.EXPOSURE: mark("known questions"),
    Kind.CANARY: mark("planted questions"),
}
STATES = {
    FileStatus.OPEN: mark("to be looked at"),
    FileStatus.ASKED: mark("the candidate has the word"),
    FileStatus.HEARD: mark("candidate heard"),
    FileStatus.CLOSED: mark("closed"),
}


# ——— Staff ———


@get("/staff/integrity", right="staff_void")
def files(request: Request, session: Session) -> Response[str]:
    viewer = viewer_of(request)
    return html(
        request,
        "integrity/queue.html",
        rows=queries.file_queue(session, viewer.person_id),
        closed=queries.file_queue(session, viewer.person_id, closed=True, limit=50),
        kinds=KINDS,
        states=STATES,
    )


def _page(
    request: Request,
    session: Session,
    row: queries.FileRow,
    form: Form,
    errors: dict[str, str],
    *,
    move: str = "",
    status: int = 200,
) -> Response[str]:
    viewer, file, now = viewer_of(request), row.file, clock.now()
    partners: list[dict[str, Any]] = file.figures.get("partners", [])
    chosen = min(max(whole(request.query_params.get("other", ""), 1), 1), max(1, len(partners)))
    ids = [row.sitting.id or 0] + [one["sitting"] for one in partners[chosen - 1 : chosen]]
    people = queries.sittings_with(session, ids)
    papers = [people[i][0] for i in ids if i in people]
    named = queries.names_shown(session, file.id or 0, viewer.person_id)
    moves = {name for (state, name) in MOVES if state is file.status}
    if file.proposed_by == viewer.person_id or (
        file.status is FileStatus.ASKED and file.answer_until and now < file.answer_until
    ):
        moves -= {"void"}
    return html(
        request,
        "integrity/file.html",
        status=status,
        row=row,
        file=file,
        papers=papers,
        partners=partners,
        chosen=chosen,
        lines=beside(session, papers),
        away=queries.away_of(session, ids),
        names=[people[i][1].name for i in ids if i in people] if named else [],
        moves=moves,
        move=move,
        own_proposal=file.proposed_by == viewer.person_id,
        entries=timeline(session, "integrity", file.id or 0),
        kinds=KINDS,
        states=STATES,
        form=form,
        errors=errors,
    )


@get("/staff/integrity/{integrity_id:int}", right="staff_void")
def one_file(request: Request, session: Session, integrity_id: int) -> Response[str]:
    row = found(queries.file_for(session, integrity_id, viewer_of(request).person_id))
    return _page(request, session, row, Form(), {})


@post("/staff/integrity/{integrity_id:int}/names", right="staff_void")
def names(request: Request, session: Session, integrity_id: int) -> Response:
    viewer = viewer_of(request)
    row = found(queries.file_for(session, integrity_id, viewer.person_id, lock=True))
    if not queries.names_shown(session, integrity_id, viewer.person_id):
        actions.show_names(session, row.file, by=viewer.person_id, now=clock.now())
    return go(f"/staff/integrity/{integrity_id}", mark("The names are shown to you; that is in the record."))


def _decide(
    request: Request, session: Session, form: Form, integrity_id: int, move: str, act: Any, said: str
) -> Response:
    viewer = viewer_of(request)
    row = found(queries.file_for(session, integrity_id, viewer.person_id, lock=True))
    entry, errors = check(Because, form)
    if entry is None:
        return _page(request, session, row, form, errors, move=move, status=422)
    act(session, row.file, row.sitting, entry.reason, by=viewer.person_id, now=clock.now())
    return go(f"/staff/integrity/{integrity_id}", said)


@post("/staff/integrity/{integrity_id:int}/clear", right="staff_void")
def clear(request: Request, session: Session, form: Form, integrity_id: int) -> Response:
    said = mark("Cleared. Nothing follows from it.")
    return _decide(request, session, form, integrity_id, "clear", actions.clear, said)


@post("/staff/integrity/{integrity_id:int}/propose", right="staff_void")
def propose(request: Request, session: Session, form: Form, integrity_id: int) -> Response:
    said = mark("Proposed. The candidate has been asked for their word; a colleague decides.")
    return _decide(request, session, form, integrity_id, "propose", actions.propose_void, said)


@post("/staff/integrity/{integrity_id:int}/void", right="staff_void")
def void(request: Request, session: Session, form: Form, integrity_id: int) -> Response:
    said = mark("Voided; the reason is in the record.")
    return _decide(request, session, form, integrity_id, "void", actions.confirm_void, said)


def desk_lines(session: Session, viewer: Viewer, _now: datetime) -> list[DeskLine]:
    if not viewer.may("staff_void"):
        return []
    return [
        DeskLine(
            mark("Integrity of exams"), queries.files_waiting(session, viewer.person_id), "/staff/integrity"
        )
    ]


# ——— The candidate ———


def _statement_page(
    request: Request, session: Session, token: str, form: Form, errors: dict[str, str], status: int = 200
) -> Response[str]:
    viewer = viewer_of(request)
    sitting = found(sitting_at(session, token, viewer.person_id))
    rows = queries.awaiting_word(session, token, viewer.person_id)
    found(rows or None)
    return html(
        request,
        "integrity/statement.html",
        status=status,
        sitting=sitting,
        exam=session.get_one(Exam, sitting.exam_id),
        files=rows,
        waiting=[file for file in rows if file.status is FileStatus.ASKED],
        away=queries.away_of(session, [sitting.id or 0]).get(sitting.id or 0),
        form=form,
        errors=errors,
    )


@get("/my/sittings/{token:str}/statement")
def statement(request: Request, session: Session, token: str) -> Response[str]:
    return _statement_page(request, session, token, Form(), {})


@post("/my/sittings/{token:str}/statement")
def give_statement(request: Request, session: Session, form: Form, token: str) -> Response:
    viewer = viewer_of(request)
    rows = queries.awaiting_word(session, token, viewer.person_id, lock=True)
    found(rows or None)
    entry, errors = check(Statement, form)
    if entry is None:
        return _statement_page(request, session, token, form, errors, 422)
    actions.state(session, rows, entry.statement, by=viewer.person_id, now=clock.now())
    return go(
        f"/my/sittings/{token}/statement",
        mark("Your word is with the file. Two people decide; you are told."),
    )


@post("/my/sittings/{token:str}/away")
def away(request: Request, session: Session, form: Form, token: str) -> Response[dict[str, Any]]:
    """JSON in and out: {times, seconds} since the last report → {noted}."""
    viewer, now = viewer_of(request), clock.now()
    row = found(sitting_at(session, token, viewer.person_id, lock=True))
    try:
        entry = Away.model_validate(form.sent)
        actions.note_away(session, row, entry.times, entry.seconds, now=now)
    except ValidationError:
        return Response({"noted": False}, status_code=422)
    except Refused:
        return Response({"noted": False}, status_code=409)
    return Response({"noted": True})


def clocks(session: Session, viewer: Viewer, _now: datetime) -> list[Clock]:
    return [
        Clock(
            until,
            mark("Your word on your sitting of %(code)s is awaited. Without it, two people decide alone."),
            f"/my/sittings/{token}/statement",
            {"code": code},
        )
        for token, code, until in queries.words_wanted(session, viewer.person_id)
    ]


routers = [
    Router("/", route_handlers=[files, one_file, names, clear, propose, void], guards=[staff]),
    Router("/", route_handlers=[statement, give_statement, away], guards=[signed_in]),
]
