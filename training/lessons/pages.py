"""Staff write new versions of lessons, look at them as learners do, compare and publish them."""

from typing import Any
from urllib.parse import quote

from litestar import Request, Response, Router
from sqlmodel import Session

from portal import clock
from portal.desk.parts import DeskLine
from portal.files.reading import UnreadableFileError
from portal.history.queries import timeline
from portal.i18n import gettext
from portal.programme.queries import programme_at
from portal.refusal import Refused, mark
from portal.web.forms import Form, check, whole
from portal.web.html import found, get, go, html, language_of, pick, post
from portal.web.viewer import Viewer, staff, viewer_of
from training.lessons import actions, queries
from training.lessons.differences import differences
from training.lessons.forms import Move, filled, read_editor
from training.lessons.models import LessonVersion
from training.lessons.rules import HEADINGS, MOST_OPTIONS, OPEN, STATUSES, Pair, Status, moves_open, problems
from training.lessons.source import MOST_BYTES, read_upload
from training.tracks.rules import LANGUAGES, Module, modules_written, track_of

MOVE_NAMES = {
    "submit": mark("Hand in for review"),
    "publish": mark("Publish"),
    "return": mark("Send back"),
    "withdraw": mark("Withdraw the draft"),
}
NAMES = {"zh": "中文", "en": "English"}


@get("/staff/lessons", right="staff_lessons")
def lessons(request: Request, session: Session) -> Response[str]:
    """Every module with the version that is shown and the one being written."""
    programme = programme_at(session, clock.now())
    tracks = [t for t in (track_of(programme, t["code"], {}) for t in programme["tracks"]) if t]
    chosen = pick({t.code: t for t in tracks}, request.query_params.get("track")) or ""
    rows = queries.versions(session)
    return html(
        request,
        "lessons/staff.html",
        tracks=tracks,
        chosen=chosen,
        shown=[t for t in tracks if chosen in ("", t.code)],
        current={r.module: r for r in reversed(rows) if r.status is Status.PUBLISHED},
        drafts={r.module: r for r in rows if r.status in OPEN},
        statuses=STATUSES,
    )


def _module(session: Session, key: str) -> Module:
    """A module of the programme that has a lesson."""
    code = key.partition("/")[0]
    track = track_of(programme_at(session, clock.now()), code, {})
    modules = track.modules if track else ()
    return found(next((m for m in modules if m.key == key and key in modules_written()), None))


@get("/staff/lessons/{code:str}/{number:int}", right="staff_lessons")
def module(request: Request, session: Session, code: str, number: int) -> Response[str]:
    entry = _module(session, f"{code}/{number}")
    rows = queries.versions(session, entry.key)
    return html(
        request,
        "lessons/module.html",
        module=entry,
        rows=rows,
        open=next((r for r in rows if r.status in OPEN), None),
        statuses=STATUSES,
    )


@post("/staff/lessons/{code:str}/{number:int}", right="staff_lessons")
def begin(request: Request, session: Session, code: str, number: int) -> Response:
    """A new version; when one is being written, that one."""
    entry = _module(session, f"{code}/{number}")
    draft = actions.begin_version(session, entry.key, by=viewer_of(request).person_id, now=clock.now())
    if draft.status is Status.DRAFT:
        return go(f"/staff/lesson-versions/{draft.id}/edit")
    return go(f"/staff/lesson-versions/{draft.id}", mark("This version is in review already."))


@get("/staff/lessons/{code:str}/{number:int}/compare", right="staff_lessons")
def compare(request: Request, session: Session, code: str, number: int) -> Response[str]:
    """`old` and `new`: ids of versions of this module."""
    entry = _module(session, f"{code}/{number}")
    ids = [whole(request.query_params.get(name, "")) for name in ("old", "new")]
    old, new = (found(queries.version_with(session, i)) for i in ids)
    found(entry if old.module == new.module == entry.key else None)
    language = pick(NAMES, request.query_params.get("language")) or language_of(request)
    return html(
        request,
        "lessons/compare.html",
        module=entry,
        rows=queries.versions(session, entry.key),
        old=old,
        new=new,
        shown=language,
        names=NAMES,
        parts=differences(queries.pair_of(old)[language], queries.pair_of(new)[language]),
        form=Form.of({"old": old.id, "new": new.id, "language": language}),
    )


# ——— One version ———


def _titles(entry: Module) -> dict[str, str]:
    return {language: entry.title[language] for language in LANGUAGES}


def _problems(session: Session, version: LessonVersion, pair: Pair) -> list[Any]:
    """What is missing before a review; nothing for what is published or withdrawn."""
    if version.status not in OPEN:
        return []
    shown = queries.newest(session, version.module)
    return problems(pair, version.changed, queries.pair_of(shown) if shown else None)


def _version_page(
    request: Request, session: Session, row: LessonVersion, form: Form, errors: dict[str, str]
) -> Response[str]:
    viewer, pair = viewer_of(request), queries.pair_of(row)
    language = pick(NAMES, request.query_params.get("language")) or language_of(request)
    rows = queries.versions(session, row.module)
    before = [r for r in rows if r.status is Status.PUBLISHED and r.id != row.id]
    before = [r for r in before if row.number is None or (r.number or 0) < row.number]
    missing = _problems(session, row, pair)
    moves = moves_open(row.status, row.writers, viewer.person_id)
    return html(
        request,
        "lessons/version.html",
        status=422 if errors else 200,
        version=row,
        module=_module(session, row.module),
        lesson=pair[language],
        shown=language,
        names=NAMES,
        statuses=STATUSES,
        problems=missing,
        moves={m: MOVE_NAMES[m] for m in moves if not (missing and m in ("submit", "publish"))},
        own=viewer.person_id in row.writers,
        before=before[0] if before else None,
        entries=timeline(session, "lesson_version", row.id or 0),
        form=form,
        errors=errors,
    )


@get("/staff/lesson-versions/{version_id:int}", right="staff_lessons")
def version(request: Request, session: Session, version_id: int) -> Response[str]:
    return _version_page(request, session, found(queries.version_with(session, version_id)), Form(), {})


@post("/staff/lesson-versions/{version_id:int}", right="staff_lessons")
def move(request: Request, session: Session, form: Form, version_id: int) -> Response:
    row = found(queries.version_with(session, version_id, lock=True))
    entry, errors = check(Move, form)
    if entry is None or (form["move"] == "return" and not entry.reason):
        errors = errors or {"reason": gettext(mark("Say what is to be changed."))}
        return _version_page(request, session, row, form, errors)
    actions.move_version(
        session,
        row,
        form["move"],
        revision=whole(form["revision"]),
        by=viewer_of(request).person_id,
        now=clock.now(),
        reason=entry.reason,
    )
    if row.status is Status.PUBLISHED:
        said = mark("Published as version %(n)s. Who began the one before finishes that one.")
        return go(f"/staff/lessons/{row.module}", said, n=row.number)
    return go(f"/staff/lesson-versions/{version_id}", mark("Done; the step is in the record."))


def _editor(
    request: Request,
    session: Session,
    row: LessonVersion,
    form: Form,
    errors: dict[str, str],
    pair: Pair | None = None,
    language: str = "",
) -> Response[str]:
    """`pair`: what is to be seen in the preview, in that language."""
    return html(
        request,
        "lessons/edit.html",
        status=422 if errors else 200,
        version=row,
        module=_module(session, row.module),
        headings=list(zip(HEADINGS["zh"], HEADINGS["en"], strict=True)),
        options=range(1, MOST_OPTIONS + 1),
        names=NAMES,
        form=form,
        errors=errors,
        lesson=pair[language] if pair else None,
        shown=language,
    )


@get("/staff/lesson-versions/{version_id:int}/edit", right="staff_lessons")
def edit(request: Request, session: Session, version_id: int) -> Response[str]:
    row = _draft(session, version_id)
    return _editor(request, session, row, filled(queries.pair_of(row), row.changed, row.revision), {})


def _draft(session: Session, version_id: int, *, lock: bool = False) -> LessonVersion:
    row = found(queries.version_with(session, version_id, lock=lock))
    if row.status is not Status.DRAFT:
        raise Refused(mark("Only a draft is changed. What is in review is sent back first."))
    return row


@post("/staff/lesson-versions/{version_id:int}/edit", right="staff_lessons")
def save(request: Request, session: Session, form: Form, version_id: int) -> Response:
    row = _draft(session, version_id, lock=True)
    pair, changed, errors = read_editor(form, row.module, _titles(_module(session, row.module)))
    preview = form["do"].removeprefix("preview-")
    if errors or preview in NAMES:
        language = preview if preview in NAMES else language_of(request)
        return _editor(request, session, row, form, errors, None if errors else pair, language)
    return _keep(request, session, row, form, pair, changed)


def _keep(
    request: Request, session: Session, row: LessonVersion, form: Form, pair: Pair, changed: dict[str, str]
) -> Response:
    by, revision = viewer_of(request).person_id, whole(form["revision"])
    try:
        actions.change_draft(session, row, pair, changed, revision=revision, by=by, now=clock.now())
    except Refused as refused:
        return _editor(request, session, row, form, {"form": gettext(refused.message)})
    return go(f"/staff/lesson-versions/{row.id}", mark("Kept. Here it stands as learners will see it."))


# ——— Files ———


@post("/staff/lesson-versions/{version_id:int}/file", right="staff_lessons")
def upload(request: Request, session: Session, form: Form, version_id: int) -> Response:
    """The .md file of one language or of both takes the place of the draft's text."""
    row = _draft(session, version_id, lock=True)
    pair, changed = dict(queries.pair_of(row)), dict(row.changed)
    titles, errors = _titles(_module(session, row.module)), dict[str, str]()
    sent = {x: file for x in LANGUAGES if (file := form.file(f"file-{x}")) is not None}
    for language, file in sent.items():
        try:
            content = file.file.read(MOST_BYTES + 1)
            pair[language], said = read_upload(content, row.module, language, titles[language])
            changed |= {language: said} if said else {}
        except UnreadableFileError as problem:
            errors[f"file-{language}"] = gettext(problem.sentence.text, **problem.sentence.values)
    if not sent:
        errors["file-zh"] = gettext(mark("Please choose a file."))
    if not errors and not _agree(pair):
        errors["file-zh"] = gettext(
            mark("The files of the two languages differ in their minutes, or in options or answers.")
        )
    now = filled(queries.pair_of(row), row.changed, row.revision)
    if errors:
        return _editor(request, session, row, now, errors)
    now.fields = [*((k, v) for k, v in now.fields if k != "revision"), ("revision", form["revision"])]
    return _keep(request, session, row, now, pair, changed)


def _agree(pair: Pair) -> bool:
    zh, en = pair["zh"], pair["en"]
    shapes = [[(p.answer, len(p.options)) for p in one.practice] for one in (zh, en)]
    return zh.minutes == en.minutes and shapes[0] == shapes[1]


@get("/staff/lesson-versions/{version_id:int}/file", right="staff_lessons")
def download(request: Request, session: Session, version_id: int) -> Response[bytes]:
    row = found(queries.version_with(session, version_id))
    language = found(pick(NAMES, request.query_params.get("language")))
    name = quote(f"{row.module.replace('/', '-')}.{language}.md", safe="")
    return Response(
        (row.zh if language == "zh" else row.en).encode(),
        media_type="text/markdown; charset=utf-8",
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}", "Cache-Control": "no-store"},
    )


def desk_lines(session: Session, viewer: Viewer, _now: Any) -> list[DeskLine]:
    """The lessons that wait for this person's review."""
    if not viewer.may("staff_lessons"):
        return []
    waiting = queries.to_review(session, viewer.person_id)
    return [DeskLine(mark("Lessons to review"), waiting, "/staff/lessons")]


routers = [
    Router(
        "/",
        route_handlers=[lessons, module, begin, compare, version, move, edit, save, upload, download],
        guards=[staff],
    )
]
