"""Staff mark long answers, blind; and correct a key that was wrong."""

from datetime import datetime

from litestar import Request, Response, Router
from sqlmodel import Session

from certification.banks.rendering import show
from certification.exams.queries import files_of, pictures_of
from certification.marking import actions, queries
from certification.marking.forms import GiveMarks
from portal import clock
from portal.desk.parts import DeskLine
from portal.files.pages import send_file
from portal.files.rules import Purpose
from portal.i18n import gettext
from portal.refusal import mark
from portal.web.forms import Form, check, whole
from portal.web.html import found, get, go, html, language_of, post
from portal.web.viewer import Viewer, staff, viewer_of


@get("/staff/marking", right="staff_assess")
def waiting(request: Request, session: Session) -> Response[str]:
    rows = queries.waiting_for(session, viewer_of(request).person_id)
    return html(request, "marking/waiting.html", rows=rows)


def _page(
    request: Request, session: Session, row: queries.ToMark, form: Form, errors: dict[str, str]
) -> Response[str]:
    question = row.question
    return html(
        request,
        "marking/answer.html",
        status=422 if errors else 200,
        row=row,
        view=show(question, language_of(request), pictures_of(session, [question])),
        files=files_of(session, row.sitting.id or 0).get(question.id or 0, []),
        form=form,
        errors=errors,
    )


@get("/staff/marking/{answer_id:int}", right="staff_assess")
def answer(request: Request, session: Session, answer_id: int) -> Response[str]:
    row = found(queries.answer_for(session, answer_id, viewer_of(request).person_id))
    return _page(request, session, row, Form(), {})


@post("/staff/marking/{answer_id:int}", right="staff_assess")
def give(request: Request, session: Session, form: Form, answer_id: int) -> Response:
    viewer = viewer_of(request)
    row = found(queries.answer_for(session, answer_id, viewer.person_id, lock=True))
    entry, errors = check(GiveMarks, form)
    points = [whole(form[f"points-{n}"].strip(), -1) for n in range(1, len(row.question.rubric) + 1)]
    for n, (given, line) in enumerate(zip(points, row.question.rubric, strict=True), 1):
        if not 0 <= given <= line["points"]:
            errors[f"points-{n}"] = gettext(
                mark("Write a whole number from 0 to %(most)s."), most=line["points"]
            )
    if entry is None or errors:
        return _page(request, session, row, form, errors)
    settled = actions.give_marks(session, row, points, entry.note, by=viewer.person_id, now=clock.now())
    return go(
        "/staff/marking",
        mark("Marked. With this the paper has its result.")
        if settled
        else mark("Marked. Another person marks it as well."),
    )


@get("/staff/marking/{answer_id:int}/files/{file_id:int}", right="staff_assess", opt={"writes": True})
def file(request: Request, session: Session, answer_id: int, file_id: int) -> Response[bytes]:
    viewer = viewer_of(request)
    row = found(queries.file_to_mark(session, answer_id, file_id, viewer.person_id))
    return send_file(session, row, Purpose.REVIEW, by=viewer.person_id)


def desk_lines(session: Session, viewer: Viewer, _now: datetime) -> list[DeskLine]:
    """The long answers that wait for this person's marks."""
    if not viewer.may("staff_assess"):
        return []
    return [
        DeskLine(
            mark("Answers to mark"), len(queries.waiting_for(session, viewer.person_id)), "/staff/marking"
        )
    ]


routers = [Router("/", route_handlers=[waiting, answer, give, file], guards=[staff])]
