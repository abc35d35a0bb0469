"""The second step of signing in; authenticator app, recovery codes, passkeys."""

import segno
from litestar import Request, Response, Router
from litestar.enums import MediaType
from markupsafe import Markup
from sqlmodel import Session

from portal import clock
from portal.accounts.actions import Login, digest, open_session, renew_session
from portal.accounts.cookies import (
    browser_of,
    ceremony_token,
    enter,
    session_token,
    with_ceremony,
    with_session,
)
from portal.accounts.models import LoginSession, Person
from portal.accounts.queries import waiting_login
from portal.accounts.security_pages import require_fresh
from portal.factors import actions, queries
from portal.factors.actions import Added
from portal.factors.forms import Code, NewPasskey, UsePasskey
from portal.factors.rules import in_groups
from portal.i18n import gettext
from portal.limits.actions import count_attempt
from portal.refusal import mark
from portal.web.forms import Form, check
from portal.web.html import found, get, go, html, local_path, post
from portal.web.limits import attempts_left, peer
from portal.web.viewer import SignInNeeded, Viewer, public, signed_in, viewer_of

TOO_MANY = mark("Too many attempts. Please wait ten minutes.")
NOT_PASSED = mark("That did not work. Try again, or sign in another way.")


# ——— The second step ———


def _at_the_door(request: Request, session: Session) -> tuple[LoginSession, Person]:
    """Who has passed the first factor and must pass the second: signing in, or staff who have not passed it yet."""
    viewer = request.scope.get("user")
    if isinstance(viewer, Viewer):
        return session.get_one(LoginSession, viewer.session_id), session.get_one(Person, viewer.person_id)
    row = waiting_login(session, digest(session_token(request)), clock.now())
    if row is None:
        raise SignInNeeded
    return row


def _second_page(
    request: Request, session: Session, person: Person, form: Form, errors: dict[str, str], status: int = 200
) -> Response[str]:
    totp = queries.totp_of(session, person.id or 0)
    return html(
        request,
        "accounts/second.html",
        status=status,
        form=form,
        errors=errors,
        totp=bool(totp and totp.confirmed_at),
        passkeys=bool(queries.passkeys_of(session, person.id or 0)),
        demo_code=actions.demo_code(session, person, now=clock.now()),
        demo_person=person.is_demo,
    )


@get("/sign-in/second")
def second_form(request: Request, session: Session) -> Response:
    after = local_path(request.query_params.get("next"), "/my")
    viewer = request.scope.get("user")
    if isinstance(viewer, Viewer) and viewer.second_factor:
        return go(after)
    _, person = _at_the_door(request, session)
    if not queries.has_factor(session, person.id or 0):
        return go("/my/account", mark("Staff sign in with two factors. Set up the second one here first."))
    return _second_page(request, session, person, Form.of({"next": after}), {})


def _passed(session: Session, login: LoginSession, person: Person) -> Login:
    if login.waits:
        return actions.finish_login(session, login, person, now=clock.now())
    return Login(renew_session(session, login.id or 0, now=clock.now(), second_factor=True))


def _tries_left(request: Request) -> bool:
    """Of whoever stands at the door, by the person behind the cookie: counted before anything is read for long."""
    with_cookie = digest(session_token(request))
    left = [
        attempts_left(request, f"code:{with_cookie}", most=10, seconds=600),
        attempts_left(request, f"code-from:{peer(request)}", most=100, seconds=600),
    ]
    return all(left)


@post("/sign-in/second")
def second(request: Request, session: Session, form: Form) -> Response:
    entry, errors = check(Code, form)
    left = _tries_left(request)
    login, person = _at_the_door(request, session)
    # By person too: each password that is typed again would open ten tries more.
    left &= count_attempt(session, f"code-of:{person.id}", most=20, seconds=3600, now=clock.now())
    if not left:
        errors = {"form": gettext(TOO_MANY)}
    elif entry and not actions.pass_code(session, person, entry.code, now=clock.now()):
        errors = {"code": gettext(mark("This code is wrong or has been used. Take the one shown now."))}
    if entry is None or errors:
        return _second_page(request, session, person, form, errors, 422)
    return enter(_passed(session, login, person), local_path(form["next"], "/my"))


@post("/sign-in/second/passkey/options")
def second_options(request: Request, session: Session) -> Response[str]:
    _, person = _at_the_door(request, session)
    return _options(*actions.begin_passkey_use(session, person, now=clock.now()))


@post("/sign-in/second/passkey")
def second_passkey(request: Request, session: Session, form: Form) -> Response:
    entry, _ = check(UsePasskey, form)
    left = _tries_left(request)
    login, person = _at_the_door(request, session)
    if (
        entry is None
        or not left
        or not actions.use_passkey(
            session, entry.credential, of=person, ceremony=ceremony_token(request), now=clock.now()
        )
    ):
        return _second_page(
            request, session, person, form, {"form": gettext(NOT_PASSED if left else TOO_MANY)}, 422
        )
    return enter(_passed(session, login, person), local_path(form["next"], "/my"))


# ——— Sign in with a passkey alone ———


def _options(options: str, token: str) -> Response[str]:
    return with_ceremony(Response(options, media_type=MediaType.JSON), token)


@post("/sign-in/passkey/options")
def passkey_options(request: Request, session: Session) -> Response[str]:
    found(attempts_left(request, f"passkey-from:{peer(request)}", most=100, seconds=600) or None)
    return _options(*actions.begin_passkey_use(session, None, now=clock.now()))


@post("/sign-in/passkey")
def passkey_sign_in(request: Request, session: Session, form: Form) -> Response:
    """The authenticator has verified who holds it: both factors at once."""
    entry, _ = check(UsePasskey, form)
    now = clock.now()
    person = entry and actions.use_passkey(
        session, entry.credential, of=None, ceremony=ceremony_token(request), now=now
    )
    after = local_path(form["next"], "/my")
    if not person:
        return go("/sign-in", NOT_PASSED)
    token = open_session(session, person, browser=browser_of(request), now=now, second_factor=True)
    return enter(Login(token), after)


# ——— An authenticator app ———


@post("/my/account/totp/begin")
def begin_totp(request: Request, session: Session) -> Response:
    require_fresh(request)
    person = _myself(request, session)
    actions.begin_totp(session, person, now=clock.now())
    return go("/my/account/totp")


def _myself(request: Request, session: Session) -> Person:
    """Locked: two clicks wait for each other."""
    return session.get_one(Person, viewer_of(request).person_id, with_for_update=True)


def _totp_page(
    request: Request, session: Session, form: Form, errors: dict[str, str], status: int = 200
) -> Response:
    person = session.get_one(Person, viewer_of(request).person_id)
    row = queries.totp_of(session, viewer_of(request).person_id)
    if row is None or row.confirmed_at:
        return go("/my/account")
    address = actions.otpauth_address(row, person)
    drawn = segno.make(address, error="m").svg_inline(scale=4, border=2, omitsize=True, svgclass="qr large")
    return html(
        request,
        "accounts/totp.html",
        status=status,
        form=form,
        errors=errors,
        qr=Markup(drawn),  # noqa: S704  drawn by segno
        secret=in_groups(actions.secret_of(row, person)),
        address=address,
    )


@get("/my/account/totp")
def totp_form(request: Request, session: Session) -> Response:
    return _totp_page(request, session, Form(), {})


@post("/my/account/totp")
def confirm_totp(request: Request, session: Session, form: Form) -> Response:
    entry, errors = check(Code, form)
    viewer = viewer_of(request)
    if not attempts_left(request, f"totp:{viewer.person_id}", most=10, seconds=600):
        return _totp_page(request, session, form, {"form": gettext(TOO_MANY)}, 422)
    added = entry and actions.confirm_totp(
        session, _myself(request, session), entry.code, session_id=viewer.session_id, now=clock.now()
    )
    if not added:
        errors = errors or {
            "code": gettext(
                mark("This code is wrong. Take the one shown now; is the clock of the phone right?")
            )
        }
        return _totp_page(request, session, form, errors, 422)
    return _after_adding(request, added, mark("The authenticator app is set up."))


def _after_adding(request: Request, added: Added, notice: str) -> Response:
    """With the first factor come recovery codes, which are shown this once."""
    if not added.codes:
        return with_session(go("/my/account", notice), Login(added.token))
    return with_session(html(request, "accounts/codes.html", codes=added.codes), Login(added.token))


@post("/my/account/totp/remove")
def remove_totp(request: Request, session: Session) -> Response:
    require_fresh(request)
    actions.remove_totp(session, _myself(request, session), now=clock.now())
    return go("/my/account", mark("Removed."))


@post("/my/account/recovery")
def renew_codes(request: Request, session: Session) -> Response[str]:
    require_fresh(request)
    codes = actions.renew_codes(session, _myself(request, session), now=clock.now())
    return html(request, "accounts/codes.html", codes=codes)


# ——— Passkeys ———


@post("/my/account/passkeys/options")
def new_passkey_options(request: Request, session: Session) -> Response[str]:
    require_fresh(request)
    return _options(*actions.begin_passkey(session, _myself(request, session), now=clock.now()))


@post("/my/account/passkeys")
def add_passkey(request: Request, session: Session, form: Form) -> Response:
    require_fresh(request)
    entry, _ = check(NewPasskey, form)
    added = entry and actions.add_passkey(
        session,
        _myself(request, session),
        entry.name,
        entry.credential,
        ceremony=ceremony_token(request),
        session_id=viewer_of(request).session_id,
        now=clock.now(),
    )
    if not added:
        return go("/my/account", mark("The passkey was not added. Give it a name and try again."))
    return _after_adding(request, added, mark("The passkey was added."))


@post("/my/account/passkeys/{passkey_id:int}/remove")
def remove_passkey(request: Request, session: Session, passkey_id: int) -> Response:
    require_fresh(request)
    person = _myself(request, session)
    passkey = found(queries.passkey_in(session, passkey_id, person.id or 0))
    actions.remove_passkey(session, person, passkey, now=clock.now())
    return go("/my/account", mark("Removed."))


routers = [
    Router(
        "/",
        route_handlers=[
            second_form,
            second,
            second_options,
            second_passkey,
            passkey_options,
            passkey_sign_in,
        ],
        guards=[public],
    ),
    Router(
        "/",
        route_handlers=[
            begin_totp,
            totp_form,
            confirm_totp,
            remove_totp,
            renew_codes,
            new_passkey_options,
            add_passkey,
            remove_passkey,
        ],
        guards=[signed_in],
    ),
]
