"""The placement test of a track: a background, its questions, what it shortened."""

from litestar import Request, Response, Router
from sqlmodel import Session

from portal import clock
from portal.i18n import gettext
from portal.refusal import mark
from portal.web.forms import Form, whole
from portal.web.html import found, get, go, html, language_of, post
from portal.web.viewer import signed_in, viewer_of
from training.placement import actions, queries
from training.placement.rules import A_MODULE, backgrounds, offers, opens_at
from training.tracks.queries import states_of
from training.tracks.rules import track_of, unanswered


def _page(
    request: Request,
    session: Session,
    code: str,
    *,
    typed: list[int] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response[str]:
    viewer, now = viewer_of(request), clock.now()
    states = states_of(session, viewer.person_id)
    track = found(track_of(viewer.programme, code, states))
    last = queries.last_placement(session, viewer.person_id, code)
    offered = offers(code, viewer.programme, states)
    running = last if last and last.finished_at is None else None
    found(offered or last or None)  # mandatory tracks, and those that no background shortens
    opens = opens_at(last.started_at) if last else None
    questions = queries.questions_of(session, running, language_of(request)) if running else []
    return html(
        request,
        "placement/page.html",
        status=status,
        track=track,
        last=last,
        running=running,
        opens=opens if opens and opens > now else None,
        backgrounds=[(b, offered[b.key]) for b in backgrounds() if b.key in offered],
        names={b.key: b.name for b in backgrounds()},
        titles={m.key: m for m in track.modules},
        a_module=A_MODULE,
        questions=questions,
        typed=typed or [],
        missing=unanswered(questions, typed) if typed is not None else [],
        errors=errors or {},
    )


@get("/my/learning/{code:str}/placement", right="learn")
def placement(request: Request, session: Session, code: str) -> Response[str]:
    return _page(request, session, code)


@post("/my/learning/{code:str}/placement", right="learn")
def begin(request: Request, session: Session, form: Form, code: str) -> Response:
    viewer = viewer_of(request)
    if form["background"] not in {b.key for b in backgrounds()}:
        sentence = gettext(mark("Please choose one of the options."))
        return _page(request, session, code, errors={"background": sentence}, status=422)
    actions.begin(session, code, form["background"], by=viewer.person_id, now=clock.now())
    return go(f"/my/learning/{code}/placement")


@post("/my/learning/{code:str}/placement/answers", right="learn")
def answer(request: Request, session: Session, form: Form, code: str) -> Response:
    viewer = viewer_of(request)
    row = found(queries.last_placement(session, viewer.person_id, code, lock=True))
    questions = queries.questions_of(session, row, language_of(request))
    answers = [whole(form[f"answer-{n}"]) for n in range(1, len(questions) + 1)]
    if row.finished_at is None and unanswered(questions, answers):
        return _page(request, session, code, typed=answers, status=422)
    actions.finish(session, row, answers, by=viewer.person_id, now=clock.now())
    return go(f"/my/learning/{code}/placement", mark("Done. Here is what the test shortened."))


routers = [Router("/", route_handlers=[placement, begin, answer], guards=[signed_in])]
