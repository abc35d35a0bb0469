"""Renew a mandatory course: all its practice questions on one page."""

from litestar import Request, Response, Router
from sqlmodel import Session

from portal import clock
from portal.refusal import mark
from portal.web.forms import Form, whole
from portal.web.html import found, get, go, html, language_of, post
from portal.web.viewer import signed_in, viewer_of
from training.renewal import actions, queries
from training.renewal.rules import Course, State, needed
from training.tasks.rules import modules_of
from training.tracks.rules import Practice, lesson, modules_written, unanswered


def _course(request: Request, session: Session, code: str) -> Course:
    viewer = viewer_of(request)
    courses = queries.courses_of(session, viewer.person_id, viewer.programme, clock.now())
    return found(next((c for c in courses if c.code == code and c.state is not State.NEVER), None))


def _questions(request: Request, code: str) -> list[Practice]:
    keys = [k for k in modules_of(viewer_of(request).programme, code) if k in modules_written()]
    return [question for key in keys for question in lesson(key, language_of(request)).practice]


def _page(
    request: Request,
    course: Course,
    *,
    typed: list[int] | None = None,
    verdicts: list[bool] | None = None,
    status: int = 200,
) -> Response[str]:
    questions = _questions(request, course.code)
    return html(
        request,
        "renewal/page.html",
        status=status,
        course=course,
        questions=questions,
        needed=needed(len(questions)),
        typed=typed or [],
        verdicts=verdicts,
        missing=unanswered(questions, typed) if typed is not None and verdicts is None else [],
    )


@get("/my/learning/{code:str}/renew", right="learn")
def form(request: Request, session: Session, code: str) -> Response[str]:
    return _page(request, _course(request, session, code))


@post("/my/learning/{code:str}/renew", right="learn")
def renew(request: Request, session: Session, form: Form, code: str) -> Response:
    viewer, course = viewer_of(request), _course(request, session, code)
    questions = _questions(request, code)
    answers = [whole(form[f"answer-{n}"]) for n in range(1, len(questions) + 1)]
    if unanswered(questions, answers):
        return _page(request, course, typed=answers, status=422)
    verdicts = actions.renew(session, code, questions, answers, by=viewer.person_id, now=clock.now())
    if sum(verdicts) < needed(len(questions)):
        return _page(request, course, typed=answers, verdicts=verdicts, status=422)
    return go("/my/learning", mark("Renewed: the course holds for another year."))


routers = [Router("/", route_handlers=[form, renew], guards=[signed_in])]
