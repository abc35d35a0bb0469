"""Staff have parallel forms made, read how alike they are, and put them into use."""

from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, Router
from sqlmodel import Session

from certification.exams.models import Exam
from certification.exams.queries import exam_by_code
from certification.exams.rules import Part, terms_of
from certification.papers import actions, queries
from certification.papers.forms import MakeForms
from certification.papers.jobs import make_forms
from certification.papers.rules import FormStatus
from certification.statistics.pictures import BOTTOM, LEFT, RIGHT, TOP
from portal import clock
from portal.jobs import enqueue
from portal.programme.queries import programme_at
from portal.refusal import mark
from portal.web.forms import Form, check
from portal.web.html import found, get, go, html, post
from portal.web.viewer import staff, viewer_of

STATES = {
    FormStatus.WANTED: mark("being made"),
    FormStatus.FAILED: mark("could not be made"),
    FormStatus.DRAFT: mark("ready, not in use"),
    FormStatus.IN_USE: mark("given out"),
    FormStatus.RETIRED: mark("retired"),
}
REASONS = {
    "few": mark("The bank has too few questions in use for so many forms by this plan."),
    "none": mark("Questions that exclude each other leave no such forms."),
    "time": mark("Nothing was found in the time given. Ask for fewer forms, or give more time."),
}


@dataclass(frozen=True)
class Drawn:
    """The information of forms asked for together over ability, with their target as a dashed line."""

    top: float
    target: str
    lines: list[tuple[int, str]]  # number of the form, points
    places: list[tuple[float, str]]


def drawing(forms: list[Any]) -> Drawn | None:
    """None when their items have no estimates yet."""
    facts = forms[0].information
    top = max((v for f in forms for v in [*f.information["values"], *f.information["target"]]), default=0.0)
    if top <= 0:
        return None
    thetas = facts["thetas"]
    low, high = min(thetas), max(thetas)

    def x(theta: float) -> float:
        return float(round(LEFT + (RIGHT - LEFT) * (theta - low) / ((high - low) or 1), 1))

    def points(values: list[float]) -> str:
        return " ".join(
            f"{x(t)},{BOTTOM - (BOTTOM - TOP) * v / top:.1f}" for t, v in zip(thetas, values, strict=True)
        )

    return Drawn(
        top,
        points(facts["target"]),
        [(f.number, points(f.information["values"])) for f in forms],
        [(x(t), f"{t:+.0f}".replace("-", "−") if t else "0") for t in thetas],
    )


def _page(
    request: Request, session: Session, exam: Exam, form: Form, errors: dict[str, str], status: int = 200
) -> Response[str]:
    rows = queries.forms_of(session, exam.id or 0)
    terms = terms_of(
        programme_at(session, clock.now()),
        exam.certificate,
        exam.blueprint,
        exam.minutes,
        exam.pass_marks,
        exam.part,
    )
    lots: dict[Any, list[queries.FormRow]] = {}
    for row in rows:
        lots.setdefault(row.form.made_at, []).append(row)
    shown = []
    for lot in lots.values():
        made = [row.form for row in reversed(lot) if row.form.question_ids]
        shown.append((lot[::-1], made[0].information if made else None, drawing(made) if made else None))
    return html(
        request,
        "papers/forms.html",
        status=status,
        exam=exam,
        terms=terms,
        lots=shown,
        states=STATES,
        reasons=REASONS,
        able=exam.part is Part.WRITTEN,
        given=sum(row.given_out and len(row.form.question_ids) == terms.questions for row in rows),
        form=form,
        errors=errors,
    )


@get("/staff/exams/{code:str}/forms", right="staff_standard")
def forms(request: Request, session: Session, code: str) -> Response[str]:
    exam = found(exam_by_code(session, code))
    return _page(request, session, exam, Form.of({"forms": 3, "seconds": 10}), {})


@post("/staff/exams/{code:str}/forms", right="staff_standard")
def ask(request: Request, session: Session, form: Form, code: str) -> Response:
    exam = found(exam_by_code(session, code))
    entry, errors = check(MakeForms, form)
    if entry is None:
        return _page(request, session, exam, form, errors, 422)
    rows = actions.ask_for_forms(
        session, exam, entry.forms, entry.seconds, by=viewer_of(request).person_id, now=clock.now()
    )
    enqueue(session, make_forms, rows[0].id or 0)
    return go(f"/staff/exams/{code}/forms", mark("Asked for. Load this page again in a moment."))


@post("/staff/exams/{code:str}/forms/give", right="staff_standard")
def give(request: Request, session: Session, form: Form, code: str) -> Response:
    exam = found(exam_by_code(session, code))
    uses = form["uses"] == "yes"
    actions.give_forms(session, exam, uses, by=viewer_of(request).person_id, now=clock.now())
    return go(
        f"/staff/exams/{code}/forms",
        mark("Sittings that start from now on get a form.")
        if uses
        else mark("Sittings that start from now on get a paper of their own."),
    )


@post("/staff/exams/{code:str}/forms/{form_id:int}/use", right="staff_standard")
def use(request: Request, session: Session, code: str, form_id: int) -> Response:
    exam = found(exam_by_code(session, code))
    row = found(queries.form_to_move(session, exam.id or 0, form_id))
    gone = any(one.form.id == row.id and one.gone for one in queries.forms_of(session, exam.id or 0))
    actions.use_form(session, row, gone, by=viewer_of(request).person_id, now=clock.now())
    return go(f"/staff/exams/{code}/forms", mark("In use. It is given out in turn with the others."))


@post("/staff/exams/{code:str}/forms/{form_id:int}/retire", right="staff_standard")
def retire(request: Request, session: Session, code: str, form_id: int) -> Response:
    exam = found(exam_by_code(session, code))
    row = found(queries.form_to_move(session, exam.id or 0, form_id))
    actions.retire_form(session, row, by=viewer_of(request).person_id, now=clock.now())
    return go(f"/staff/exams/{code}/forms", mark("Retired. It is given out no more."))


routers = [Router("/", route_handlers=[forms, ask, give, use, retire], guards=[staff])]
