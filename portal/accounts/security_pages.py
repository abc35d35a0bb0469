"""How one signs in, and where one is signed in."""

from litestar import Request, Response, Router
from sqlmodel import Session

from portal import clock
from portal.accounts import actions, queries
from portal.accounts.actions import Login
from portal.accounts.cookies import with_session, without_session
from portal.accounts.forms import ChangePassword
from portal.accounts.models import Person
from portal.accounts.rules import FRESH, NO_PASSWORD, browser_name, why_not_password
from portal.factors.actions import passkeys_possible
from portal.factors.queries import codes_left, passkeys_of, totp_of
from portal.i18n import ZONES, gettext, speaking, zone_names
from portal.identities.queries import identities_of
from portal.refusal import Refused, mark
from portal.settings import settings
from portal.web.forms import Form, check
from portal.web.html import get, go, html, language_of, post
from portal.web.limits import attempts_left
from portal.web.viewer import signed_in, viewer_of


def require_fresh(request: Request) -> None:
    """Whoever finds a browser left open must not be able to lock its owner out."""
    since = viewer_of(request).since
    if since is None or clock.now() - since > FRESH:
        raise Refused(
            mark("For your safety: sign out and in again, then do this within an hour. Nothing was changed.")
        )


@get("/my/account")
def account(request: Request, session: Session) -> Response[str]:
    viewer, now = viewer_of(request), clock.now()
    person = session.get_one(Person, viewer.person_id)
    totp = totp_of(session, viewer.person_id)
    return html(
        request,
        "accounts/account.html",
        person=person,
        has_password=person.password_hash != NO_PASSWORD,
        totp=totp if totp and totp.confirmed_at else None,
        passkeys=passkeys_of(session, viewer.person_id),
        passkeys_possible=passkeys_possible(),
        codes=codes_left(session, viewer.person_id),
        identities=identities_of(session, viewer.person_id),
        provider=settings().oidc_issuer and settings().oidc_name,
        logins=queries.logins_of(session, viewer.person_id, now),
        browser_name=browser_name,
        zones=_zones(request),
    )


def _zones(request: Request) -> dict[str, str]:
    with speaking(language_of(request)):
        return zone_names(clock.now())


@post("/my/account/time-zone")
def change_time_zone(request: Request, session: Session, form: Form) -> Response:
    if form["time_zone"] not in ZONES:
        raise Refused(mark("Please choose one of the time zones in the list."))
    person = session.get_one(Person, viewer_of(request).person_id, with_for_update=True)
    actions.change_time_zone(session, person, form["time_zone"], now=clock.now())
    return go("/my/account", mark("Saved. Times are shown as they are there."))


@get("/my/account/password")
def password_form(request: Request, session: Session) -> Response[str]:
    person = session.get_one(Person, viewer_of(request).person_id)
    return _password_page(request, person, Form(), {}, 200)


def _password_page(
    request: Request, person: Person, form: Form, errors: dict[str, str], status: int = 422
) -> Response[str]:
    return html(
        request,
        "accounts/password.html",
        status=status,
        form=form,
        errors=errors,
        has_password=person.password_hash != NO_PASSWORD,
    )


@post("/my/account/password")
def change_password(request: Request, session: Session, form: Form) -> Response:
    viewer = viewer_of(request)
    entry, errors = check(ChangePassword, form)
    left = attempts_left(request, f"password:{viewer.person_id}", most=10, seconds=600)
    person = session.get_one(Person, viewer.person_id, with_for_update=True)
    if entry and not left:
        errors = {"form": gettext(mark("Too many attempts. Please wait ten minutes."))}
    elif entry and not actions.is_password_of(person, entry.present):
        errors = {"present": gettext(mark("This is not your present password."))}
    elif entry and (wrong := why_not_password(entry.password, name=person.name, email=person.email)):
        errors = {"password": gettext(wrong)}
    if entry is None or errors:
        return _password_page(request, person, form, errors)
    token = actions.change_password(
        session, person, entry.password, session_id=viewer.session_id, now=clock.now()
    )
    return with_session(
        go("/my/account", mark("Your password is changed; other browsers are signed out.")), Login(token)
    )


@post("/my/account/sessions/{session_id:int}/end")
def end_session(request: Request, session: Session, session_id: int) -> Response:
    viewer = viewer_of(request)
    actions.sign_out(session, session_id, of=viewer.person_id)
    if session_id == viewer.session_id:
        return without_session(go("/sign-in"))
    return go("/my/account", mark("That browser is signed out."))


@post("/my/account/sessions/end-all")
def end_all_sessions(request: Request, session: Session) -> Response:
    actions.sign_out_everywhere(session, viewer_of(request).person_id)
    return without_session(go("/sign-in", mark("You are signed out everywhere.")))


router = Router(
    "/",
    route_handlers=[
        account,
        change_time_zone,
        password_form,
        change_password,
        end_session,
        end_all_sessions,
    ],
    guards=[signed_in],
)
