"""The owner hands in the licence and sees each verdict; reviewers see the file."""

from litestar import Request, Response, Router
from sqlmodel import Session

from portal import clock
from portal.domains.queries import proved_domains
from portal.files.pages import send_file
from portal.files.queries import openings
from portal.files.rules import Kind, Purpose, accept
from portal.history.queries import timeline
from portal.i18n import gettext
from portal.organisations.models import Organisation
from portal.refusal import NotFound, Refused, mark
from portal.review.kinds import kinds_for
from portal.review.queries import submission_for_review
from portal.verification import actions, queries
from portal.verification.forms import AnswerAsked, HandIn
from portal.verification.rules import ITEMS, NAMES, RUNNING, sentence
from portal.web.forms import Form, check
from portal.web.html import found, get, go, html, post
from portal.web.limits import UPLOAD_BYTES
from portal.web.viewer import in_organisation, staff, viewer_of

HANDED_IN = mark("Handed in. You will see each verdict here; the clock says by when.")
TOO_LONG = mark("Please keep this within %(max_length)s characters.")
LONGEST_ANSWER = 2000


def _page(
    request: Request, session: Session, form: Form, errors: dict[str, str], status: int = 200
) -> Response[str]:
    acting = found(viewer_of(request).organisation)
    standing = queries.verification_of(session, acting.id)
    return html(
        request,
        "verification/page.html",
        status=status,
        form=form,
        errors=errors,
        standing=standing,
        openings=openings(session, [standing.licence.id or 0]) if standing.licence else [],
        items=ITEMS,
        names=NAMES,
        sentence=sentence,
        running=RUNNING,
        domains=proved_domains(session, acting.id),
        organisation=session.get_one(Organisation, acting.id),
        timeline=timeline(session, "verification", standing.verification.id or 0)
        if standing.verification
        else [],
    )


@get("/my/verification")
def verification(request: Request, session: Session) -> Response[str]:
    acting = found(viewer_of(request).organisation)
    stored = queries.verification_of(session, acting.id).verification
    return _page(request, session, Form.of({"representative": stored.representative if stored else ""}), {})


@post("/my/verification", request_max_body_size=UPLOAD_BYTES, right="verify")
def hand_in(request: Request, session: Session, form: Form) -> Response:
    viewer = viewer_of(request)
    acting = found(viewer.organisation)
    entry, errors = check(HandIn, form)
    upload = form.file("licence")
    if upload is None:
        errors["licence"] = gettext(mark("Please choose the business licence: a PDF, JPEG or PNG."))
    if entry is None or upload is None:
        return _page(request, session, form, errors, 422)
    try:
        with session.begin_nested():
            actions.hand_in(
                session,
                session.get_one(Organisation, acting.id, with_for_update=True),
                file_name=upload.filename,
                content=upload.file.read(),
                representative=entry.representative,
                note=entry.note,
                by=viewer.person_id,
                now=clock.now(),
            )
    except Refused as refused:
        if refused.status == 409:
            raise
        return _page(request, session, form, {"licence": gettext(refused.message)}, refused.status)
    return go("/my/verification", HANDED_IN)


@post("/my/verification/answers", request_max_body_size=UPLOAD_BYTES, right="verify")
def answer(request: Request, session: Session, form: Form) -> Response:
    """Item by item: words, a new file, or both."""
    viewer = viewer_of(request)
    acting = found(viewer.organisation)
    organisation = session.get_one(Organisation, acting.id, with_for_update=True)
    entry, errors = check(AnswerAsked, form)
    given: dict[str, actions.Given] = {}
    for finding in queries.verification_of(session, acting.id).asked:
        item, upload = finding.item, form.file(f"file_{finding.item}")
        text = form[f"answer_{item}"].strip()
        if len(text) > LONGEST_ANSWER:
            errors[f"answer_{item}"] = gettext(TOO_LONG, max_length=LONGEST_ANSWER)
        elif not text and upload is None:
            errors[f"answer_{item}"] = gettext(actions.ANSWER_ITEMS)
        given[item] = (
            actions.Given(text, upload.filename, upload.file.read()) if upload else actions.Given(text)
        )
        if upload:
            try:
                accept(upload.filename, given[item].content or b"", Kind.LICENCE)
            except Refused as refused:
                errors[f"file_{item}"] = gettext(refused.message)
    if entry is None or errors:
        return _page(request, session, form, errors, 422)
    actions.answer(
        session,
        organisation,
        given,
        representative=entry.representative,
        by=viewer.person_id,
        now=clock.now(),
    )
    return go("/my/verification", HANDED_IN)


@get("/my/verification/files/{answer_id:int}", opt={"writes": True})
def own_file(request: Request, session: Session, answer_id: int) -> Response[bytes]:
    viewer = viewer_of(request)
    acting = found(viewer.organisation if viewer.is_owner else None)
    row = found(queries.verification_of(session, acting.id).verification)
    file = found(queries.file_of_answer(session, answer_id, row.id or 0))
    return send_file(session, file, Purpose.OWN, by=viewer.person_id)


@get("/my/verification/licence", opt={"writes": True})
def own_licence(request: Request, session: Session) -> Response[bytes]:
    viewer = viewer_of(request)
    acting = found(viewer.organisation if viewer.is_owner else None)
    licence = found(queries.verification_of(session, acting.id).licence)
    return send_file(session, licence, Purpose.OWN, by=viewer.person_id)


def _verification_on_desk(request: Request, session: Session, submission_id: int) -> int:
    viewer = viewer_of(request)
    submission = found(
        submission_for_review(session, submission_id, viewer.person_id, kinds_for(viewer.staff_roles))
    )
    if submission.subject_kind != "verification":
        raise NotFound
    return submission.subject_id


@get("/staff/review/{submission_id:int}/licence", opt={"writes": True})
def licence_for_review(request: Request, session: Session, submission_id: int) -> Response[bytes]:
    subject_id = _verification_on_desk(request, session, submission_id)
    licence = actions.for_review(session, subject_id)["licence"]
    return send_file(session, licence, Purpose.REVIEW, by=viewer_of(request).person_id)


@get("/staff/review/{submission_id:int}/files/{answer_id:int}", opt={"writes": True})
def file_for_review(
    request: Request, session: Session, submission_id: int, answer_id: int
) -> Response[bytes]:
    subject_id = _verification_on_desk(request, session, submission_id)
    file = found(queries.file_of_answer(session, answer_id, subject_id))
    return send_file(session, file, Purpose.REVIEW, by=viewer_of(request).person_id)


routers = [
    Router(
        "/", route_handlers=[verification, hand_in, answer, own_licence, own_file], guards=[in_organisation]
    ),
    Router("/", route_handlers=[licence_for_review, file_for_review], guards=[staff]),
]
