"""Owners claim and prove domains; whoever gets the mailed link says yes."""

from litestar import Request, Response, Router
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from portal import clock
from portal.accounts.actions import digest
from portal.accounts.models import Person
from portal.domains import actions, queries
from portal.domains.forms import ClaimDomain
from portal.domains.models import OrganisationDomain
from portal.domains.rules import MAILBOXES, RECORD, TEXT_PREFIX, Method, own_domain
from portal.i18n import gettext
from portal.limits.actions import TOO_MANY, count_attempt
from portal.organisations.models import Organisation
from portal.refusal import Refused, mark
from portal.web.forms import Form, check
from portal.web.html import found, get, go, html, post
from portal.web.viewer import in_organisation, public, viewer_of

USED = mark("This link has been used or has run out. Ask for a new one; nothing is lost.")


def _page(
    request: Request, session: Session, form: Form, errors: dict[str, str], status: int = 200
) -> Response[str]:
    viewer = viewer_of(request)
    acting = found(viewer.organisation)
    own = own_domain(viewer.email)
    return html(
        request,
        "domains/page.html",
        status=status,
        form=form,
        errors=errors,
        domains=queries.domains_of(session, acting.id),
        own=viewer.email if viewer.may("verify") and own else "",
        mailboxes=MAILBOXES,
        record=RECORD,
        prefix=TEXT_PREFIX,
        organisation=session.get_one(Organisation, acting.id),
    )


@get("/my/domains")
def domains(request: Request, session: Session) -> Response[str]:
    return _page(request, session, Form.of({"way": Method.DNS.value}), {})


def _may_try(session: Session, organisation_id: int) -> bool:
    return count_attempt(session, f"domain:{organisation_id}", most=20, seconds=3600, now=clock.now())


@post("/my/domains", right="verify")
def claim(request: Request, session: Session, form: Form) -> Response:
    viewer = viewer_of(request)
    acting = found(viewer.organisation)
    entry, errors = check(ClaimDomain, form)
    if entry is None or errors:
        return _page(request, session, form, errors, 422)
    if not _may_try(session, acting.id):
        return _page(request, session, form, {"domain": gettext(TOO_MANY)}, 422)
    mailbox = (
        ""
        if entry.way == Method.DNS
        else viewer.email
        if entry.way == "own"
        else f"{entry.way}@{entry.domain}"
    )
    try:
        with session.begin_nested():
            actions.claim_domain(
                session,
                session.get_one(Organisation, acting.id, with_for_update=True),
                entry.domain,
                Method.MAIL if mailbox else Method.DNS,
                mailbox,
                by=session.get_one(Person, viewer.person_id),
                now=clock.now(),
            )
    except Refused as refused:
        field = "way" if refused.message == actions.NO_MAILBOX else "domain"
        return _page(request, session, form, {field: gettext(refused.message)}, refused.status)
    if mailbox:
        return go("/my/domains", mark("A link went to %(mailbox)s; it holds for two days."), mailbox=mailbox)
    return go("/my/domains", mark("Now add the record below to the domain; the portal looks by itself."))


def _own(request: Request, session: Session, domain_id: int) -> OrganisationDomain:
    viewer = viewer_of(request)
    acting = found(viewer.organisation)
    return found(queries.domain_in(session, domain_id, acting.id))


@post("/my/domains/{domain_id:int}/check", right="verify")
def check_now(request: Request, session: Session, domain_id: int) -> Response:
    row = _own(request, session, domain_id)
    if not _may_try(session, row.organisation_id):
        raise Refused(TOO_MANY)
    actions.check_now(session, row, now=clock.now())
    return go("/my/domains", mark("The DNS is being asked; look again in a moment."))


@post("/my/domains/{domain_id:int}/give-up", right="verify")
def give_up(request: Request, session: Session, domain_id: int) -> Response:
    row = _own(request, session, domain_id)
    actions.give_up(session, row, by=viewer_of(request).person_id, now=clock.now())
    return go("/my/domains", mark("Given up."))


@get("/domains/{token:str}")
def link(request: Request, session: Session, token: str) -> Response[str]:
    """Where the mailed link leads; nothing happens until somebody says yes."""
    row = queries.domain_by_link(session, digest(token), clock.now())
    return html(
        request,
        "domains/link.html",
        status=200 if row else 410,
        domain=row and row.domain,
        organisation=row and session.get_one(Organisation, row.organisation_id),
        token=token,
    )


@post("/domains/{token:str}")
def prove(request: Request, session: Session, token: str) -> Response:
    row = queries.domain_by_link(session, digest(token), clock.now(), lock=True)
    if row is None:
        raise Refused(USED, status=410)
    try:
        with session.begin_nested():  # two organisations may prove the same domain in the same second
            actions.prove_by_link(session, row, now=clock.now())
            session.flush()
    except IntegrityError:
        raise Refused(actions.TAKEN) from None
    return html(
        request,
        "domains/link.html",
        domain=row.domain,
        organisation=session.get_one(Organisation, row.organisation_id),
        token=None,
    )


routers = [
    Router("/", route_handlers=[domains, claim, check_now, give_up], guards=[in_organisation]),
    Router("/", route_handlers=[link, prove], guards=[public]),
]
