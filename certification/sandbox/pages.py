"""Staff write a draft of the rules, try it, hand it in; a second person publishes it."""

from collections.abc import Mapping
from typing import Any

from litestar import Request, Response, Router
from sqlmodel import Session

from certification.sandbox import actions, queries
from certification.sandbox.editing import Numbers, field_of, numbers_of, typed_numbers
from certification.sandbox.forms import Because, HandIn
from certification.sandbox.jobs import run_backtest, tell_holders
from certification.sandbox.models import Backtest, ProgrammeDraft
from certification.sandbox.queries import Filter
from certification.sandbox.rules import (
    MOVES,
    OUTCOMES,
    SIZES,
    STATES,
    BacktestStatus,
    DraftStatus,
    digest_of,
)
from certification.standing.rules import Family
from portal import clock
from portal.desk.parts import DeskLine
from portal.history.queries import timeline
from portal.i18n import gettext
from portal.jobs import enqueue
from portal.programme.difference import difference, labels
from portal.programme.lines import Problem, read
from portal.programme.models import ProgrammeVersion
from portal.programme.queries import latest_version, programme_at, programme_by_id, published
from portal.refusal import Refused, mark
from portal.web.forms import Form, check, whole
from portal.web.html import found, get, go, html, pick, post
from portal.web.viewer import Viewer, staff, viewer_of

RIGHT = "staff_programme"
PARTS = {
    "scoring": mark("Score"),
    "lifecycle": mark("Clocks"),
    "conduct": mark("Conduct"),
}


def desk_lines(session: Session, viewer: Viewer, _now: Any) -> list[DeskLine]:
    if not viewer.may(RIGHT):
        return []
    return [DeskLine(mark("Rules to publish"), queries.drafts_waiting(session), "/staff/programme")]


@get("/staff/programme", right=RIGHT)
def programme(request: Request, session: Session) -> Response[str]:
    return html(
        request,
        "sandbox/programme.html",
        versions=published(session),
        in_force=programme_at(session, clock.now()).id,
        drafts=queries.drafts(session),
        states=STATES,
        at=clock.now(),
    )


@post("/staff/programme/drafts", right=RIGHT)
def open_draft(request: Request, session: Session) -> Response:
    base = found(latest_version(session))
    draft = actions.open_draft(session, base, by=viewer_of(request).person_id, now=clock.now())
    return go(_path(draft), mark("A draft of your own, begun from the latest version. Nothing is in force."))


def _path(draft: ProgrammeDraft, part: str = "") -> str:
    return f"/staff/programme/drafts/{draft.id}{part}"


def _locked(session: Session, draft_id: int) -> ProgrammeDraft:
    return found(queries.draft_with(session, draft_id, lock=True))


def _fresh(backtest: Backtest | None, draft: ProgrammeDraft) -> bool:
    return backtest is not None and backtest.digest == digest_of(draft.text)


def _sentences(problems: list[Problem]) -> list[tuple[Problem, str]]:
    return [(p, gettext(p.message, **p.values)) for p in problems]


def _page(
    request: Request,
    session: Session,
    draft: ProgrammeDraft,
    *,
    typed: Form | None = None,
    wrong: Mapping[str, str] | None = None,
    form: Form | None = None,
    errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response[str]:
    top, _ = read(draft.text)
    numbers = numbers_of(draft.text, top) if top else Numbers({}, {})
    problems = actions.problems_of(session, draft)
    by_field: dict[str, str] = {}
    if draft.status is DraftStatus.DRAFT:
        for problem in problems:
            if name := field_of(problem, numbers.cells()):
                by_field.setdefault(name, gettext(problem.message, **problem.values))
    backtest = queries.latest_backtest(session, draft.id or 0)
    viewer = viewer_of(request)
    return html(
        request,
        "sandbox/draft.html",
        status=status,
        draft=draft,
        names=queries.names_of(session, draft),
        numbers=numbers,
        parts=PARTS,
        labels=labels,
        rules=programme_at(session, clock.now()),
        typed=typed,
        wrong={**by_field, **(wrong or {})},
        refused=dict(wrong or {}),
        problems=_sentences(problems),
        form=form or Form.of({"effective_on": draft.effective_on or "", "reason": draft.reason}),
        errors=dict(errors or {}),
        states=STATES,
        moves={move for state, move in MOVES if state == draft.status},
        backtest=backtest,
        fresh=_fresh(backtest, draft),
        is_author=viewer.person_id in queries.authors_of(session, draft.id or 0),
        today=clock.today(clock.now()),
        entries=timeline(session, "programme_draft", draft.id or 0)[:20],
    )


@get("/staff/programme/drafts/{draft_id:int}", right=RIGHT)
def draft_page(request: Request, session: Session, draft_id: int) -> Response[str]:
    return _page(request, session, found(queries.draft_with(session, draft_id)))


@post("/staff/programme/drafts/{draft_id:int}/numbers", right=RIGHT)
def save_numbers(request: Request, session: Session, form: Form, draft_id: int) -> Response:
    draft = _locked(session, draft_id)
    top, _ = read(draft.text)
    if top is None:
        raise Refused(mark("The text can't be read yet; mend its lines first."))
    text, wrong = typed_numbers(draft.text, top, form, numbers_of(draft.text, top).cells())
    if wrong:
        said = {name: gettext(sentence) for name, sentence in wrong.items()}
        return _page(request, session, draft, typed=form, wrong=said, status=422)
    return _saved(request, session, draft, text, form, "")


@get("/staff/programme/drafts/{draft_id:int}/text", right=RIGHT)
def text_page(request: Request, session: Session, draft_id: int) -> Response[str]:
    draft = found(queries.draft_with(session, draft_id))
    return _text_page(request, session, draft, draft.text, draft.revision)


@post("/staff/programme/drafts/{draft_id:int}/text", right=RIGHT)
def save_text(request: Request, session: Session, form: Form, draft_id: int) -> Response:
    draft = _locked(session, draft_id)
    text = form["text"].replace("\r\n", "\n").replace("\r", "\n")
    if draft.status is DraftStatus.DRAFT and whole(form["revision"]) != draft.revision:
        return _text_page(request, session, draft, text, draft.revision, error=True, status=422)
    if len(text) > 200_000 or not text.strip():
        return _text_page(request, session, draft, draft.text, draft.revision, status=422)
    return _saved(request, session, draft, text, form, "/text")


def _saved(
    request: Request, session: Session, draft: ProgrammeDraft, text: str, form: Form, part: str
) -> Response:
    by, now = viewer_of(request).person_id, clock.now()
    actions.save_text(session, draft, text, revision=whole(form["revision"]), by=by, now=now)
    n = len(actions.problems_of(session, draft))
    if n:
        return go(_path(draft, part), mark("Saved. Places to change before it can be tried: %(n)s."), n=n)
    return go(_path(draft, part), mark("Saved. Nothing is wrong with it; it can be tried."))


def _text_page(
    request: Request,
    session: Session,
    draft: ProgrammeDraft,
    text: str,
    revision: int,
    *,
    error: bool = False,
    status: int = 200,
) -> Response[str]:
    shown = draft.model_copy(update={"text": text})
    return html(
        request,
        "sandbox/text.html",
        status=status,
        draft=draft,
        text=text,
        revision=revision,
        stale=error,
        problems=_sentences(actions.problems_of(session, shown)),
        states=STATES,
    )


@get("/staff/programme/drafts/{draft_id:int}/changes", right=RIGHT)
def changes(request: Request, session: Session, draft_id: int) -> Response[str]:
    """Against the version in force, or any other."""
    draft = found(queries.draft_with(session, draft_id))
    versions = published(session)
    wanted = whole(request.query_params.get("against", ""))
    base = next((v.id for v in versions if v.id == wanted), programme_at(session, clock.now()).id)
    old, (top, _) = programme_by_id(session, base), read(draft.text)
    new = top.plain() if top and isinstance(top.value, dict) else {}
    return html(
        request,
        "sandbox/changes.html",
        draft=draft,
        versions=versions,
        against=base,
        changes=difference(old.content, new),
        labels=lambda path: labels(path, new, old.content),
    )


@post("/staff/programme/drafts/{draft_id:int}/backtest", right=RIGHT)
def ask_backtest(request: Request, session: Session, draft_id: int) -> Response:
    draft = _locked(session, draft_id)
    backtest = actions.ask_backtest(session, draft, by=viewer_of(request).person_id, now=clock.now())
    enqueue(session, run_backtest, backtest.id or 0)
    return go(_path(draft, "/backtest"), mark("The back-test runs; levels stay as they are."))


@get("/staff/programme/drafts/{draft_id:int}/backtest", right=RIGHT)
def backtest(request: Request, session: Session, draft_id: int) -> Response[str]:
    draft = found(queries.draft_with(session, draft_id))
    row = queries.latest_backtest(session, draft_id)
    rules = programme_at(session, clock.now())
    wanted, query = _filter(request, rules.options("provinces")), {}
    lines: list[queries.Shown] = []
    total = 0
    if row is not None and row.status is BacktestStatus.DONE:
        after = whole(request.query_params.get("after", ""))
        lines = queries.lines_of(session, row.id or 0, wanted, after=after)
        total = queries.how_many_lines(session, row.id or 0, wanted)
        query = {k: v for k, v in vars(wanted).items() if v}
    return html(
        request,
        "sandbox/backtest.html",
        draft=draft,
        backtest=row,
        old=programme_by_id(session, row.version_id) if row else None,
        fresh=_fresh(row, draft),
        wanted=wanted,
        query=query,
        lines=lines,
        total=total,
        rules=rules,
        names={**rules["metrics"]["names"], **rules["metrics"]["gates"], "score": rules["metrics"]["score"]},
        outcomes=OUTCOMES,
        sizes=SIZES,
        families={str(f): rules["families"][str(f)] for f in Family},
    )


def _filter(request: Request, provinces: Mapping[str, Any]) -> Filter:
    """Filters from an address are not believed."""
    asked = request.query_params
    return Filter(
        pick({str(f): f for f in Family}, asked.get("family")) or "",
        pick(provinces, asked.get("province")) or "",
        pick(dict.fromkeys(SIZES), asked.get("size")) or "",
        pick(dict.fromkeys(("0", "3", "4", "5")), asked.get("held")) or "",
        pick(dict.fromkeys(("moves", "all", *OUTCOMES)), asked.get("only")) or "moves",
    )


@post("/staff/programme/drafts/{draft_id:int}/submit", right=RIGHT)
def hand_in(request: Request, session: Session, form: Form, draft_id: int) -> Response:
    draft = _locked(session, draft_id)
    entry, errors = check(HandIn, form)
    if entry and entry.effective_on < clock.today(clock.now()):
        errors["effective_on"] = gettext(mark("Rules never reach back: the day must be today or later."))
    if entry is None or errors:
        return _page(request, session, draft, form=form, errors=errors, status=422)
    by = viewer_of(request).person_id
    actions.hand_in(session, draft, entry.reason, entry.effective_on, by=by, now=clock.now())
    return go(_path(draft), mark("Handed in. A second person reads it and publishes it."))


@post("/staff/programme/drafts/{draft_id:int}/take-back", right=RIGHT)
def take_back(request: Request, session: Session, draft_id: int) -> Response:
    draft = _locked(session, draft_id)
    actions.take_back(session, draft, by=viewer_of(request).person_id, now=clock.now())
    return go(_path(draft), mark("Taken back; it can be written in again."))


@post("/staff/programme/drafts/{draft_id:int}/withdraw", right=RIGHT)
def withdraw(request: Request, session: Session, form: Form, draft_id: int) -> Response:
    draft = _locked(session, draft_id)
    entry, errors = check(Because, form)
    if entry is None:
        errors = {f"{name}-withdraw": sentence for name, sentence in errors.items()}
        return _page(request, session, draft, form=form, errors=errors, status=422)
    actions.withdraw(session, draft, entry.reason, by=viewer_of(request).person_id, now=clock.now())
    return go("/staff/programme", mark("Withdrawn; its text stays readable."))


@post("/staff/programme/drafts/{draft_id:int}/publish", right=RIGHT)
def publish(request: Request, session: Session, draft_id: int) -> Response:
    draft = _locked(session, draft_id)
    version: ProgrammeVersion = actions.publish_draft(
        session, draft, by=viewer_of(request).person_id, now=clock.now()
    )
    row = queries.latest_backtest(session, draft_id)
    enqueue(session, tell_holders, (row.id if row else 0) or 0)
    return go(
        "/staff/programme",
        mark("Version %(version)s is published; holders read what changes for them."),
        version=version.version,
    )


routers = [
    Router(
        "/",
        route_handlers=[
            programme,
            open_draft,
            draft_page,
            save_numbers,
            text_page,
            save_text,
            changes,
            ask_backtest,
            backtest,
            hand_in,
            take_back,
            withdraw,
            publish,
        ],
        guards=[staff],
    )
]
