"""The provider writes, the client answers, everybody reads."""

from urllib.parse import urlencode

from litestar import Request, Response, Router
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from casebook.awards.pages import badges
from casebook.cases import actions, queries
from casebook.cases.forms import (
    Answer,
    EditCase,
    EditOutcome,
    OutcomeAnswer,
    SendToClient,
    block,
    read_outcomes,
)
from casebook.cases.models import Case, Confirmation, Outcome
from casebook.cases.rules import (
    BLOCKS,
    EDITABLE,
    ITEMS,
    KIND_NAMES,
    MOST_OUTCOMES,
    MOVES,
    TAKES_EVIDENCE,
    UNITS,
    Status,
    Verdict,
    what_is_missing,
    why_not_address,
)
from casebook.directory.queries import levels_of
from casebook.search.queries import search
from portal import clock
from portal.accounts.actions import digest
from portal.accounts.models import Person
from portal.departures.home import responsible
from portal.files.pages import send_file
from portal.files.rules import Purpose
from portal.history.queries import timeline
from portal.i18n import gettext, language
from portal.limits.actions import count_attempt
from portal.organisations.models import Organisation
from portal.programme.queries import programme_at
from portal.programme.rules import Programme
from portal.refusal import NotFound, Refused, mark
from portal.review.kinds import kinds_for
from portal.review.queries import findings_of, latest_submission, submission_for_review
from portal.review.rules import OPEN
from portal.web.forms import Form, check, whole
from portal.web.html import found, get, go, html, pick, post
from portal.web.limits import UPLOAD_BYTES
from portal.web.viewer import Acting, provider_member, public, staff, viewer_of

MAILS_AN_HOUR = 20


def _acting(request: Request) -> Acting:
    return found(viewer_of(request).organisation)


def _own(request: Request, session: Session, case_id: int, *, lock: bool = False) -> Case:
    return found(queries.case_of(session, case_id, _acting(request).id, lock=lock))


def _taxonomy(programme: Programme) -> dict[str, list[str]]:
    return {
        "industries": list(programme.leaves("industries")),
        "capabilities": list(programme.leaves("capabilities")),
        **{name: list(programme.options(name)) for name in ("stages", "archetypes", "channels")},
    }


def _blocks(typed: str) -> int:
    return min(MOST_OUTCOMES, max(BLOCKS, whole(typed)))


# ——— The provider ———


@get("/my/cases")
def cases(request: Request, session: Session) -> Response[str]:
    return html(request, "cases/own.html", rows=queries.own_cases(session, _acting(request).id))


def _edit_page(
    request: Request,
    session: Session,
    form: Form,
    errors: dict[str, str],
    *,
    row: Case | None,
    blocks: int,
    status: int = 200,
) -> Response[str]:
    return html(
        request,
        "cases/edit.html",
        status=status,
        form=form,
        errors=errors,
        case=row,
        blocks=blocks,
        kinds=KIND_NAMES,
        units=UNITS,
        programme=programme_at(session, clock.now()),
        most=MOST_OUTCOMES,
    )


@get("/my/cases/new", right="draft")
def new_case(request: Request, session: Session) -> Response[str]:
    return _edit_page(request, session, Form(), {}, row=None, blocks=BLOCKS)


def _checked(session: Session, form: Form) -> tuple[EditCase | None, list[EditOutcome], dict[str, str], int]:
    blocks = _blocks(form["blocks"])
    entry, errors = check(EditCase, form, _taxonomy(programme_at(session, clock.now())))
    outcomes, wrong = read_outcomes(form, blocks)
    return entry, outcomes, errors | wrong, blocks


def _after_save(form: Form, case_id: int, blocks: int) -> Response:
    if form["then"] == "add":
        return go(
            f"/my/cases/{case_id}/edit?blocks={min(blocks + 1, MOST_OUTCOMES)}#outcomes",
            mark("Saved. There is room for one more outcome below."),
        )
    return go(f"/my/cases/{case_id}", mark("Saved."))


@post("/my/cases/new", right="draft")
def make_case(request: Request, session: Session, form: Form) -> Response:
    viewer, acting = viewer_of(request), _acting(request)
    entry, outcomes, errors, blocks = _checked(session, form)
    once = form["once"]
    if not (once.isalnum() and len(once) == 32):
        raise NotFound
    if entry is None or errors:
        return _edit_page(request, session, form, errors, row=None, blocks=blocks, status=422)
    organisation = session.get_one(
        Organisation, acting.id, with_for_update=True
    )  # two clicks wait for each other
    try:
        with session.begin_nested():
            row = actions.draft_case(
                session, organisation, once, entry, outcomes, by=viewer.person_id, now=clock.now()
            )
    except IntegrityError:  # another organisation's form
        raise NotFound from None
    return _after_save(form, row.id or 0, blocks)


@get("/my/cases/{case_id:int}")
def case(request: Request, session: Session, case_id: int) -> Response[str]:
    return _case_page(request, session, _own(request, session, case_id), Form(), {})


def _case_page(
    request: Request, session: Session, row: Case, form: Form, errors: dict[str, str], *, status: int = 200
) -> Response[str]:
    outcomes = queries.outcomes_of(session, row.id or 0)
    submission = latest_submission(session, "case", row.id or 0)
    confirmations = queries.confirmations_of(session, row.id or 0)
    if not form.fields:
        form = Form.of({"language": language()})
    return html(
        request,
        "cases/case.html",
        status=status,
        case=row,
        outcomes=outcomes,
        form=form,
        errors=errors,
        missing=what_is_missing(queries.draft_of(row, outcomes)),
        moves={move for state, move in MOVES if state == row.status},
        editable=row.status in EDITABLE,
        takes_evidence=row.status in TAKES_EVIDENCE,
        evidence=queries.evidence_of(session, row.id or 0),
        openings=queries.openings_of(session, row.id or 0),
        sent=confirmations[0] if confirmations else None,
        answered=next((c for c in confirmations if c.used_at), None),
        submission=submission,
        items=ITEMS,
        findings={f.item: f for f in findings_of(session, submission.id or 0)} if submission else {},
        timeline=timeline(session, "case", row.id or 0),
        programme=programme_at(session, clock.now()),
        responsible=responsible(
            session,
            viewer_of(request),
            "case",
            row.id or 0,
            row.responsible_id,
            clock.now(),
            right=None if row.status is Status.RETRACTED else "draft",
        ),
    )


@get("/my/cases/{case_id:int}/edit", right="draft")
def edit_form(request: Request, session: Session, case_id: int) -> Response:
    row = _own(request, session, case_id)
    if row.status not in EDITABLE:
        return go(f"/my/cases/{case_id}")
    outcomes = queries.outcomes_of(session, case_id)
    values = row.model_dump() | {
        "client_named": "true" if row.client_named else "",
        "systems": "\n".join(row.systems),
    }
    for o in outcomes:
        values |= {f"o{o.nth}_{name}": _plain(getattr(o, name)) for name in EditOutcome.model_fields}
    wanted = request.query_params.get("blocks", "")
    return _edit_page(
        request, session, Form.of(values), {}, row=row, blocks=max(_blocks(wanted), len(outcomes))
    )


def _plain(value: object) -> object:
    """Numbers as a person types them: 12, not 12.0."""
    return f"{value:.10g}" if isinstance(value, float) else value


@post("/my/cases/{case_id:int}/edit", right="draft")
def save(request: Request, session: Session, form: Form, case_id: int) -> Response:
    viewer = viewer_of(request)
    row = _own(request, session, case_id, lock=True)
    entry, outcomes, errors, blocks = _checked(session, form)
    if entry and not errors and form["revision"] != str(row.revision):
        errors = {"form": gettext(actions.STALE)}
    if entry is None or errors:
        return _edit_page(request, session, form, errors, row=row, blocks=blocks, status=422)
    actions.save_case(
        session, row, entry, outcomes, revision=int(form["revision"]), by=viewer.person_id, now=clock.now()
    )
    return _after_save(form, case_id, blocks)


@post("/my/cases/{case_id:int}/evidence", request_max_body_size=UPLOAD_BYTES, right="draft")
def add_evidence(request: Request, session: Session, form: Form, case_id: int) -> Response:
    viewer = viewer_of(request)
    row = _own(request, session, case_id, lock=True)
    upload = form.file("file")
    if upload is None:
        return _case_page(
            request,
            session,
            row,
            form,
            {"file": gettext(mark("Please choose a file: a PDF, JPEG or PNG."))},
            status=422,
        )
    try:
        with session.begin_nested():
            actions.add_evidence(
                session,
                row,
                name=upload.filename,
                content=upload.file.read(),
                note=form["note"].strip()[:200],
                by=viewer.person_id,
                now=clock.now(),
            )
    except Refused as refused:
        if refused.status == 409:
            raise
        return _case_page(
            request, session, row, form, {"file": gettext(refused.message)}, status=refused.status
        )
    return go(
        f"/my/cases/{case_id}#evidence",
        mark("Added. Only your organisation and the reviewers can open it; each opening is written down."),
    )


@post("/my/cases/{case_id:int}/evidence/{evidence_id:int}/remove", right="draft")
def remove_evidence(request: Request, session: Session, case_id: int, evidence_id: int) -> Response:
    row = _own(request, session, case_id, lock=True)
    evidence, _ = found(queries.evidence_in(session, evidence_id, case_id))
    actions.remove_evidence(session, row, evidence, by=viewer_of(request).person_id, now=clock.now())
    return go(f"/my/cases/{case_id}#evidence", mark("Removed."))


@get("/my/cases/{case_id:int}/evidence/{evidence_id:int}", opt={"writes": True})
def open_evidence(request: Request, session: Session, case_id: int, evidence_id: int) -> Response[bytes]:
    _own(request, session, case_id)
    _, file = found(queries.evidence_in(session, evidence_id, case_id))
    return send_file(session, file, Purpose.OWN, by=viewer_of(request).person_id)


@post("/my/cases/{case_id:int}/send", right="draft")
def send(request: Request, session: Session, form: Form, case_id: int) -> Response:
    viewer, acting = viewer_of(request), _acting(request)
    row = _own(request, session, case_id, lock=True)
    organisation = session.get_one(Organisation, acting.id)
    entry, errors = check(SendToClient, form)
    if entry:
        wrong = why_not_address(
            entry.email,
            website=organisation.website,
            members=[viewer.email, *queries.member_addresses(session, acting.id)],
        )
        if wrong:
            errors = {"email": gettext(wrong)}
        elif not count_attempt(
            session, f"case-mail:{acting.id}", most=MAILS_AN_HOUR, seconds=3600, now=clock.now()
        ):
            errors = {"email": gettext(mark("Too many mails within an hour. Please wait a little."))}
    if entry is None or errors:
        return _case_page(request, session, row, form, errors, status=422)
    actions.send_to_client(
        session,
        row,
        organisation,
        entry.email,
        entry.language,
        by=session.get_one(Person, viewer.person_id),
        now=clock.now(),
    )
    return go(f"/my/cases/{case_id}", mark("Sent. The client has 30 days to answer; you will be told."))


@post("/my/cases/{case_id:int}/recall", right="way_out")
def recall(request: Request, session: Session, case_id: int) -> Response:
    actions.recall_case(
        session, _own(request, session, case_id, lock=True), by=viewer_of(request).person_id, now=clock.now()
    )
    return go(f"/my/cases/{case_id}", mark("Back with you as a draft. The client's link no longer works."))


@post("/my/cases/{case_id:int}/submit", right="submit")
def submit(request: Request, session: Session, case_id: int) -> Response:
    acting = _acting(request)
    row = _own(request, session, case_id, lock=True)
    actions.submit_case(
        session,
        row,
        session.get_one(Organisation, acting.id),
        by=viewer_of(request).person_id,
        now=clock.now(),
    )
    return go(
        f"/my/cases/{case_id}",
        mark("Handed in. Reviewers decide within ten working days; you will see each verdict here."),
    )


@post("/my/cases/{case_id:int}/retract", right="way_out")
def retract(request: Request, session: Session, form: Form, case_id: int) -> Response:
    row = _own(request, session, case_id, lock=True)
    if not form["why"].strip():
        return _case_page(
            request,
            session,
            row,
            form,
            {"why": gettext(mark("Please say why; the record keeps it."))},
            status=422,
        )
    actions.retract_case(
        session, row, form["why"].strip()[:500], by=viewer_of(request).person_id, now=clock.now()
    )
    return go(f"/my/cases/{case_id}", mark("Retracted. It no longer counts and is not shown."))


# ——— The client ———


def _client_page(
    request: Request,
    session: Session,
    confirmation: Confirmation,
    row: Case,
    outcomes: list[Outcome],
    *,
    form: Form,
    errors: dict[str, str],
    status: int = 200,
) -> Response[str]:
    return html(
        request,
        "cases/client.html",
        status=status,
        confirmation=confirmation,
        case=row,
        outcomes=outcomes,
        form=form,
        errors=errors,
        organisation=session.get_one(Organisation, row.organisation_id),
        programme=programme_at(session, clock.now()),
        answered=confirmation.used_at is not None,
        over=confirmation.used_at is None and confirmation.expires_at <= clock.now(),
    )


@get("/client/{token:str}")
def client(request: Request, session: Session, token: str) -> Response[str]:
    """Where the mailed link leads; nothing is recorded until the client answers."""
    confirmation, row = found(queries.confirmation_by_token(session, digest(token)))
    over = confirmation.used_at is None and confirmation.expires_at <= clock.now()
    return _client_page(
        request,
        session,
        confirmation,
        row,
        queries.outcomes_of(session, row.id or 0),
        form=Form(),
        errors={},
        status=410 if over else 200,
    )


@post("/client/{token:str}")
def answer(request: Request, session: Session, form: Form, token: str) -> Response:
    confirmation, row = found(queries.confirmation_by_token(session, digest(token), lock=True))
    outcomes = queries.outcomes_of(session, row.id or 0)
    if confirmation.used_at is None and confirmation.expires_at > clock.now():
        entry, errors = check(Answer, form)
        answers: dict[int, OutcomeAnswer] = {}
        for outcome in outcomes:
            said, wrong = check(OutcomeAnswer, block(form, f"o{outcome.nth}_"))
            errors |= {f"o{outcome.nth}_{name}": sentence for name, sentence in wrong.items()}
            if (
                said
                and said.verdict is Verdict.DISPUTED
                and said.attested_value is None
                and not said.client_note
            ):
                errors[f"o{outcome.nth}_client_note"] = gettext(
                    mark("Please say what is wrong, or give your own number.")
                )
            if said:
                answers[outcome.nth] = said
        if entry is None or errors:
            return _client_page(
                request, session, confirmation, row, outcomes, form=form, errors=errors, status=422
            )
    else:
        entry, answers = _NOTHING, {}  # the action says why it is too late
    actions.answer_case(session, confirmation, row, entry, answers, now=clock.now())
    return go(f"/client/{token}", mark("Thank you. Your answer is recorded."))


_NOTHING = Answer(rating=1, renewed="early", name="-", role="-")


# ——— Everybody ———


@get("/cases")
def casebook(request: Request, session: Session) -> Response[str]:
    programme, asked = programme_at(session, clock.now()), request.query_params
    industries = programme["taxonomy"]["industries"]
    leaves = programme.leaves("industries")
    industry = pick(industries, asked.get("industry")) or pick(leaves, asked.get("industry"))
    chosen = {
        "industry": industry,
        "stage": pick(programme.options("stages"), asked.get("stage")),
        "capability": pick(programme.leaves("capabilities"), asked.get("capability")),
        "archetype": pick(programme.options("archetypes"), asked.get("archetype")),
    }
    query = asked.get("q", "").strip()[:200]
    page = min(max(1, whole(asked.get("page", ""))), 10_000)
    rows, total = queries.public_cases(
        session,
        ids=search(session, "case", query, 200) if query else None,
        page=page,
        stage=chosen["stage"],
        archetype=chosen["archetype"],
        industries=list(industries[industry]["leaves"])
        if industry in industries
        else [industry]
        if industry
        else [],
        capability=chosen["capability"],
    )
    return html(
        request,
        "cases/casebook.html",
        rows=rows,
        total=total,
        page=page,
        size=queries.PAGE,
        q=query,
        chosen=chosen,
        address="/cases?" + "".join(f"{urlencode({k: v})}&" for k, v in {"q": query, **chosen}.items() if v),
        form=Form.of({**chosen, "q": query}),
        programme=programme,
    )


@get("/cases/{number:str}")
def public_case(request: Request, session: Session, number: str) -> Response[str]:
    row, programme = found(queries.public_case(session, number)), programme_at(session, clock.now())
    return html(
        request,
        "cases/public.html",
        case=row,
        outcomes=queries.outcomes_of(session, row.id),
        levels=levels_of(session, [row.organisation_id]).get(row.organisation_id, []),
        programme=programme,
        awards=badges(session, programme, case_id=row.id),
    )


# ——— Reviewers ———


@get("/staff/review/{submission_id:int}/case/{evidence_id:int}", opt={"writes": True}, right="staff_review")
def evidence_for_review(
    request: Request, session: Session, submission_id: int, evidence_id: int
) -> Response[bytes]:
    """While it is theirs to decide and not in another reviewer's hands. Each opening is written down."""
    viewer = viewer_of(request)
    submission = found(
        submission_for_review(session, submission_id, viewer.person_id, kinds_for(viewer.staff_roles))
    )
    if (
        submission.subject_kind != "case"
        or submission.status not in OPEN
        or submission.reviewer_id not in (None, viewer.person_id)
    ):
        raise NotFound
    _, file = found(queries.evidence_in(session, evidence_id, submission.subject_id))
    return send_file(session, file, Purpose.REVIEW, by=viewer.person_id)


routers = [
    Router(
        "/",
        route_handlers=[
            cases,
            new_case,
            make_case,
            case,
            edit_form,
            save,
            add_evidence,
            remove_evidence,
            open_evidence,
            send,
            recall,
            submit,
            retract,
        ],
        guards=[provider_member],
    ),
    Router("/", route_handlers=[client, answer, casebook, public_case], guards=[public]),
    Router("/", route_handlers=[evidence_for_review], guards=[staff]),
]
