"""Sign up, confirm, sign in and out, a forgotten password, the language."""

from litestar import Request, Response, Router
from litestar.datastructures import Cookie
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from portal import clock
from portal.accounts import actions
from portal.accounts.actions import digest
from portal.accounts.forms import AskReset, NewPassword, SignIn, SignUp
from portal.accounts.models import Person
from portal.accounts.queries import usable_token
from portal.accounts.rules import SESSION_LASTS, TokenKind
from portal.i18n import LANGUAGES, gettext, language
from portal.refusal import mark
from portal.settings import settings
from portal.web.forms import Form, check
from portal.web.html import found, get, go, html, local_path, pick, post
from portal.web.limits import attempts_left
from portal.web.viewer import Viewer, public, signed_in, viewer_of

COOKIE = "session"


def _with_session(response: Response, token: str) -> Response:
    response.set_cookie(
        Cookie(
            key=COOKIE,
            value=token,
            max_age=int(SESSION_LASTS.total_seconds()),
            httponly=True,
            samesite="lax",
            secure=settings().production,
        )
    )
    return response


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
    if entry is None:
        return html(request, "accounts/sign_up.html", status=422, form=form, errors=errors)
    try:
        with session.begin_nested():  # the same form may arrive twice in the same moment
            actions.sign_up(session, entry, language=language(), now=clock.now())
    except IntegrityError:  # taken by now: its owner is told
        actions.sign_up(session, entry, language=language(), now=clock.now())
    return html(request, "accounts/mail_sent.html", email=entry.email)


@post("/my/confirm-again")
def confirm_again(request: Request, session: Session) -> Response:
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
    session_token = actions.open_session(
        session, person, browser=request.headers.get("user-agent", ""), now=clock.now()
    )
    return _with_session(go("/my", mark("Your address is confirmed.")), session_token)


@get("/sign-in")
def sign_in_form(request: Request) -> Response:
    after = local_path(request.query_params.get("next"), "/my")
    if isinstance(request.scope.get("user"), Viewer):
        return go(after)
    return html(request, "accounts/sign_in.html", form=Form.of({"next": after}), errors={})


@post("/sign-in")
def sign_in(request: Request, session: Session, form: Form) -> Response:
    entry, errors = check(SignIn, form)
    token = None
    if entry:
        if not attempts_left(f"sign-in:{entry.email}", most=10, seconds=600):
            errors = {
                "form": gettext(mark("Too many attempts. Please wait ten minutes, or reset your password."))
            }
        else:
            token = actions.sign_in(
                session,
                entry.email,
                entry.password,
                browser=request.headers.get("user-agent", ""),
                now=clock.now(),
            )
            if token is None:
                errors = {
                    "form": gettext(mark("Address or password is wrong. Check both, or reset your password."))
                }
    if token is None:
        return html(request, "accounts/sign_in.html", status=422, form=form, errors=errors)
    return _with_session(go(local_path(form["next"], "/my")), token)


@post("/sign-out")
def sign_out(request: Request, session: Session) -> Response:
    actions.sign_out(session, viewer_of(request).session_id)
    response = go("/")
    response.delete_cookie(COOKIE)
    return response


@get("/reset")
def ask_reset_form(request: Request) -> Response[str]:
    return html(request, "accounts/ask_reset.html", form=Form(), errors={}, sent=False)


@post("/reset")
def ask_reset(request: Request, session: Session, form: Form) -> Response[str]:
    entry, errors = check(AskReset, form)
    if entry and attempts_left(f"reset:{entry.email}", most=5, seconds=3600):
        actions.ask_reset(session, entry.email, now=clock.now())
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
    if entry is None:
        return html(
            request, "accounts/reset.html", status=422, good=True, token=token, form=form, errors=errors
        )
    person = actions.reset_password(session, token, entry.password, now=clock.now())
    session_token = actions.open_session(
        session, person, browser=request.headers.get("user-agent", ""), now=clock.now()
    )
    return _with_session(
        go("/my", mark("Your password is changed; other browsers are signed out.")), session_token
    )


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
