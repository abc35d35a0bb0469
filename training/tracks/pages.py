"""The path to a certificate, its tracks, and the lessons with their practice."""

from dataclasses import dataclass

from litestar import Request, Response, Router
from sqlmodel import Session

from portal import clock
from portal.ledger.queries import certificates_held
from portal.programme.queries import programme_at
from portal.refusal import mark
from portal.web.forms import Form, whole
from portal.web.html import found, get, go, html, language_of, post
from portal.web.viewer import signed_in, viewer_of
from training.lessons.queries import Published, changes_since, published, texts_of
from training.lessons.rules import shown_number
from training.placement.rules import offers
from training.renewal.queries import courses_of
from training.tasks.actions import complete_of
from training.tracks import actions, queries, rules
from training.tracks.models import ModuleProgress


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
        changes=changes_since(session, viewer.person_id, code) if entry else {},
    )


@dataclass(frozen=True)
class _Opened:
    """The lesson that this person sees, its published versions, and how far they have come with it."""

    lesson: rules.Lesson
    versions: list[Published]
    progress: ModuleProgress | None

    @property
    def begun(self) -> int | None:
        return actions.begun_version(self.progress)

    @property
    def since(self) -> list[Published]:
        """What was published after the version begun or finished."""
        progress = self.progress
        mine = self.begun or (progress.version if progress and progress.finished_at else None)
        return [v for v in self.versions if v.number > mine] if mine else []


def _open(request: Request, session: Session, code: str, number: int, asked: str) -> _Opened:
    """`asked`: the version in the address or the form; the one begun, or the newest, when it is none."""
    key = f"{code}/{number}"
    versions = found(published(session, [key]).get(key) if key in rules.modules_written() else None)
    progress = queries.progress_with(session, viewer_of(request).person_id, key)
    shown = shown_number([v.number for v in versions], actions.begun_version(progress), whole(asked))
    (lesson,) = texts_of(session, [v for v in versions if v.number == shown], language_of(request))
    return _Opened(lesson, versions, progress)


def _lesson_page(
    request: Request, session: Session, opened: _Opened, *, typed: list[int] | None = None, status: int = 200
) -> Response[str]:
    """`typed`: answers that were sent but are not complete; shown as chosen, without verdicts."""
    viewer, lesson, progress = viewer_of(request), opened.lesson, opened.progress
    states = queries.states_of(session, viewer.person_id)
    code, _, number = lesson.module.partition("/")
    entry = found(rules.track_of(programme_at(session, clock.now()), code, states))
    mine = progress.practice if progress and progress.version == lesson.version else []
    return html(
        request,
        "training/lesson.html",
        status=status,
        lesson=lesson,
        track=entry,
        module=entry.modules[int(number) - 1],
        answers=mine if typed is None else None,
        chosen=typed or mine,
        missing=rules.unanswered(lesson.practice, typed) if typed is not None else [],
        begun=opened.begun,
        practised=progress.version if progress and progress.practice else None,
        newest=opened.versions[-1].number,
        since=opened.since,
    )


@get("/my/learning/{code:str}/{number:int}", right="learn")
def lesson(request: Request, session: Session, code: str, number: int) -> Response[str]:
    asked = request.query_params.get("version", "")
    return _lesson_page(request, session, _open(request, session, code, number, asked))


@post("/my/learning/{code:str}/{number:int}/practice", right="learn")
def practise(request: Request, session: Session, form: Form, code: str, number: int) -> Response:
    """Of the version that was on the page, which may have got a newer one meanwhile."""
    viewer = viewer_of(request)
    opened = _open(request, session, code, number, form["version"])
    read = opened.lesson
    answers = [whole(form[f"answer-{n}"]) for n in range(1, len(read.practice) + 1)]
    if rules.unanswered(read.practice, answers):
        return _lesson_page(request, session, opened, typed=answers, status=422)
    actions.answer_practice(session, read, answers, by=viewer.person_id, now=clock.now())
    asked = f"?version={read.version}" if read.version != opened.versions[-1].number else ""
    return go(f"/my/learning/{read.module}{asked}#practice")


@post("/my/learning/{code:str}/{number:int}/switch", right="learn")
def switch(request: Request, session: Session, code: str, number: int) -> Response:
    opened = _open(request, session, code, number, "")
    newest = opened.versions[-1].number
    by = viewer_of(request).person_id
    actions.switch_version(session, opened.lesson.module, newest, by=by, now=clock.now())
    return go(
        f"/my/learning/{opened.lesson.module}", mark("This is the new version; its practice starts again.")
    )


@post("/my/learning/{code:str}/{number:int}/finish", right="learn")
def finish(request: Request, session: Session, code: str, number: int) -> Response:
    viewer = viewer_of(request)
    read, now = _open(request, session, code, number, "").lesson, clock.now()
    programme = programme_at(session, now)
    actions.finish_module(session, read, programme, by=viewer.person_id, now=now)
    complete_of(session, viewer.person_id, now=now)
    following = rules.module_after(programme, read.module, queries.states_of(session, viewer.person_id))
    if following is None:
        return go("/my/learning", mark("Finished. That was the last lesson here."))
    return go(following.path, mark("Finished. Here is the next lesson."))


routers = [
    Router("/", route_handlers=[learning, track, lesson, practise, switch, finish], guards=[signed_in])
]
