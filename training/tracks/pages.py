"""The path to a certificate, its tracks, and the lessons with their practice."""

from litestar import Request, Response, Router
from sqlmodel import Session

from portal import clock
from portal.ledger.queries import certificates_held
from portal.programme.queries import programme_at
from portal.refusal import mark
from portal.web.forms import Form, whole
from portal.web.html import found, get, go, html, language_of, post
from portal.web.viewer import signed_in, viewer_of
from training.placement.rules import offers
from training.renewal.queries import courses_of
from training.tasks.actions import complete_of
from training.tracks import actions, queries, rules


@get("/my/learning", right="learn")
def learning(request: Request, session: Session) -> Response[str]:
    viewer = viewer_of(request)
    now = clock.now()
    programme, states = programme_at(session, now), queries.states_of(session, viewer.person_id)
    paths = rules.paths_of(programme, states)
    held = certificates_held(session, viewer.person_id, now)
    current = rules.current_path(paths, held)
    return html(
        request,
        "training/learning.html",
        current=current,
        others=[p for p in paths if p is not current],
        held=held,
        electives=rules.electives(programme, states),
        courses=courses_of(session, viewer.person_id, viewer.programme, now),
    )


@get("/my/learning/{code:str}", right="learn")
def track(request: Request, session: Session, code: str) -> Response[str]:
    viewer = viewer_of(request)
    states = queries.states_of(session, viewer.person_id)
    entry = found(rules.track_of(viewer.programme, code, states))
    return html(
        request,
        "training/track.html",
        track=found(entry if entry.written else None),
        placement=bool(offers(code, viewer.programme, states)),
    )


def _lesson(request: Request, code: str, number: int) -> rules.Lesson:
    key = f"{code}/{number}"
    found(key if key in rules.modules_written() else None)
    return rules.lesson(key, language_of(request))


def _lesson_page(
    request: Request,
    session: Session,
    lesson: rules.Lesson,
    *,
    typed: list[int] | None = None,
    status: int = 200,
) -> Response[str]:
    """`typed`: answers that were sent but are not complete; shown as chosen, without verdicts."""
    viewer = viewer_of(request)
    states = queries.states_of(session, viewer.person_id)
    code, _, number = lesson.module.partition("/")
    entry = found(rules.track_of(programme_at(session, clock.now()), code, states))
    progress = queries.progress_with(session, viewer.person_id, lesson.module)
    return html(
        request,
        "training/lesson.html",
        status=status,
        lesson=lesson,
        track=entry,
        module=entry.modules[int(number) - 1],
        answers=progress.practice if progress and typed is None else None,
        chosen=typed or (progress.practice if progress else []),
        missing=rules.unanswered(lesson.practice, typed) if typed is not None else [],
    )


@get("/my/learning/{code:str}/{number:int}", right="learn")
def lesson(request: Request, session: Session, code: str, number: int) -> Response[str]:
    viewer_of(request)
    return _lesson_page(request, session, _lesson(request, code, number))


@post("/my/learning/{code:str}/{number:int}/practice", right="learn")
def practise(request: Request, session: Session, form: Form, code: str, number: int) -> Response:
    viewer = viewer_of(request)
    read = _lesson(request, code, number)
    answers = [whole(form[f"answer-{n}"]) for n in range(1, len(read.practice) + 1)]
    if rules.unanswered(read.practice, answers):
        return _lesson_page(request, session, read, typed=answers, status=422)
    actions.answer_practice(session, read, answers, by=viewer.person_id, now=clock.now())
    return go(f"/my/learning/{read.module}#practice")


@post("/my/learning/{code:str}/{number:int}/finish", right="learn")
def finish(request: Request, session: Session, code: str, number: int) -> Response:
    viewer = viewer_of(request)
    read, now = _lesson(request, code, number), clock.now()
    programme = programme_at(session, now)
    actions.finish_module(session, read, programme, by=viewer.person_id, now=now)
    complete_of(session, viewer.person_id, now=now)
    following = rules.module_after(programme, read.module, queries.states_of(session, viewer.person_id))
    if following is None:
        return go("/my/learning", mark("Finished. That was the last lesson here."))
    return go(following.path, mark("Finished. Here is the next lesson."))


routers = [Router("/", route_handlers=[learning, track, lesson, practise, finish], guards=[signed_in])]
