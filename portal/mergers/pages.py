"""Propose a merger, read what it would move, say yes or no; staff merge a proven duplicate."""

from litestar import Request, Response, Router
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from portal import clock
from portal.i18n import gettext
from portal.mergers import actions, queries
from portal.mergers.forms import Propose, StaffMerge
from portal.mergers.rules import STATUS_NAMES, MergerStatus, blocks, digest_of, why_not_merge
from portal.organisations.models import Organisation
from portal.organisations.pages import with_new_rights
from portal.organisations.queries import organisation_by_code, worked_for
from portal.refusal import NotFound, Refused, mark
from portal.web.forms import Form, check, plain
from portal.web.html import found, get, go, html, post
from portal.web.viewer import in_organisation, staff, viewer_of


def _page(
    request: Request, session: Session, form: Form, errors: dict[str, str], status: int = 200
) -> Response[str]:
    acting = found(viewer_of(request).organisation)
    return html(
        request,
        "mergers/page.html",
        status=status,
        organisation=session.get_one(Organisation, acting.id),
        mergers=queries.mergers_of(session, acting.id),
        status_names=STATUS_NAMES,
        form=form,
        errors=errors,
    )


@get("/my/merge", right="unite")
def mergers(request: Request, session: Session) -> Response[str]:
    return _page(request, session, Form(), {})


@post("/my/merge", right="unite")
def propose(request: Request, session: Session, form: Form) -> Response:
    viewer = viewer_of(request)
    entry, errors = check(Propose, form)
    if entry:
        into = session.get_one(Organisation, found(viewer.organisation).id, with_for_update=True)
        try:
            with session.begin_nested():
                actions.propose(
                    session, into, entry.other_code, entry.reason, by=viewer.person_id, now=clock.now()
                )
        except IntegrityError:  # the same click twice, at the same moment
            errors = {
                "other_code": gettext(mark("A merger of this organisation waits for an answer already."))
            }
        except Refused as refused:
            if refused.status != 422:
                raise
            errors = {"other_code": gettext(refused.message)}
    if errors:
        return _page(request, session, form, errors, 422)
    return go("/my/merge", mark("Proposed. An owner of the other side reads what would move, and decides."))


@get("/my/merge/{merger_id:int}", right="see")
def merger(request: Request, session: Session, merger_id: int) -> Response[str]:
    """Whoever goes reads what would move; the other side reads that it waits."""
    viewer = viewer_of(request)
    acting = found(viewer.organisation)
    seen = found(queries.merger_seen(session, merger_id, acting.id))
    goes = acting.id == seen.merger.from_id
    waits = seen.merger.status is MergerStatus.PROPOSED
    lines = (
        queries.preview(session, seen.merger.from_id, seen.merger.into_id)
        if goes and waits and viewer.may("unite")
        else []
    )
    return html(
        request,
        "mergers/merger.html",
        seen=seen,
        goes=goes,
        waits=waits,
        over=seen.merger.expires_at <= clock.now(),
        lines=lines,
        blocked=blocks(lines),
        digest=digest_of(lines),
        status_names=STATUS_NAMES,
    )


@post("/my/merge/{merger_id:int}", right="unite")
def answer(request: Request, session: Session, form: Form, merger_id: int) -> Response:
    viewer = viewer_of(request)
    acting = found(viewer.organisation)
    seen = found(queries.merger_seen(session, merger_id, acting.id))
    goes, move = acting.id == seen.merger.from_id, form["move"]
    if move not in (("confirm", "decline") if goes else ("withdraw",)):
        raise NotFound
    actions.answer(session, merger_id, move, seen=form["seen"], by=viewer.person_id, now=clock.now())
    if move == "confirm":
        done = go(
            "/my", mark("Merged. Everything that moves is here now; the record says what came from where.")
        )
        return with_new_rights(session, viewer, done)
    return go("/my/merge", mark("Done; the other side can read it too."))


def _staff_page(
    request: Request,
    session: Session,
    organisation_id: int,
    form: Form,
    errors: dict[str, str],
    status: int = 200,
) -> Response[str]:
    gone = found(session.get(Organisation, organisation_id))
    asked = plain(form["into"] or request.query_params.get("into", "")).strip().upper()[:40]
    into = organisation_by_code(session, asked) if asked else None
    why = ""
    if asked and into is None:
        why = gettext(actions.NOT_REGISTERED)
    elif into:
        reason = why_not_merge(gone.kind, into.kind, gone.trust, into.trust, same=gone.id == into.id)
        why = gettext(reason) if reason else ""
    lines = queries.preview(session, organisation_id, into.id or 0) if into and not why else []
    return html(
        request,
        "mergers/staff.html",
        status=status,
        gone=gone,
        into=into if not why else None,
        asked=asked,
        why=why,
        lines=lines,
        blocked=blocks(lines),
        digest=digest_of(lines),
        form=form,
        errors=errors,
    )


@get("/staff/organisations/{organisation_id:int}/merge", right="staff_merge")
def staff_form(request: Request, session: Session, organisation_id: int) -> Response[str]:
    return _staff_page(request, session, organisation_id, Form(), {})


@post("/staff/organisations/{organisation_id:int}/merge", right="staff_merge")
def staff_merge(request: Request, session: Session, form: Form, organisation_id: int) -> Response:
    viewer = viewer_of(request)
    found(session.get(Organisation, organisation_id))
    into = organisation_by_code(session, form["into"].strip().upper()[:40])
    entry, errors = check(StaffMerge, form)
    if entry is None or into is None:
        return _staff_page(request, session, organisation_id, form, errors, 422)
    if any(worked_for(session, viewer.person_id, i) for i in (organisation_id, into.id or 0)):
        raise NotFound  # nobody decides about an organisation they work or worked for
    actions.merge_by_staff(
        session,
        organisation_id,
        into.id or 0,
        entry.reason,
        seen=entry.seen,
        by=viewer.person_id,
        now=clock.now(),
    )
    return go(f"/staff/organisations/{into.id}", mark("Merged. The record of both says what moved."))


routers = [
    Router("/", route_handlers=[mergers, propose, merger, answer], guards=[in_organisation]),
    Router("/", route_handlers=[staff_form, staff_merge], guards=[staff]),
]
