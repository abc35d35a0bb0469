"""Staff write questions, see them as a candidate does, review each other's, and bring files in and out."""

from datetime import datetime
from typing import Any
from urllib.parse import quote

from litestar import Request, Response, Router
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from certification.authoring import actions, queries
from certification.authoring.forms import ROWS, Move, NewBank, filled, read_question
from certification.banks.form import QuestionForm
from certification.banks.models import Bank, Question
from certification.banks.queries import contents_of, forms_of_bank, preview
from certification.banks.readers import Format, read_questions
from certification.banks.rendering import rendered, show
from certification.banks.rows import form_of
from certification.banks.rules import MOVES, QuestionKind, QuestionStatus
from certification.banks.writers import WRITERS, write_questions
from certification.exams.queries import pictures_of
from certification.marking.actions import correct_key
from certification.marking.forms import CorrectKey
from portal import clock
from portal.desk.parts import DeskLine
from portal.files.reading import UnreadableFileError
from portal.history.queries import timeline
from portal.i18n import gettext
from portal.refusal import Refused, mark
from portal.web.forms import Form, check, whole
from portal.web.html import found, get, go, html, language_of, post
from portal.web.limits import UPLOAD_BYTES
from portal.web.viewer import Viewer, staff, viewer_of

KINDS = {
    QuestionKind.ONE: mark("One choice"),
    QuestionKind.SEVERAL: mark("Several choices"),
    QuestionKind.TRUE_FALSE: mark("True or false"),
    QuestionKind.ORDER: mark("Order"),
    QuestionKind.MATCH: mark("Match"),
    QuestionKind.NUMERIC: mark("Numeric answer"),
    QuestionKind.SHORT: mark("Short text"),
    QuestionKind.LONG: mark("Long answer"),
}
STATUSES = {
    QuestionStatus.DRAFT: mark("draft"),
    QuestionStatus.IN_REVIEW: mark("in review"),
    QuestionStatus.PILOT: mark("on trial"),
    QuestionStatus.IN_USE: mark("in use"),
    QuestionStatus.RETIRED: mark("retired"),
}
MOVE_NAMES = {
    "submit": mark("Hand in for review"),
    "return": mark("Return to its author"),
    "pilot": mark("Put on trial, unscored"),
    "use": mark("Put to use"),
    "retire": mark("Retire"),
}


# ——— Banks ———


def _banks_page(request: Request, session: Session, form: Form, errors: dict[str, str]) -> Response[str]:
    return html(
        request,
        "authoring/banks.html",
        status=422 if errors else 200,
        rows=queries.banks(session),
        statuses=STATUSES,
        form=form,
        errors=errors,
    )


@get("/staff/banks", right="staff_author")
def banks(request: Request, session: Session) -> Response[str]:
    return _banks_page(request, session, Form(), {})


@post("/staff/banks", right="staff_author")
def new_bank(request: Request, session: Session, form: Form) -> Response:
    entry, errors = check(NewBank, form)
    if entry is None:
        return _banks_page(request, session, form, errors)
    try:
        with session.begin_nested():
            actions.create_bank(
                session,
                entry.code,
                {"zh": entry.title_zh, "en": entry.title_en},
                by=viewer_of(request).person_id,
                now=clock.now(),
            )
    except IntegrityError:
        return _banks_page(
            request, session, form, {"code": gettext(mark("There is a bank with this code already."))}
        )
    return go(f"/staff/banks/{entry.code}", mark("The bank is there; now its questions."))


def _filters(request: Request) -> queries.Filters:
    asked = request.query_params
    return queries.Filters(
        asked.get("topic", "")[:40],
        asked.get("status", "") if asked.get("status") in list(QuestionStatus) else "",
        asked.get("kind", "") if asked.get("kind") in list(QuestionKind) else "",
        asked.get("words", "").strip()[:60],
        min(max(1, whole(asked.get("page", ""), 1)), 1000),
    )


@get("/staff/banks/{bank_code:str}", right="staff_author")
def bank(request: Request, session: Session, bank_code: str) -> Response[str]:
    row, asked = found(queries.bank_coded(session, bank_code)), _filters(request)
    rows, total = queries.questions(session, row.id or 0, asked)
    return html(
        request,
        "authoring/bank.html",
        bank=row,
        rows=rows,
        total=total,
        asked=asked,
        pages=-(-total // queries.PAGE),
        form=Form.of(vars(asked)),
        topics=queries.topics_of(session, row.id or 0),
        kinds=KINDS,
        statuses=STATUSES,
        moves={m: MOVE_NAMES[m] for m in ("submit", "pilot", "use", "retire")},
        formats=list(WRITERS),
    )


@post("/staff/banks/{bank_code:str}/move", right="staff_author")
def move_many(request: Request, session: Session, form: Form, bank_code: str) -> Response:
    """The ticked ones, each by the same rules; what may not move stays and is counted."""
    row, viewer, now = found(queries.bank_coded(session, bank_code)), viewer_of(request), clock.now()
    ids = [whole(i) for i in form.all("question")][: queries.PAGE]
    moved = left = 0
    for question in queries.questions_locked(session, row.id or 0, ids):
        try:
            with session.begin_nested():
                actions.move_question(session, question, form["move"], by=viewer.person_id, now=now)
            moved += 1
        except Refused:
            left += 1
    sentence = mark("%(moved)s moved; %(left)s stay as they are, because that step is not open to you there.")
    return go(
        f"/staff/banks/{bank_code}",
        sentence if left else mark("%(moved)s moved."),
        moved=moved,
        left=left,
    )


# ——— The editor ———


def _editor(
    request: Request,
    session: Session,
    bank_row: Bank,
    kind: QuestionKind,
    form: Form,
    errors: dict[str, str],
    *,
    question: Question | None = None,
    view: Any = None,
) -> Response[str]:
    return html(
        request,
        "authoring/editor.html",
        status=422 if errors else 200,
        bank=bank_row,
        kind=kind,
        kind_name=KINDS[kind],
        kinds=KINDS,
        question=question,
        topics=queries.topics_of(session, bank_row.id or 0),
        rows=range(1, ROWS + 1),
        form=form,
        errors=errors,
        view=view,
        pictures=queries.pictures_in(session, question) if question else {},
    )


@get("/staff/banks/{bank_code:str}/new", right="staff_author")
def new(request: Request, session: Session, bank_code: str) -> Response[str]:
    row = found(queries.bank_coded(session, bank_code))
    asked = request.query_params.get("kind", "")
    kind = QuestionKind(asked) if asked in list(QuestionKind) else QuestionKind.ONE
    return _editor(request, session, row, kind, Form.of({"level": 1, "points": 1}), {})


@post("/staff/banks/{bank_code:str}/new", right="staff_author", request_max_body_size=UPLOAD_BYTES)
def write(request: Request, session: Session, form: Form, bank_code: str) -> Response:
    row, viewer = found(queries.bank_coded(session, bank_code)), viewer_of(request)
    kind = found(QuestionKind(form["kind"]) if form["kind"] in list(QuestionKind) else None)
    entry, errors = read_question(form, kind, actions.next_code(session, row), {})
    if entry is None or form["do"] == "preview":
        return _editor(
            request, session, row, kind, form, errors, view=entry and _previewed(entry, language_of(request))
        )
    question = actions.write_question(session, row, entry, by=viewer.person_id, now=clock.now())
    return go(
        f"/staff/questions/{question.id}", mark("Kept as a draft. Here it stands as a candidate sees it.")
    )


def _previewed(entry: QuestionForm, language: str) -> dict[str, Any]:
    """What was typed as a candidate would see it; pictures that are not kept yet show their name only."""

    def words(texts: list[dict[str, Any]]) -> list[Any]:
        return [rendered(str(t.get(language, "")), entry.markup, {}) for t in texts]

    return {
        "kind": entry.kind,
        "stem": words([entry.stem])[0],
        "options": words(entry.options),
        "prompts": words(entry.prompts),
        "rubric": entry.rubric,
    }


@get("/staff/questions/{question_id:int}", right="staff_author")
def question(request: Request, session: Session, question_id: int) -> Response[str]:
    row, bank_row = found(queries.question_with(session, question_id))
    return _question_page(request, session, row, bank_row, Form(), {})


def _question_page(
    request: Request, session: Session, row: Question, bank_row: Bank, form: Form, errors: dict[str, str]
) -> Response[str]:
    viewer = viewer_of(request)
    hashes = pictures_of(session, [row])
    own = row.status is QuestionStatus.IN_REVIEW and row.written_by == viewer.person_id
    moves = {m: MOVE_NAMES[m] for (state, m) in MOVES if state is row.status and not (own and m != "return")}
    return html(
        request,
        "authoring/question.html",
        status=422 if errors else 200,
        question=row,
        bank=bank_row,
        views={language: show(row, language, hashes) for language in ("zh", "en")},
        kind_name=KINDS[row.kind],
        statuses=STATUSES,
        versions=queries.versions_of(session, row.bank_id, row.code),
        moves=moves,
        own=own,
        entries=timeline(session, "question", row.id or 0),
        form=form,
        errors=errors,
    )


@post("/staff/questions/{question_id:int}/move", right="staff_author")
def move(request: Request, session: Session, form: Form, question_id: int) -> Response:
    row, _ = found(queries.question_with(session, question_id, lock=True))
    entry, _errors = check(Move, form)
    actions.move_question(
        session,
        row,
        form["move"],
        by=viewer_of(request).person_id,
        now=clock.now(),
        reason=entry.reason if entry else "",
    )
    return go(f"/staff/questions/{question_id}", mark("Done; the step is in the record."))


@get("/staff/questions/{question_id:int}/edit", right="staff_author")
def edit(request: Request, session: Session, question_id: int) -> Response[str]:
    row, bank_row = found(queries.question_with(session, question_id))
    form = filled(form_of(row, contents_of(session, [row])))
    return _editor(request, session, bank_row, row.kind, form, {}, question=row)


@post("/staff/questions/{question_id:int}/edit", right="staff_author", request_max_body_size=UPLOAD_BYTES)
def save(request: Request, session: Session, form: Form, question_id: int) -> Response:
    """A draft is changed in place; anything else gets a new version, a draft."""
    viewer, now = viewer_of(request), clock.now()
    row, bank_row = found(queries.question_with(session, question_id, lock=True))
    held = {name: p.content for name, p in queries.pictures_in(session, row).items()}
    entry, errors = read_question(form, row.kind, row.code, held)
    if entry is None or form["do"] == "preview":
        view = entry and _previewed(entry, language_of(request))
        return _editor(request, session, bank_row, row.kind, form, errors, question=row, view=view)
    if row.status is QuestionStatus.DRAFT:
        actions.change_draft(session, row, entry, by=viewer.person_id, now=now)
        return go(f"/staff/questions/{row.id}", mark("Kept."))
    draft = actions.write_question(session, bank_row, entry, by=viewer.person_id, now=now)
    return go(
        f"/staff/questions/{draft.id}",
        mark("Kept as a new version, a draft. The one in use is asked until this one takes its place."),
    )


@post("/staff/questions/{question_id:int}/key", right="staff_void")
def key(request: Request, session: Session, form: Form, question_id: int) -> Response:
    row, bank_row = found(queries.question_with(session, question_id, lock=True))
    entry, errors = check(CorrectKey, form)
    if entry is None:
        return _question_page(request, session, row, bank_row, form, errors)
    done = correct_key(
        session,
        row,
        entry.key,
        entry.reason,
        keep_passes=entry.passes == "keep",
        by=viewer_of(request).person_id,
        now=clock.now(),
    )
    sentence = mark(
        "Corrected. %(sittings)s papers asked it: %(changed)s have other points, %(passed)s pass now, %(failed)s no longer do."
    )
    return go(f"/staff/questions/{question_id}", sentence, **vars(done))


# ——— Files ———


@get("/staff/banks/{bank_code:str}/export", right="staff_author")
def export(request: Request, session: Session, bank_code: str) -> Response[bytes]:
    row = found(queries.bank_coded(session, bank_code))
    wanted = found(
        request.query_params.get("format") if request.query_params.get("format") in WRITERS else None
    )
    content = write_questions(forms_of_bank(session, row.code) or [], wanted)
    name = quote(row.code + WRITERS[wanted][1], safe="")
    return Response(
        content,
        media_type="application/octet-stream",
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}", "Cache-Control": "no-store"},
    )


@get("/staff/banks/{bank_code:str}/import", right="staff_author")
def import_page(request: Request, session: Session, bank_code: str) -> Response[str]:
    row = found(queries.bank_coded(session, bank_code))
    return html(request, "authoring/import.html", bank=row, formats=list(Format), form=Form(), errors={})


@post("/staff/banks/{bank_code:str}/import", right="staff_author", request_max_body_size=UPLOAD_BYTES)
def upload(request: Request, session: Session, form: Form, bank_code: str) -> Response:
    """The dry run: what is in the file, what of it is new, what cannot be read."""
    row, viewer, now = found(queries.bank_coded(session, bank_code)), viewer_of(request), clock.now()
    file, errors = form.file("file"), {}
    if file is None:
        errors["file"] = gettext(mark("Please choose a file."))
    else:
        content = file.file.read()
        try:
            read_questions(file.filename, content, form["format"] or None)
        except UnreadableFileError as problem:
            errors["file"] = gettext(problem.sentence.text, **problem.sentence.values)
        else:
            kept = actions.keep_upload(session, row, file.filename, content, by=viewer.person_id, now=now)
            return go(f"/staff/banks/{bank_code}/import/{kept.id}?format={quote(form['format'])}")
    return html(
        request, "authoring/import.html", status=422, bank=row, formats=list(Format), form=form, errors=errors
    )


@get("/staff/banks/{bank_code:str}/import/{upload_id:int}", right="staff_author")
def dry_run(request: Request, session: Session, bank_code: str, upload_id: int) -> Response[str]:
    row = found(queries.bank_coded(session, bank_code))
    kept = found(queries.upload_of(session, upload_id, row.id or 0, viewer_of(request).person_id))
    wanted = request.query_params.get("format") or None
    read = read_questions(kept.name, kept.content, wanted if wanted in list(Format) else None)
    return html(
        request,
        "authoring/dry_run.html",
        bank=row,
        upload=kept,
        read=read,
        found=preview(session, row.code, read.questions),
        kinds=KINDS,
        format=wanted or "",
    )


@post("/staff/banks/{bank_code:str}/import/{upload_id:int}", right="staff_author")
def take(request: Request, session: Session, form: Form, bank_code: str, upload_id: int) -> Response:
    row, viewer, now = found(queries.bank_coded(session, bank_code)), viewer_of(request), clock.now()
    kept = found(queries.upload_of(session, upload_id, row.id or 0, viewer.person_id))
    read = read_questions(kept.name, kept.content, form["format"] if form["format"] in list(Format) else None)
    added, versions, same = actions.take_over(
        session, row, kept, read.questions, by=viewer.person_id, now=now
    )
    sentence = mark(
        "%(added)s new, %(versions)s new versions, %(same)s left alone. They wait for somebody else's review."
    )
    return go(
        f"/staff/banks/{bank_code}?status=in_review",
        sentence,
        added=added,
        versions=versions,
        same=same,
    )


def desk_lines(session: Session, viewer: Viewer, _now: datetime) -> list[DeskLine]:
    """The questions that wait for this person's review."""
    if not viewer.may("staff_author"):
        return []
    return [
        DeskLine(mark("Questions to review"), queries.in_review(session, viewer.person_id), "/staff/banks")
    ]


routers = [
    Router(
        "/",
        route_handlers=[
            banks,
            new_bank,
            bank,
            move_many,
            new,
            write,
            question,
            move,
            edit,
            save,
            key,
            export,
            import_page,
            upload,
            dry_run,
            take,
        ],
        guards=[staff],
    )
]
