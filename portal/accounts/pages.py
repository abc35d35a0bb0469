"""Sign up, confirm, sign in and out, a forgotten password, the language."""

from litestar import Request, Response, Router
from litestar.datastructures import Cookie
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from portal import clock
from portal.accounts import actions
from portal.accounts.actions import digest
from portal.accounts.cookies import browser_of, enter, without_session
from portal.accounts.forms import AskReset, NewPassword, SignIn, SignUp
from portal.accounts.jobs import send_reset
from portal.accounts.models import Person
from portal.accounts.queries import usable_token
from portal.accounts.rules import TokenKind, why_not_password
from portal.factors.actions import passkeys_possible
from portal.i18n import LANGUAGES, gettext, language
from portal.jobs import enqueue
from portal.refusal import Refused, mark
from portal.settings import settings
from portal.web.forms import Form, check
from portal.web.html import found, get, go, html, local_path, pick, post
from portal.web.limits import attempts_left, peer
from portal.web.viewer import Viewer, public, signed_in, viewer_of

TOO_MANY_MAILS = mark("Too many mails within an hour. Please wait a little.")


@get("/sign-up")
def sign_up_form(request: Request) -> Response:
    if isinstance(request.scope.get("user"), Viewer):
        return go("/my")
    return html(
        request,
        "accounts/sign_up.html",
        form=Form.of({"next": request.query_params.get("next", "")}),
        errors={},
    )


@post("/sign-up")
def sign_up(request: Request, session: Session, form: Form) -> Response:
    """The answer is the same whether the address was free or taken; the mail says which."""
    entry, errors = check(SignUp, form)
    if entry and (wrong := why_not_password(entry.password, name=entry.name, email=entry.email)):
        entry, errors = None, {"password": gettext(wrong)}
    if entry and not _mails_left(request, f"sign-up:{entry.email}", f"sign-up-from:{peer(request)}"):
        entry, errors = None, {"form": gettext(TOO_MANY_MAILS)}
    if entry is None:
        return html(request, "accounts/sign_up.html", status=422, form=form, errors=errors)
    try:
        with session.begin_nested():  # the same form may arrive twice in the same moment
            actions.sign_up(session, entry, language=language(), now=clock.now())
    except IntegrityError:  # taken by now: its owner is told
        actions.sign_up(session, entry, language=language(), now=clock.now())
    return html(request, "accounts/mail_sent.html", email=entry.email)


def _mails_left(request: Request, to: str, sender: str) -> bool:
    """Counted both ways, the first not hiding the second."""
    left = [
        attempts_left(request, to, most=5, seconds=3600),
        attempts_left(request, sender, most=50, seconds=3600),
    ]
    return all(left)


@post("/my/confirm-again")
def confirm_again(request: Request, session: Session) -> Response:
    if not attempts_left(request, f"confirm:{viewer_of(request).person_id}", most=5, seconds=3600):
        raise Refused(TOO_MANY_MAILS)
    person = session.get_one(Person, viewer_of(request).person_id)
    if person.confirmed_at is None:
        actions.send_confirmation(session, person, now=clock.now())
    return go("/my", mark("A new link is on its way to your mailbox."))


@get("/confirm/{token:str}")
def confirm_form(request: Request, session: Session, token: str) -> Response[str]:
    """A button, because programmes that read mail follow links."""
    good = usable_token(session, digest(token), TokenKind.CONFIRM, clock.now()) is not None
    return html(request, "accounts/confirm.html", status=200 if good else 410, good=good, token=token)


@post("/confirm/{token:str}")
def confirm(request: Request, session: Session, token: str) -> Response:
    person = actions.confirm_address(session, token, now=clock.now())
    login = actions.begin_login(session, person, browser=browser_of(request), now=clock.now())
    return enter(login, "/my", mark("Your address is confirmed."))


@get("/sign-in")
def sign_in_form(request: Request) -> Response:
    after = local_path(request.query_params.get("next"), "/my")
    if isinstance(request.scope.get("user"), Viewer):
        return go(after)
    return _sign_in_page(request, Form.of({"next": after}), {}, 200)


def _sign_in_page(request: Request, form: Form, errors: dict[str, str], status: int = 422) -> Response[str]:
    return html(
        request,
        "accounts/sign_in.html",
        status=status,
        form=form,
        errors=errors,
        passkeys=passkeys_possible(),
        provider=settings().oidc_issuer and settings().oidc_name,
    )


@post("/sign-in")
def sign_in(request: Request, session: Session, form: Form) -> Response:
    entry, errors = check(SignIn, form)
    if entry is None:
        return _sign_in_page(request, form, errors)
    left = [
        attempts_left(request, f"sign-in:{entry.email}", most=10, seconds=600),
        attempts_left(request, f"sign-in-from:{peer(request)}", most=100, seconds=600),
    ]
    if not all(left):
        too_many = mark("Too many attempts. Please wait ten minutes, or reset your password.")
        return _sign_in_page(request, form, {"form": gettext(too_many)})
    login = actions.sign_in(
        session, entry.email, entry.password, browser=browser_of(request), now=clock.now()
    )
    if login is None:
        wrong = mark("Address or password is wrong. Check both, or reset your password.")
        return _sign_in_page(request, form, {"form": gettext(wrong)})
    return enter(login, local_path(form["next"], "/my"))


@post("/sign-out")
def sign_out(request: Request, session: Session) -> Response:
    actions.sign_out(session, viewer_of(request).session_id)
    return without_session(go("/"))


@get("/reset")
def ask_reset_form(request: Request) -> Response[str]:
    return html(request, "accounts/ask_reset.html", form=Form(), errors={}, sent=False)


@post("/reset")
def ask_reset(request: Request, session: Session, form: Form) -> Response[str]:
    entry, errors = check(AskReset, form)
    if entry and _mails_left(request, f"reset:{entry.email}", f"reset-from:{peer(request)}"):
        asked = actions.ask_reset(session, entry.email, now=clock.now())
        enqueue(session, send_reset, asked.id or 0)
    return html(
        request,
        "accounts/ask_reset.html",
        status=200 if entry else 422,
        form=form,
        errors=errors,
        sent=entry is not None,
    )


@get("/reset/{token:str}")
def reset_form(request: Request, session: Session, token: str) -> Response[str]:
    good = usable_token(session, digest(token), TokenKind.RESET, clock.now()) is not None
    return html(
        request,
        "accounts/reset.html",
        status=200 if good else 410,
        good=good,
        token=token,
        form=Form(),
        errors={},
    )


@post("/reset/{token:str}")
def reset(request: Request, session: Session, form: Form, token: str) -> Response:
    entry, errors = check(NewPassword, form)
    row = usable_token(session, digest(token), TokenKind.RESET, clock.now())
    if entry and row:
        person = session.get_one(Person, row.person_id)
        if wrong := why_not_password(entry.password, name=person.name, email=person.email):
            entry, errors = None, {"password": gettext(wrong)}
    if entry is None:
        return html(
            request, "accounts/reset.html", status=422, good=True, token=token, form=form, errors=errors
        )
    person = actions.reset_password(session, token, entry.password, now=clock.now())
    login = actions.begin_login(session, person, browser=browser_of(request), now=clock.now())
    return enter(login, "/my", mark("Your password is changed; other browsers are signed out."))


@get("/language/{code:str}")
def set_language(request: Request, code: str) -> Response:
    found(pick(LANGUAGES, code))
    response = go(local_path(request.query_params.get("next"), "/"))
    response.set_cookie(
        Cookie(key="language", value=code, max_age=365 * 86400, samesite="lax", secure=settings().production)
    )
    return response


routers = [
    Router(
        "/",
        route_handlers=[
            sign_up_form,
            sign_up,
            confirm_form,
            confirm,
            sign_in_form,
            sign_in,
            ask_reset_form,
            ask_reset,
            reset_form,
            reset,
            set_language,
        ],
        guards=[public],
    ),
    Router("/", route_handlers=[confirm_again, sign_out], guards=[signed_in]),
]
