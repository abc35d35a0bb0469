"""Three questionnaires with their results, and the evidence for each dimension."""

from litestar import Request, Response, Router
from sqlmodel import Session

from portal import clock
from portal.files.pages import send_file
from portal.files.rules import Purpose
from portal.history.queries import timeline
from portal.i18n import gettext
from portal.refusal import NotFound, Refused, mark
from portal.review.kinds import kinds_for
from portal.review.queries import findings_of, latest_submission, submission_for_review
from portal.review.rules import OPEN
from portal.web.forms import Form
from portal.web.html import found, get, go, html, post
from portal.web.limits import UPLOAD_BYTES
from portal.web.viewer import in_organisation, staff, viewer_of
from training.maturity import actions, queries
from training.maturity.home import HEIGHT, WIDTH, line, picture
from training.maturity.kind import MATURITY
from training.maturity.models import MaturityEvidence, MaturityProof
from training.maturity.quarters import quarter_of
from training.maturity.questions import MOST, NAMES, OPEN_TO, Dimension, Instrument, dimension_of, dimensions
from training.maturity.questions import names as field_names
from training.maturity.rules import EDITABLE, SUBJECT


def _instrument(request: Request, key: str) -> Instrument:
    """One that is open to this kind of organisation."""
    acting = found(viewer_of(request).organisation)
    return found(next((i for i in OPEN_TO.get(acting.kind, ()) if i == key), None))


def _page(
    request: Request,
    session: Session,
    instrument: Instrument,
    form: Form,
    errors: dict[str, str],
    status: int = 200,
) -> Response[str]:
    viewer = viewer_of(request)
    acting = found(viewer.organisation)
    now = clock.now()
    seen = picture(session, acting.id, instrument, viewer.programme, now)
    every = {i: {d.key: d.name for d in dimensions(i)} for i in OPEN_TO[acting.kind]}
    return html(
        request,
        "maturity/page.html",
        status=status,
        form=form,
        errors=errors,
        instrument=instrument,
        instruments={i: NAMES[i] for i in every},
        dimensions=dimensions(instrument),
        names=every[instrument],
        onlines=every[Instrument.SEVEN],
        lifts={k: v["lifts"] for k, v in viewer.programme.maturity["five_rises"].items()}
        if instrument is Instrument.RISES
        else {},
        items={item.name: item for d in dimensions(instrument) for item in d.items},
        seen=seen,
        quarter=quarter_of(now),
        over_claim=viewer.programme.maturity["over_claim"],
        drawing={
            "width": WIDTH,
            "height": HEIGHT,
            "claimed": line([p.claimed for p in seen.history]),
            "verified": line([p.verified for p in seen.history]),
        },
        asking=bool(errors) or not seen.taken or request.query_params.get("again") == "yes",
        address="/my/self-test" if instrument is Instrument.SEVEN else f"/my/self-test/{instrument}",
    )


def _take(request: Request, session: Session, instrument: Instrument, form: Form) -> Response:
    viewer = viewer_of(request)
    acting = found(viewer.organisation)
    allowed = {str(n) for n in range(MOST + 1)}
    open_items = [name for name in field_names(instrument) if form[name] not in allowed]
    if open_items:
        sentence = gettext(mark("Please choose an answer."))
        return _page(request, session, instrument, form, dict.fromkeys(open_items, sentence), 422)
    actions.assess(
        session,
        acting.id,
        {name: int(form[name]) for name in field_names(instrument)},
        instrument=instrument,
        by=viewer.person_id,
        now=clock.now(),
    )
    return go(
        "/my/self-test" if instrument is Instrument.SEVEN else f"/my/self-test/{instrument}",
        mark("Kept. Take it again in three months: the difference is what training was worth."),
    )


@get("/my/self-test", right="self_assess")
def self_test(request: Request, session: Session) -> Response[str]:
    return _page(request, session, Instrument.SEVEN, Form(), {})


@post("/my/self-test", right="self_assess")
def take(request: Request, session: Session, form: Form) -> Response:
    return _take(request, session, Instrument.SEVEN, form)


@get("/my/self-test/{instrument:str}", right="self_assess")
def other_test(request: Request, session: Session, instrument: str) -> Response[str]:
    return _page(request, session, _instrument(request, instrument), Form(), {})


@post("/my/self-test/{instrument:str}", right="self_assess")
def take_other(request: Request, session: Session, form: Form, instrument: str) -> Response:
    return _take(request, session, _instrument(request, instrument), form)


# ——— Evidence ———


def _dimension(request: Request, instrument: str, key: str) -> tuple[Instrument, Dimension]:
    which = _instrument(request, instrument)
    return which, found(dimension_of(which, key))


def _evidence_page(
    request: Request,
    session: Session,
    instrument: Instrument,
    dimension: Dimension,
    form: Form,
    errors: dict[str, str],
    status: int = 200,
) -> Response[str]:
    viewer = viewer_of(request)
    acting = found(viewer.organisation)
    seen = picture(session, acting.id, instrument, viewer.programme, clock.now())
    proof = seen.proofs.get(dimension.key)
    submission = latest_submission(session, SUBJECT, proof.id or 0) if proof else None
    pieces: dict[str, list[queries.Piece]] = {}
    for piece in queries.pieces_of(session, proof.id or 0) if proof else []:
        pieces.setdefault(piece.item, []).append(piece)
    return html(
        request,
        "maturity/evidence.html",
        status=status,
        form=form,
        errors=errors,
        instrument=instrument,
        dimension=dimension,
        seen=seen,
        proof=proof,
        pieces=pieces,
        editable=viewer.may("prove") and (proof is None or proof.status in EDITABLE),
        new_round=proof is not None and proof.decided_at is not None,
        submission=submission,
        questions=MATURITY.items,
        findings={f.item: f for f in findings_of(session, submission.id or 0)} if submission else {},
        openings=queries.openings_of(session, proof.id or 0) if proof else [],
        timeline=timeline(session, SUBJECT, proof.id or 0) if proof else [],
        quarters=viewer.programme.maturity["valid_quarters"],
        address="/my/self-test" if instrument is Instrument.SEVEN else f"/my/self-test/{instrument}",
    )


@get("/my/maturity/{instrument:str}/{dimension:str}", right="self_assess")
def evidence(request: Request, session: Session, instrument: str, dimension: str) -> Response[str]:
    return _evidence_page(request, session, *_dimension(request, instrument, dimension), Form(), {})


@post("/my/maturity/{instrument:str}/{dimension:str}", request_max_body_size=UPLOAD_BYTES, right="prove")
def add(request: Request, session: Session, form: Form, instrument: str, dimension: str) -> Response:
    which, wanted = _dimension(request, instrument, dimension)
    viewer = viewer_of(request)
    upload, note = form.file("file"), form["note"].strip()
    errors = {}
    if form["item"] not in {item.name for item in wanted.items}:
        errors["item"] = gettext(mark("Please choose one of the options."))
    if upload is None and not note:
        errors["note"] = gettext(mark("Please add a file, a sentence or both."))
    if len(note) > 500:
        errors["note"] = gettext(mark("Please keep this within %(max_length)s characters."), max_length=500)
    if not errors:
        try:
            with session.begin_nested():
                actions.add_evidence(
                    session,
                    found(viewer.organisation).id,
                    which,
                    wanted.key,
                    form["item"],
                    note=note,
                    file=(upload.filename, upload.file.read()) if upload else None,
                    by=viewer.person_id,
                    now=clock.now(),
                )
        except Refused as refused:
            if refused.status == 409:
                raise
            errors["file"] = gettext(refused.message)
    if errors:
        return _evidence_page(request, session, which, wanted, form, errors, 422)
    return go(
        f"/my/maturity/{which}/{wanted.key}",
        mark("Added. Only your organisation and the reviewers can open it; each opening is written down."),
    )


@post("/my/maturity/{instrument:str}/{dimension:str}/send", right="prove")
def send(request: Request, session: Session, instrument: str, dimension: str) -> Response:
    which, wanted = _dimension(request, instrument, dimension)
    viewer = viewer_of(request)
    proof = found(queries.open_proof(session, found(viewer.organisation).id, which, wanted.key, lock=True))
    try:
        with session.begin_nested():
            actions.hand_in(session, proof, by=viewer.person_id, now=clock.now())
    except Refused as refused:
        if refused.status != 422:
            raise
        return _evidence_page(
            request, session, which, wanted, Form(), {"form": gettext(refused.message)}, 422
        )
    return go(f"/my/maturity/{which}/{wanted.key}", mark("Handed in. You will see each verdict here."))


@post("/my/maturity/{instrument:str}/{dimension:str}/withdraw", right="prove")
def withdraw(request: Request, session: Session, instrument: str, dimension: str) -> Response:
    which, wanted = _dimension(request, instrument, dimension)
    viewer = viewer_of(request)
    proof = found(queries.open_proof(session, found(viewer.organisation).id, which, wanted.key, lock=True))
    actions.take_back(session, proof, by=viewer.person_id, now=clock.now())
    return go(f"/my/maturity/{which}/{wanted.key}", mark("Taken back. What was accepted earlier stands."))


def _piece(request: Request, session: Session, piece_id: int) -> tuple[MaturityEvidence, MaturityProof]:
    return found(queries.piece_in(session, piece_id, found(viewer_of(request).organisation).id))


@get("/my/maturity/pieces/{piece_id:int}", opt={"writes": True}, right="self_assess")
def open_piece(request: Request, session: Session, piece_id: int) -> Response[bytes]:
    _, proof = _piece(request, session, piece_id)
    file = found(queries.file_in(session, piece_id, proof.id or 0))
    return send_file(session, file, Purpose.OWN, by=viewer_of(request).person_id)


@post("/my/maturity/pieces/{piece_id:int}/remove", right="prove")
def remove(request: Request, session: Session, piece_id: int) -> Response:
    piece, proof = _piece(request, session, piece_id)
    actions.remove_evidence(session, proof, piece, by=viewer_of(request).person_id, now=clock.now())
    return go(f"/my/maturity/{proof.instrument}/{proof.dimension}", mark("Removed."))


@get("/staff/review/{submission_id:int}/maturity/{piece_id:int}", opt={"writes": True}, right="staff_review")
def piece_for_review(
    request: Request, session: Session, submission_id: int, piece_id: int
) -> Response[bytes]:
    """While it is theirs to decide and not in another reviewer's hands. Each opening is written down."""
    viewer = viewer_of(request)
    submission = found(
        submission_for_review(session, submission_id, viewer.person_id, kinds_for(viewer.staff_roles))
    )
    if (
        submission.subject_kind != SUBJECT
        or submission.status not in OPEN
        or submission.reviewer_id not in (None, viewer.person_id)
    ):
        raise NotFound
    file = found(queries.file_in(session, piece_id, submission.subject_id))
    return send_file(session, file, Purpose.REVIEW, by=viewer.person_id)


routers = [
    Router(
        "/",
        route_handlers=[
            self_test,
            take,
            other_test,
            take_other,
            evidence,
            add,
            send,
            withdraw,
            open_piece,
            remove,
        ],
        guards=[in_organisation],
    ),
    Router("/", route_handlers=[piece_for_review], guards=[staff]),
]
