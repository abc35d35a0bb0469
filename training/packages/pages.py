"""Outside courses: staff upload and publish them, people open them, and take what they learned with them."""

from typing import Any
from urllib.parse import quote

from litestar import Request, Response, Router
from sqlmodel import Session

from portal import clock
from portal.files.reading import UnreadableFileError
from portal.i18n import gettext
from portal.refusal import Refused, mark
from portal.settings import settings
from portal.web.forms import Form
from portal.web.html import found, get, go, html, post
from portal.web.limits import COURSE_BYTES
from portal.web.middleware import POLICY
from portal.web.viewer import signed_in, staff, viewer_of
from training.packages import actions, queries
from training.packages.content import base, launched
from training.packages.rules import MOST_BYTES, MOVES, STANDARDS, STATUSES, Completion
from training.packages.statements import statements_of_person

COMPLETIONS = {
    Completion.NOT_BEGUN: mark("not begun"),
    Completion.BEGUN: mark("under way"),
    Completion.COMPLETED: mark("completed"),
}
MOVE_NAMES = {"publish": mark("Publish"), "withdraw": mark("Withdraw")}
NO_ADDRESS = mark("Outside courses are closed: the portal has no address of its own for them (CONTENT_URL).")


def _need_address() -> None:
    if not settings().content_origin:
        raise Refused(NO_ADDRESS)


# ——— Staff ———


def _courses_page(request: Request, session: Session, errors: dict[str, str]) -> Response[str]:
    return html(
        request,
        "courses/staff.html",
        status=422 if errors else 200,
        rows=queries.packages(session),
        standards=STANDARDS,
        statuses=STATUSES,
        errors=errors,
        closed="" if settings().content_origin else NO_ADDRESS,
    )


@get("/staff/courses", right="staff_school")
def courses(request: Request, session: Session) -> Response[str]:
    return _courses_page(request, session, {})


@post("/staff/courses", right="staff_school", request_max_body_size=COURSE_BYTES)
def upload(request: Request, session: Session, form: Form) -> Response:
    """Read and kept, not yet published: the page after this one says what is in it."""
    chosen = form.file("file")
    if chosen is None:
        return _courses_page(request, session, {"file": gettext(mark("Please choose a file."))})
    content = chosen.file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        return _courses_page(request, session, {"file": gettext(actions.TOO_LARGE)})
    try:
        package = actions.upload_course(
            session, chosen.filename, content, by=viewer_of(request).person_id, now=clock.now()
        )
    except UnreadableFileError as problem:
        sentence = gettext(problem.sentence.text, **problem.sentence.values)
        return _courses_page(request, session, {"file": sentence})
    return go(f"/staff/courses/{package.id}")


@get("/staff/courses/{package_id:int}", right="staff_school")
def package(request: Request, session: Session, package_id: int) -> Response[str]:
    row = found(queries.package_with(session, package_id))
    return html(
        request,
        "courses/package.html",
        package=row,
        parts={p["key"]: p for p in row.parts},
        standards=STANDARDS,
        statuses=STATUSES,
        moves={m: MOVE_NAMES[m] for (state, m) in MOVES if state == row.status and m in MOVE_NAMES},
    )


@post("/staff/courses/{package_id:int}", right="staff_school")
def move(request: Request, session: Session, form: Form, package_id: int) -> Response:
    row = found(queries.package_with(session, package_id, lock=True))
    actions.move_package(session, row, form["move"], by=viewer_of(request).person_id, now=clock.now())
    notice = (
        mark("The course is published.") if form["move"] == "publish" else mark("The course is withdrawn.")
    )
    return go(f"/staff/courses/{package_id}", notice)


# ——— People ———


@get("/my/courses", right="learn")
def my_courses(request: Request, session: Session) -> Response[str]:
    return html(
        request,
        "courses/courses.html",
        rows=queries.my_courses(session, viewer_of(request).person_id),
        completions=COMPLETIONS,
    )


@get("/my/courses/{package_id:int}", right="learn")
def my_course(request: Request, session: Session, package_id: int) -> Response[str]:
    course = found(queries.my_course(session, package_id, viewer_of(request).person_id))
    return html(
        request,
        "courses/course.html",
        course=course,
        parts={p["key"]: (n, p) for n, p in enumerate(course.package.parts, 1)},
        results=queries.results_of(session, course.attempt.id or 0) if course.attempt else {},
        completions=COMPLETIONS,
        standards=STANDARDS,
        closed="" if settings().content_origin else NO_ADDRESS,
    )


@post("/my/courses/{package_id:int}", right="learn")
def open_part(request: Request, session: Session, form: Form, package_id: int) -> Response:
    _need_address()
    viewer = viewer_of(request)
    course = found(queries.my_course(session, package_id, viewer.person_id))
    token = actions.open_part(session, course.package, form["part"], by=viewer.person_id, now=clock.now())
    return go(f"/my/courses/{package_id}/play/{token}")


@get("/my/courses/{package_id:int}/play/{token:str}", right="learn")
def play(request: Request, session: Session, package_id: int, token: str) -> Response[str]:
    _need_address()
    opened = launched(session, token)
    mine = opened and opened.person.id == viewer_of(request).person_id and opened.package.id == package_id
    opened = found(opened if mine else None)
    response = html(
        request,
        "courses/play.html",
        package=opened.package,
        part=opened.part,
        frame=f"{base(quote(token))}/run",
        origin=settings().content_origin,
    )
    response.headers["Content-Security-Policy"] = f"{POLICY}; frame-src {settings().content_origin}"
    return response


@get("/my/learning/statements.json", right="learn")
def statements(request: Request, session: Session) -> Response[list[dict[str, Any]]]:
    """Everything this person has completed, as xAPI statements."""
    return Response(
        statements_of_person(session, viewer_of(request).person_id, clock.now(), settings().base_url),
        media_type="application/json",
        headers={
            "Content-Disposition": "attachment; filename=learning-statements.json",
            "Cache-Control": "private, no-store",
        },
    )


routers = [
    Router("/", route_handlers=[courses, upload, package, move], guards=[staff]),
    Router("/", route_handlers=[my_courses, my_course, open_part, play, statements], guards=[signed_in]),
]
