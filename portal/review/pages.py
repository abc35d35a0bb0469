"""The desk: a queue ordered by whose clock runs out first, one item at a time, the next opens after a decision."""

from litestar import Request, Response, Router
from sqlmodel import Session

from portal import clock
from portal.history.queries import timeline
from portal.refusal import Refused, mark
from portal.review import actions, queries
from portal.review.kinds import KINDS, kinds_for
from portal.review.models import Submission
from portal.review.rules import OPEN, Verdict, may_ask
from portal.web.forms import STALE, Form, whole
from portal.web.html import found, get, go, html, post
from portal.web.viewer import Viewer, staff, viewer_of


def _page(
    request: Request,
    session: Session,
    submission: Submission,
    *,
    form: Form | None = None,
    error: str | None = None,
    status: int = 200,
) -> Response[str]:
    viewer = viewer_of(request)
    kind = KINDS[submission.subject_kind]
    findings = queries.findings_of(session, submission.id or 0)
    current = {f.item: f for f in findings if f.round == submission.round}
    earlier = {f.item: f for f in findings if f.round < submission.round}
    return html(
        request,
        "review/item.html",
        status=status,
        submission=submission,
        kind=kind,
        current=current,
        earlier=earlier,
        form=form,
        error=error,
        verdicts=list(Verdict),
        queue=queries.review_queue(session, viewer.person_id, kinds_for(viewer.staff_roles)),
        kinds=KINDS,
        may_ask=may_ask(submission.round, actions.supplement_rounds(session, clock.now())),
        timeline=timeline(session, submission.subject_kind, submission.subject_id),
        **kind.context(session, submission.subject_id),
    )


@get("/staff/review", right="staff_review")
def review_queue(request: Request, session: Session) -> Response[str]:
    viewer = viewer_of(request)
    kinds = kinds_for(viewer.staff_roles)
    chosen = request.query_params.get("kind")
    rows = queries.review_queue(session, viewer.person_id, [chosen] if chosen in kinds else kinds)
    return html(
        request,
        "review/queue.html",
        queue=rows,
        kinds=KINDS,
        mine=kinds,
        chosen=chosen,
        counts=queries.queue_counts(session, viewer.person_id),
    )


@get("/staff/review/{submission_id:int}", right="staff_review")
def review_item(request: Request, session: Session, submission_id: int) -> Response[str]:
    viewer = viewer_of(request)
    return _page(
        request,
        session,
        found(
            queries.submission_for_review(
                session, submission_id, viewer.person_id, kinds_for(viewer.staff_roles)
            )
        ),
    )


@post("/staff/review/{submission_id:int}", right="staff_review")
def decide(request: Request, session: Session, form: Form, submission_id: int) -> Response:
    viewer = viewer_of(request)
    kinds = kinds_for(viewer.staff_roles)
    submission = found(
        queries.submission_for_review(session, submission_id, viewer.person_id, kinds, lock=True)
    )
    verdicts = {
        item.key: (
            form[f"verdict_{item.key}"] if form[f"verdict_{item.key}"] in set(Verdict) else "",
            form[f"reason_{item.key}"][:2000],
        )
        for item in KINDS[submission.subject_kind].items
    }
    decision = form["decision"]
    try:
        if not whole(form["revision"]) or decision not in ("approve", "ask", "reject"):
            raise Refused(mark("Please choose what to do with this submission."), status=422)
        with session.begin_nested():
            actions.decide(
                session,
                submission,
                decision,
                verdicts,
                form["reason"].strip()[:2000],
                revision=whole(form["revision"]),
                typed={name: form[name] for name in KINDS[submission.subject_kind].fields},
                by=viewer.person_id,
                now=clock.now(),
            )
    except Refused as refused:
        if refused.message == actions.REVISION and submission.status in OPEN:
            return _page(request, session, submission, form=form, error=STALE, status=409)
        if refused.status != 422:
            raise
        return _page(request, session, submission, form=form, error=refused.message, status=422)
    return _next(session, viewer, kinds)


def _next(session: Session, viewer: Viewer, kinds: list[str]) -> Response:
    rest = queries.review_queue(session, viewer.person_id, kinds, limit=1)
    if rest:
        return go(f"/staff/review/{rest[0].id}", mark("Decided. Here is the next one."))
    return go("/staff/review", mark("Decided. The queue is empty."))


router = Router("/", route_handlers=[review_queue, review_item, decide], guards=[staff])
