"""Judges rate, each for themselves; whoever sets pass marks opens, closes and adopts."""

from math import ceil
from typing import Any

from litestar import Request, Response, Router
from sqlmodel import Session

from certification.banks.rendering import show
from certification.exams.models import Exam
from certification.exams.queries import exam_by_code, pictures_of, questions_with
from certification.exams.rules import judged, terms_of
from certification.standards import actions, queries
from certification.standards.forms import Because, OpenStandard, read_ratings
from certification.standards.models import Standard
from certification.standards.rules import ROUNDS, StandardStatus, cut_of, latest, moves_from, progress
from certification.statistics.queries import exam_responses
from certification.statistics.report import report_of
from portal import clock
from portal.programme.queries import programme_at
from portal.refusal import mark
from portal.web.forms import Form, check
from portal.web.html import found, get, go, html, language_of, post
from portal.web.viewer import staff, viewer_of

STATES = {
    StandardStatus.ROUND_ONE: mark("first round, blind"),
    StandardStatus.ROUND_TWO: mark("second round"),
    StandardStatus.CLOSED: mark("closed, not adopted"),
    StandardStatus.ADOPTED: mark("adopted"),
    StandardStatus.REPLACED: mark("replaced"),
    StandardStatus.DROPPED: mark("dropped"),
}


def _terms(session: Session, exam: Exam) -> Any:
    programme = programme_at(session, clock.now())
    return terms_of(
        programme,
        exam.certificate,
        exam.blueprint,
        exam.minutes,
        exam.pass_marks,
        exam.part,
        exam.cut_share,
    )


def _list(
    request: Request, session: Session, exam: Exam, form: Form, errors: dict[str, str], status: int = 200
) -> Response[str]:
    return html(
        request,
        "standards/list.html",
        status=status,
        exam=exam,
        terms=_terms(session, exam),
        standards=queries.standards_of(session, exam.id or 0),
        states=STATES,
        form=form,
        errors=errors,
    )


@get("/staff/exams/{code:str}/standards", right="staff_judge")
def standards(request: Request, session: Session, code: str) -> Response[str]:
    exam = found(exam_by_code(session, code))
    terms = _terms(session, exam)
    return _list(request, session, exam, Form.of({"questions": terms.questions}), {})


@post("/staff/exams/{code:str}/standards", right="staff_standard")
def open_standard(request: Request, session: Session, form: Form, code: str) -> Response:
    exam = found(exam_by_code(session, code))
    entry, errors = check(OpenStandard, form)
    if entry is None:
        return _list(request, session, exam, form, errors, 422)
    standard = actions.open_standard(
        session, exam, entry.title, entry.questions, by=viewer_of(request).person_id, now=clock.now()
    )
    return go(f"/staff/standards/{standard.id}", mark("Opened. Judges can rate now."))


def _page(
    request: Request,
    session: Session,
    row: queries.StandardRow,
    *,
    form: Form | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response[str]:
    """The session as this viewer may see it: in a round that runs, nobody's ratings but one's own."""
    viewer, standard = viewer_of(request), row.standard
    nth = ROUNDS.get(standard.status)
    shown = queries.ratings_shown(session, standard, viewer.person_id)
    own = latest(r for r in shown if r.judge == viewer.person_id).get(viewer.person_id, {})
    over = [r for r in shown if nth is None or r.round < nth]  # of rounds that have ended
    if form is None:
        form = Form.of(
            {f"p-{q}": f"{100 * r.chance:.0f}" for q, r in own.items()}
            | {f"note-{q}": r.note for q, r in own.items()}
        )
    counts = progress(queries.ratings_of(session, standard.id or 0), standard.questions)
    questions = questions_with(session, standard.questions)
    rows = [questions[q] for q in standard.questions if q in questions]
    pictures = pictures_of(session, rows)
    terms = _terms(session, row.exam)
    facility = {}
    if nth != 1 and viewer.may("staff_exams"):  # figures would sway the first, blind round
        load = exam_responses(session, row.exam.code)
        lines = report_of(load.responses, with_model=False).items if load else ()
        facility = {line.column.question.id: line.figures.p for line in lines if line.judged}
    return html(
        request,
        "standards/standard.html",
        status=status,
        standard=standard,
        exam=row.exam,
        terms=terms,
        states=STATES,
        questions=rows,
        shown={q.id: show(q, language_of(request), pictures) for q in rows},
        nth=nth,
        own=own,
        others=_others(over, viewer.person_id),
        cut=cut_of(over, standard.questions, {q.id or 0: q.points for q in rows}),
        needed=ceil(terms.questions * judged(standard.cut_share)) if standard.cut_share is not None else None,
        counts=sorted(counts.items()),
        names=queries.names_of(session, list(counts)),
        moves=moves_from(standard.status) if viewer.may("staff_standard") else set(),
        facility=facility,
        form=form,
        errors=errors or {},
    )


def _others(ratings: list[Any], viewer_id: int) -> dict[int, list[tuple[bool, float, str]]]:
    """Question → (is it one's own, chance, remark), from the lowest; who said what is not shown."""
    said: dict[int, list[tuple[bool, float, str]]] = {}
    for judge, rated in latest(ratings).items():
        for question, one in rated.items():
            said.setdefault(question, []).append((judge == viewer_id, one.chance, one.note))
    return {question: sorted(values, key=lambda v: v[1:]) for question, values in said.items()}


@get("/staff/standards/{standard_id:int}", right="staff_judge")
def standard(request: Request, session: Session, standard_id: int) -> Response[str]:
    return _page(request, session, found(queries.standard_with(session, standard_id)))


def _locked(session: Session, standard_id: int) -> tuple[queries.StandardRow, Standard, str]:
    row = found(queries.standard_with(session, standard_id, lock=True))
    return row, row.standard, f"/staff/standards/{standard_id}"


@post("/staff/standards/{standard_id:int}", right="staff_judge")
def rate(request: Request, session: Session, form: Form, standard_id: int) -> Response:
    """What is right is kept only when all of it is right, so that a page shows either what is stored or what was typed."""
    row, session_row, path = _locked(session, standard_id)
    ratings, errors = read_ratings(form, session_row.questions)
    if errors:
        return _page(request, session, row, form=form, errors=errors, status=422)
    actions.rate(session, session_row, ratings, by=viewer_of(request).person_id, now=clock.now())
    return go(path, mark("Saved. You can change it until the round ends."))


@post("/staff/standards/{standard_id:int}/next-round", right="staff_standard")
def next_round(request: Request, session: Session, standard_id: int) -> Response:
    _, session_row, path = _locked(session, standard_id)
    actions.next_round(session, session_row, by=viewer_of(request).person_id, now=clock.now())
    return go(path, mark("The first round is over; the judges now see one another's ratings."))


@post("/staff/standards/{standard_id:int}/close", right="staff_standard")
def close(request: Request, session: Session, standard_id: int) -> Response:
    _, session_row, path = _locked(session, standard_id)
    actions.close(session, session_row, by=viewer_of(request).person_id, now=clock.now())
    return go(path, mark("Closed. The cut holds for nothing until it is adopted."))


@post("/staff/standards/{standard_id:int}/adopt", right="staff_standard")
def adopt(request: Request, session: Session, form: Form, standard_id: int) -> Response:
    row, session_row, path = _locked(session, standard_id)
    entry, errors = check(Because, form)
    if entry is None:
        return _page(request, session, row, form=form, errors=errors, status=422)
    by, now = viewer_of(request).person_id, clock.now()
    actions.adopt(session, session_row, row.exam, entry.reason, by=by, now=now)
    return go(path, mark("Adopted for sittings that start from now on."))


@post("/staff/standards/{standard_id:int}/withdraw", right="staff_standard")
def withdraw(request: Request, session: Session, form: Form, standard_id: int) -> Response:
    row, session_row, path = _locked(session, standard_id)
    entry, errors = check(Because, form)
    if entry is None:
        return _page(request, session, row, form=form, errors=errors, status=422)
    by, now = viewer_of(request).person_id, clock.now()
    actions.withdraw(session, session_row, row.exam, entry.reason, by=by, now=now)
    return go(path, mark("Withdrawn. The pass mark from before holds again for new sittings."))


@post("/staff/standards/{standard_id:int}/drop", right="staff_standard")
def drop(request: Request, session: Session, form: Form, standard_id: int) -> Response:
    row, session_row, path = _locked(session, standard_id)
    entry, errors = check(Because, form)
    if entry is None:
        return _page(request, session, row, form=form, errors=errors, status=422)
    by, now = viewer_of(request).person_id, clock.now()
    actions.drop(session, session_row, entry.reason, by=by, now=now)
    return go(path, mark("Dropped; what was rated stays readable."))


routers = [
    Router(
        "/",
        route_handlers=[
            standards,
            open_standard,
            standard,
            rate,
            next_round,
            close,
            adopt,
            withdraw,
            drop,
        ],
        guards=[staff],
    )
]
