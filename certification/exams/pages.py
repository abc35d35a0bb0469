"""The exams, the rules before the start, the paper, and its result."""

import secrets
from typing import Any

from litestar import Request, Response, Router
from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from certification.banks.rendering import show
from certification.exams import actions, queries
from certification.exams.actions import given_by
from certification.exams.forms import SaveAnswer
from certification.exams.models import Exam, Sitting
from certification.exams.practice import AT_ONCE, exercises, modules_for
from certification.exams.rules import Part, SittingStatus, is_late, on_scale, seconds_left
from certification.marking.queries import notes_for
from portal import clock
from portal.files.pages import send_file
from portal.files.rules import Purpose
from portal.i18n import gettext, speaking
from portal.programme.queries import programme_at
from portal.programme.rules import Programme, Text
from portal.refusal import Refused, mark
from portal.web.forms import Form, check, whole
from portal.web.html import found, get, go, html, language_of, post
from portal.web.limits import UPLOAD_BYTES
from portal.web.viewer import signed_in, viewer_of
from training.lessons.queries import lessons_now

RUNNING = mark("A sitting of yours is running. Finish it first; its clock does not stop.")


def _standings(request: Request, session: Session) -> list[queries.ExamStanding]:
    viewer, now = viewer_of(request), clock.now()
    return queries.exam_standings(
        session, viewer.person_id, holder=viewer.organisation, programme=programme_at(session, now), now=now
    )


@get("/my/exams")
def exams(request: Request, session: Session) -> Response[str]:
    standings = _standings(request, session)
    running = next((s for s in standings if s.open_token), None)
    waiting = [s for s in standings if s.exam.certificate and not s.held and not s.open_token]
    shared = [w for w in waiting[0].whys if all(w in s.whys for s in waiting)] if len(waiting) > 1 else []
    return html(
        request,
        "exams/exams.html",
        standings=[s for s in standings if not s.later],
        later=[s for s in standings if s.later],
        shared=shared,
        running=running,
    )


def _standing(
    request: Request, session: Session, code: str
) -> tuple[queries.ExamStanding, queries.ExamStanding | None]:
    """The exam of that code, and the one of its part that is being sat, if any."""
    standings = _standings(request, session)
    wanted = found(next((s for s in standings if s.exam.code == code), None))
    return wanted, next((s for s in standings if s.open_token and s.exam.part == wanted.exam.part), None)


@get("/my/exams/{code:str}")
def before_start(request: Request, session: Session, code: str) -> Response[str]:
    standing, running = _standing(request, session, code)
    return _before(request, session, standing, running)


def _before(
    request: Request,
    session: Session,
    standing: queries.ExamStanding,
    running: queries.ExamStanding | None,
    *,
    status: int = 200,
) -> Response[str]:
    factor = 1.0
    if standing.exam.part is Part.WRITTEN:
        factor = queries.accommodation_of(session, viewer_of(request).person_id, clock.now())
    return html(
        request,
        "exams/before.html",
        status=status,
        standing=standing,
        running=running,
        factor=factor,
        minutes=round(standing.terms.minutes * factor),
    )


def _practice(
    request: Request, session: Session, code: str, seed: int, answers: list[int] | None
) -> Response[str]:
    standing, _running = _standing(request, session, code)
    certificate = found(standing.exam.certificate if standing.exam.part is Part.WRITTEN else None)
    programme = programme_at(session, clock.now())
    modules = modules_for(programme, certificate)
    asked = exercises(modules, lessons_now(session, modules, language_of(request)), seed)
    right = sum(e.practice.answer == a for e, a in zip(asked, answers or [], strict=False))
    return html(
        request,
        "exams/practice.html",
        exam=standing.exam,
        exercises=asked,
        seed=seed,
        answers=answers,
        right=right,
    )


@get("/my/exams/{code:str}/practice")
def practice(request: Request, session: Session, code: str) -> Response[str]:
    seed = whole(request.query_params.get("seed", ""), secrets.randbelow(1_000_000))
    return _practice(request, session, code, seed, None)


@post("/my/exams/{code:str}/practice")
def practised(request: Request, session: Session, form: Form, code: str) -> Response[str]:
    answers = [whole(form[f"answer-{n}"]) for n in range(1, AT_ONCE + 1)]
    return _practice(request, session, code, whole(form["seed"]), answers)


@post("/my/exams/{code:str}/start")
def start(request: Request, session: Session, code: str) -> Response:
    viewer = viewer_of(request)
    standing, running = _standing(request, session, code)
    if running:
        return go(f"/my/sittings/{running.open_token}", None if running is standing else RUNNING)
    if standing.whys:
        return _before(request, session, standing, None, status=409)
    try:
        with session.begin_nested():
            sitting = actions.start_sitting(
                session,
                standing.exam,
                standing.terms,
                by=viewer.person_id,
                organisation_id=viewer.organisation.id if viewer.organisation else None,
                now=clock.now(),
            )
    except IntegrityError:  # a second click, or a second window, in the same moment
        sitting = found(queries.open_sitting(session, viewer.person_id, standing.exam.part))[0]
    return go(f"/my/sittings/{sitting.token}")


def _topics(programme: Programme, names: list[str]) -> dict[str, Text]:
    """The names of topics: tracks have one, those of a foreign bank are their own."""
    tracks = {t["code"]: {"zh": t["zh"], "en": t["en"]} for t in programme["tracks"]}
    return {name: tracks.get(name, {"zh": name, "en": name}) for name in names}


def _place(request: Request, total: int) -> int:
    return min(max(whole(request.query_params.get("q", "")), 1), total)


@get("/my/sittings/{token:str}")
def sitting(request: Request, session: Session, token: str) -> Response[str]:
    """The paper while it is open, its result afterwards."""
    viewer, now = viewer_of(request), clock.now()
    row = found(queries.sitting_at(session, token, viewer.person_id))
    exam = session.get_one(Exam, row.exam_id)
    if row.status is not SittingStatus.OPEN:
        return _result_page(request, session, row, exam)
    if is_late(row.ends_at, now):
        return html(request, "exams/time_up.html", sitting=row, exam=exam)
    return _question_page(request, session, row, exam, _place(request, len(row.paper)))


def _question_page(
    request: Request, session: Session, row: Sitting, exam: Exam, n: int, **more: Any
) -> Response[str]:
    now, places = clock.now(), actions.places_of(row)
    place, answers = places[n - 1], queries.answers_of(session, row.id or 0)
    question = queries.questions_with(session, [place.question])[place.question]
    answer = answers.get(place.question)
    view = show(question, language_of(request), queries.pictures_of(session, [question]))
    topic = _topics(programme_at(session, now), [question.topic])[question.topic]
    return html(
        request,
        "exams/question.html",
        sitting=row,
        exam=exam,
        n=n,
        topic=topic,
        question=question,
        view=view,
        options=[view.options[number - 1] for number in place.options],
        files=queries.files_of(session, row.id or 0).get(place.question, [])
        if question.kind == "long"
        else [],
        marks=_marks(places, answers),
        shown=place.shown(answer.chosen) if answer else [],
        answer=answer,
        left=seconds_left(row.ends_at, now),
        saved_at=answer.saved_at.astimezone(clock.CHINA).strftime("%H:%M:%S") if answer else None,
        **more,
    )


def _marks(places: list[Any], answers: dict[int, Any]) -> list[dict[str, Any]]:
    """For the map: number, answered, to be checked."""
    return [
        {
            "n": n,
            "answered": bool((a := answers.get(p.question)) and not given_by(a).empty),
            "flagged": bool(a and a.flagged),
        }
        for n, p in enumerate(places, 1)
    ]


@post("/my/sittings/{token:str}")
def save(request: Request, session: Session, form: Form, token: str) -> Response:
    """Save this question and go on to the one that the button names."""
    viewer, now = viewer_of(request), clock.now()
    row = found(queries.sitting_at(session, token, viewer.person_id, lock=True))
    entry, _errors = check(SaveAnswer, form)
    if entry is None:
        raise Refused(
            mark("That answer could not be read. Go back, reload the page and choose again."), status=422
        )
    if row.status is not SittingStatus.OPEN:
        return go(
            f"/my/sittings/{token}",
            mark("This paper has been handed in already; answers are no longer taken."),
        )
    if is_late(row.ends_at, now):
        actions.time_out(session, row, now=now)
        return go(f"/my/sittings/{token}", actions.TIME_IS_UP)
    try:
        actions.save_answer(
            session,
            row,
            entry.q,
            entry.shown,
            entry.text,
            flagged=entry.flagged,
            revision=entry.revision,
            now=now,
        )
    except actions.Stale as stale:
        return go(f"/my/sittings/{token}?q={entry.q}", stale.message)
    return go(_following(token, form["go"], entry.q, len(row.paper)))


def _following(token: str, where: str, n: int, total: int) -> str:
    if where == "review" or (where == "next" and n >= total):
        return f"/my/sittings/{token}/review"
    target = n - 1 if where == "previous" else n + 1 if where == "next" else whole(where, n)
    return f"/my/sittings/{token}?q={min(max(target, 1), total)}"


def _say(request: Request, sentence: str) -> str:
    with speaking(language_of(request)):
        return gettext(sentence)


@post("/my/sittings/{token:str}/answers")
def autosave(request: Request, session: Session, form: Form, token: str) -> Response[dict[str, Any]]:
    """JSON in, JSON out: {q, shown, flagged, revision} → {saved, revision, at, left} or {saved: false, …}."""
    viewer, now = viewer_of(request), clock.now()
    row = found(queries.sitting_at(session, token, viewer.person_id, lock=True))
    left = seconds_left(row.ends_at, now)
    try:
        entry = SaveAnswer.model_validate(form.sent)
        answer = actions.save_answer(
            session,
            row,
            entry.q,
            entry.shown,
            entry.text,
            flagged=entry.flagged,
            revision=entry.revision,
            now=now,
        )
    except ValidationError:
        return Response(
            {
                "saved": False,
                "reason": "unreadable",
                "message": _say(
                    request, mark("That answer could not be read. Go back, reload the page and choose again.")
                ),
            },
            status_code=422,
        )
    except actions.Stale as stale:
        return Response(
            {
                "saved": False,
                "reason": "stale",
                "message": _say(request, stale.message),
                "left": left,
                **_stored(session, row, entry.q),
            },
            status_code=409,
        )
    except Refused as refused:
        return Response(
            {"saved": False, "reason": "closed", "message": _say(request, refused.message), "left": left},
            status_code=409,
        )
    return Response(
        {
            "saved": True,
            "revision": answer.revision,
            "left": left,
            "at": answer.saved_at.astimezone(clock.CHINA).strftime("%H:%M:%S"),
        }
    )


def _stored(session: Session, row: Sitting, n: int) -> dict[str, Any]:
    place = actions.places_of(row)[n - 1]
    answer = found(queries.answer_to(session, row.id or 0, place.question))
    return {
        "revision": answer.revision,
        "shown": place.shown(answer.chosen),
        "text": answer.text,
        "flagged": answer.flagged,
    }


@post("/my/sittings/{token:str}/files", request_max_body_size=UPLOAD_BYTES)
def upload(request: Request, session: Session, form: Form, token: str) -> Response:
    """A file for a long answer."""
    viewer, n = viewer_of(request), whole(form["q"])
    row = found(queries.sitting_at(session, token, viewer.person_id, lock=True))
    file = form.file("file")
    if file is None:
        raise Refused(mark("Please choose a file."), status=422)
    content, now = file.file.read(), clock.now()
    actions.add_file(session, row, n, file.filename, content, by=viewer.person_id, now=now)
    return go(f"/my/sittings/{token}?q={n}", mark("The file is kept with your answer."))


@get("/my/sittings/{token:str}/files/{file_id:int}", opt={"writes": True})
def file(request: Request, session: Session, token: str, file_id: int) -> Response[bytes]:
    viewer = viewer_of(request)
    row = found(queries.sitting_at(session, token, viewer.person_id))
    held = [f for files in queries.files_of(session, row.id or 0).values() for f in files]
    wanted = found(next((f for f in held if f.id == file_id), None))
    return send_file(session, wanted, Purpose.OWN, by=viewer.person_id)


@post("/my/sittings/{token:str}/files/{file_id:int}/remove")
def remove_file(request: Request, session: Session, form: Form, token: str, file_id: int) -> Response:
    viewer, n = viewer_of(request), whole(form["q"])
    row = found(queries.sitting_at(session, token, viewer.person_id, lock=True))
    actions.remove_file(session, row, n, file_id, now=clock.now())
    return go(f"/my/sittings/{token}?q={n}", mark("The file is removed."))


@get("/exams/pictures/{sha256:str}")
def picture(session: Session, sha256: str) -> Response[bytes]:
    """Its address is its hash: whoever was not shown it does not know it."""
    row = found(queries.picture_with(session, sha256))
    return Response(
        row.content,
        media_type=row.media_type,
        headers={
            "Cache-Control": "private, max-age=31536000, immutable",
            "X-Content-Type-Options": "nosniff",
        },
    )


@get("/my/sittings/{token:str}/review")
def review(request: Request, session: Session, token: str) -> Response:
    """What is answered, what is not, what was to be checked; then hand in."""
    viewer, now = viewer_of(request), clock.now()
    row = found(queries.sitting_at(session, token, viewer.person_id))
    if row.status is not SittingStatus.OPEN or is_late(row.ends_at, now):
        return go(f"/my/sittings/{token}")
    marks = _marks(actions.places_of(row), queries.answers_of(session, row.id or 0))
    return html(
        request,
        "exams/review.html",
        sitting=row,
        exam=session.get_one(Exam, row.exam_id),
        marks=marks,
        left=seconds_left(row.ends_at, now),
    )


@post("/my/sittings/{token:str}/hand-in")
def hand_in(request: Request, session: Session, token: str) -> Response:
    """A second time leads to the result that is there."""
    viewer, now = viewer_of(request), clock.now()
    row = found(queries.sitting_at(session, token, viewer.person_id, lock=True))
    if row.status is not SittingStatus.OPEN:
        return go(
            f"/my/sittings/{token}",
            mark("This paper has been handed in already. A paper has one result; here it is."),
        )
    actions.hand_in(session, row, by=viewer.person_id, now=now)
    return go(
        f"/my/sittings/{token}",
        actions.TIME_IS_UP if row.timed_out else mark("Handed in. Here is the result."),
    )


def _result_page(request: Request, session: Session, row: Sitting, exam: Exam) -> Response[str]:
    """Topics, never keys: the bank will be asked again."""
    programme = programme_at(session, clock.now())
    topics = row.result.get("topics", {})
    total = row.points or len(row.paper)
    wrong = {group: counts for group, counts in row.result.get("groups", {}).items() if counts[0] < counts[1]}
    modules = {
        f"{t['code']}/{n}": {"zh": m["zh"], "en": m["en"]}
        for t in programme["tracks"]
        for n, m in enumerate(t["modules"], 1)
    }
    learn = {
        topic: [
            (group, modules[group]) for group in wrong if group in modules and group.startswith(f"{topic}/")
        ]
        for topic in topics
    }
    standing = next((s for s in _standings(request, session) if s.exam.id == exam.id), None)
    return html(
        request,
        "exams/result.html",
        sitting=row,
        exam=exam,
        topics=topics,
        names=_topics(programme, list(topics)),
        learn=learn,
        standing=standing,
        total=total,
        days=programme["reviews_of_submissions"]["expert_wd"],
        share=row.pass_marks / max(1, total),
        scaled=on_scale(row.score or 0, row.pass_marks, total),
        notes=notes_for(session, row.id or 0) if row.status is SittingStatus.MARKED else {},
        lacks=row.passed and standing is not None and not standing.held and bool(exam.certificate),
    )


routers = [
    Router(
        "/",
        route_handlers=[
            exams,
            before_start,
            practice,
            practised,
            start,
            sitting,
            save,
            autosave,
            upload,
            file,
            remove_file,
            picture,
            review,
            hand_in,
        ],
        guards=[signed_in],
    )
]
