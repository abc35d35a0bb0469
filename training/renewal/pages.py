"""Renew a mandatory course: all its practice questions on one page."""

from litestar import Request, Response, Router
from sqlmodel import Session

from portal import clock
from portal.i18n import gettext
from portal.refusal import mark
from portal.web.forms import Form, whole
from portal.web.html import found, get, go, html, language_of, post
from portal.web.viewer import signed_in, viewer_of
from training.lessons.queries import lessons_now
from training.renewal import actions, queries
from training.renewal.rules import Course, State, needed
from training.tasks.rules import modules_of
from training.tracks.rules import Lesson, unanswered

CHANGED = mark(
    "A lesson of this course has changed since you opened the page. Here are its present questions."
)


def _course(request: Request, session: Session, code: str) -> Course:
    viewer = viewer_of(request)
    courses = queries.courses_of(session, viewer.person_id, viewer.programme, clock.now())
    return found(next((c for c in courses if c.code == code and c.state is not State.NEVER), None))


def _lessons(request: Request, session: Session, code: str) -> list[Lesson]:
    keys = modules_of(viewer_of(request).programme, code)
    return list(lessons_now(session, keys, language_of(request)).values())


def _versions(lessons: list[Lesson]) -> str:
    """What the questions were when the page was made: "1-1-2-1"."""
    return "-".join(str(lesson.version) for lesson in lessons)


def _page(
    request: Request,
    course: Course,
    lessons: list[Lesson],
    *,
    typed: list[int] | None = None,
    verdicts: list[bool] | None = None,
    status: int = 200,
    problem: str = "",
) -> Response[str]:
    questions = [question for lesson in lessons for question in lesson.practice]
    return html(
        request,
        "renewal/page.html",
        status=status,
        course=course,
        questions=questions,
        versions=_versions(lessons),
        problem=problem,
        needed=needed(len(questions)),
        typed=typed or [],
        verdicts=verdicts,
        missing=unanswered(questions, typed) if typed is not None and verdicts is None else [],
    )


@get("/my/learning/{code:str}/renew", right="learn")
def form(request: Request, session: Session, code: str) -> Response[str]:
    return _page(request, _course(request, session, code), _lessons(request, session, code))


@post("/my/learning/{code:str}/renew", right="learn")
def renew(request: Request, session: Session, form: Form, code: str) -> Response:
    viewer, course = viewer_of(request), _course(request, session, code)
    lessons = _lessons(request, session, code)
    if form["versions"] != _versions(lessons):
        return _page(request, course, lessons, problem=gettext(CHANGED), status=422)
    questions = [question for lesson in lessons for question in lesson.practice]
    answers = [whole(form[f"answer-{n}"]) for n in range(1, len(questions) + 1)]
    if unanswered(questions, answers):
        return _page(request, course, lessons, typed=answers, status=422)
    verdicts = actions.renew(session, code, questions, answers, by=viewer.person_id, now=clock.now())
    if sum(verdicts) < needed(len(questions)):
        return _page(request, course, lessons, typed=answers, verdicts=verdicts, status=422)
    return go("/my/learning", mark("Renewed: the course holds for another year."))


routers = [Router("/", route_handlers=[form, renew], guards=[signed_in])]
