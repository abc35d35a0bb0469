"""Sign in through another provider. The provider is asked between transactions, never within one."""

import hmac
import logging
import secrets

from litestar import Request, Response, Router
from litestar.response import Redirect
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from portal import clock
from portal.accounts.actions import begin_ceremony, begin_login, digest, take_ceremony
from portal.accounts.cookies import (
    browser_of,
    ceremony_token,
    enter,
    proof_token,
    with_ceremony,
    with_proof,
)
from portal.accounts.models import Person
from portal.accounts.rules import CeremonyKind
from portal.accounts.security_pages import require_fresh
from portal.db import transaction
from portal.i18n import language
from portal.identities import actions, queries
from portal.identities.provider import ProviderTrouble, Vouched, authorization_address, vouched_for
from portal.limits.actions import count_attempt
from portal.refusal import NotFound, Refused, mark
from portal.settings import settings
from portal.web.html import found, get, go, html, local_path, post
from portal.web.limits import attempts_left, peer
from portal.web.viewer import Viewer, public, signed_in, viewer_of

log = logging.getLogger("yuqiao")


def _begin(request: Request, after: str, link_to: int | None = None) -> Response:
    if not settings().oidc_issuer:
        raise NotFound
    if not attempts_left(request, f"outside:{peer(request)}", most=60, seconds=600):
        raise Refused(mark("Too many attempts. Please wait ten minutes."), status=409)
    secret = {name: secrets.token_urlsafe(48) for name in ("state", "nonce", "verifier")}
    try:
        address = authorization_address(**secret)
    except ProviderTrouble as trouble:
        raise _trouble(trouble) from trouble
    with transaction(request.app.state.sessions) as session:
        token = begin_ceremony(
            session, CeremonyKind.OUTSIDE, {**secret, "next": after, "person": link_to}, now=clock.now()
        )
    return with_ceremony(Redirect(address, status_code=303), token)


def _trouble(trouble: ProviderTrouble) -> Refused:
    log.warning("sign-in provider: %s", trouble)
    return Refused(
        mark("%(provider)s did not answer as it should. Try again in a moment, or sign in another way."),
        status=502,
        provider=settings().oidc_name,
    )


@get("/sign-in/outside")
def begin(request: Request) -> Response:
    """A link, not a form: a form must not lead to another site."""
    after = local_path(request.query_params.get("next"), "/my")
    if isinstance(request.scope.get("user"), Viewer):
        return go(after)
    return _begin(request, after)


@get("/my/account/outside")
def begin_linking(request: Request) -> Response:
    require_fresh(request)
    return _begin(request, "/my/account", viewer_of(request).person_id)


def _finished(request: Request) -> tuple[dict, Vouched]:
    """What was begun in this browser, and what the provider says; a state is good once."""
    if not settings().oidc_issuer:
        raise NotFound
    asked = request.query_params
    with transaction(request.app.state.sessions) as session:
        begun = take_ceremony(session, CeremonyKind.OUTSIDE, ceremony_token(request), now=clock.now())
    if begun is None or not hmac.compare_digest(begun["state"].encode(), asked.get("state", "").encode()):
        raise Refused(
            mark(
                "This sign-in was not begun in this browser, or it has been used or has run out. Begin again."
            )
        )
    if asked.get("error") or not asked.get("code"):
        raise Refused(mark("You were not signed in there. Begin again, or sign in another way."))
    if asked.get("iss") not in (None, settings().oidc_issuer):
        raise _trouble(ProviderTrouble("the answer comes from another issuer"))
    try:
        return begun, vouched_for(
            asked["code"], nonce=begun["nonce"], verifier=begun["verifier"], now=clock.now()
        )
    except ProviderTrouble as trouble:
        raise _trouble(trouble) from trouble


@get("/sign-in/outside/return")
def come_back(request: Request) -> Response:
    begun, vouched = _finished(request)
    now, viewer = clock.now(), request.scope.get("user")
    if begun["person"] is not None:
        if not isinstance(viewer, Viewer) or viewer.person_id != begun["person"]:
            raise Refused(
                mark(
                    "This sign-in was not begun in this browser, or it has been used or has run out. Begin again."
                )
            )
        with transaction(request.app.state.sessions) as session:
            person = session.get_one(Person, viewer.person_id)
            actions.link_identity(session, person, vouched, now=now)
        return go("/my/account", mark("Connected. You can sign in with it from now on."))
    login = None
    with transaction(request.app.state.sessions) as session:
        try:
            with session.begin_nested():  # the same person may arrive twice in the same moment
                found_person = actions.person_vouched_for(session, vouched, language=language(), now=now)
        except IntegrityError:
            found_person = actions.person_vouched_for(session, vouched, language=language(), now=now)
        browser_token = secrets.token_urlsafe(32)
        if found_person:
            login = begin_login(session, found_person, browser=browser_of(request), now=now)
        elif count_attempt(session, f"identity-mail:{vouched.email}", most=5, seconds=3600, now=now):
            actions.ask_mailbox(session, vouched, language=language(), browser_token=browser_token, now=now)
    if login:
        return enter(login, begun["next"])
    return with_proof(
        html(request, "accounts/prove_mailbox.html", email=vouched.email, provider=settings().oidc_name),
        browser_token,
    )


@get("/sign-in/outside/proof/{token:str}")
def proof_form(request: Request, session: Session, token: str) -> Response[str]:
    """A button, because programmes that read mail follow links."""
    proof = queries.usable_proof(session, digest(token), digest(proof_token(request)), clock.now())
    return html(
        request,
        "accounts/proof.html",
        status=200 if proof else 410,
        proof=proof,
        token=token,
        provider=settings().oidc_name,
    )


@post("/sign-in/outside/proof/{token:str}")
def proof(request: Request, session: Session, token: str) -> Response:
    now = clock.now()
    person = actions.prove_mailbox(session, token, proof_token(request), language=language(), now=now)
    login = begin_login(session, person, browser=browser_of(request), now=now)
    return enter(login, "/my", mark("Connected. You can sign in with it from now on."))


@post("/my/account/identities/{identity_id:int}/remove")
def remove(request: Request, session: Session, identity_id: int) -> Response:
    require_fresh(request)
    person = session.get_one(Person, viewer_of(request).person_id, with_for_update=True)
    identity = found(queries.identity_in(session, identity_id, person.id or 0))
    actions.unlink_identity(session, person, identity, now=clock.now())
    return go("/my/account", mark("Removed."))


routers = [
    Router("/", route_handlers=[begin, come_back, proof_form, proof], guards=[public]),
    Router("/", route_handlers=[begin_linking, remove], guards=[signed_in]),
]
