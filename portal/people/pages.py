"""One's own page and its consents, the public page, codes and scans, a letter to a person."""

import io
import secrets
from datetime import timedelta

import segno
from litestar import Request, Response, Router
from litestar.datastructures import Cookie
from sqlmodel import Session

from portal import clock
from portal.accounts.models import Person
from portal.desk.parts import CONTRIBUTIONS, Certificate
from portal.files import store
from portal.files.models import StoredFile
from portal.files.pages import SANDBOX
from portal.i18n import gettext
from portal.limits.actions import count_attempt
from portal.people import actions, queries
from portal.people.forms import EditPage, NewCode, WriteTo
from portal.people.models import PersonCode, PersonPage
from portal.people.rules import (
    CAME_FROM,
    CERTIFICATE,
    CERTIFICATE_TEXT,
    COOKIE_LASTS,
    NAMES,
    SALUTATIONS,
    TEXTS,
    Use,
    masked,
    name_as,
    read_scan_cookie,
    scan_cookie,
    surname,
)
from portal.programme.queries import programme_at
from portal.refusal import Refused, mark
from portal.settings import settings
from portal.web.forms import STALE, Form, check
from portal.web.html import found, get, go, html, post
from portal.web.limits import UPLOAD_BYTES, peer
from portal.web.viewer import public, signed_in, viewer_of

PARTS = (Use.PHOTO, Use.EMPLOYER, Use.LANGUAGES, Use.ABOUT, Use.CONTACT)
DAYS = timedelta(days=30)


def _certificates(session: Session, person_id: int) -> list[Certificate]:
    now = clock.now()
    return [one for hold in CONTRIBUTIONS.certificates for one in hold(session, person_id, now)]


def _name(person: Person, page: PersonPage, uses: frozenset[str]) -> str:
    use = name_as(uses)
    if use is Use.FULL_NAME:
        return person.name
    if use is Use.NICKNAME and page.nickname:
        return page.nickname
    family = surname(person.name)
    if family and page.salutation:
        return gettext(SALUTATIONS[page.salutation], surname=family)
    return masked(person.name)


# One's own


def _own_page(
    request: Request,
    session: Session,
    form: Form,
    errors: dict[str, str],
    *,
    chosen: frozenset[str] | None = None,
    status: int = 200,
) -> Response[str]:
    viewer = viewer_of(request)
    person = session.get_one(Person, viewer.person_id)
    page = queries.page_of(session, viewer.person_id) or PersonPage(person_id=viewer.person_id, slug="")
    consents = queries.consents_of(session, viewer.person_id)
    uses = frozenset(consent.use for consent in consents if consent.withdrawn_at is None)
    certificates = _certificates(session, viewer.person_id)
    texts = {use.value: text for use, text in TEXTS.items()} | {
        f"{CERTIFICATE}{one.uuid}": CERTIFICATE_TEXT for one in certificates
    }
    return html(
        request,
        "people/me.html",
        status=status,
        form=form,
        errors=errors,
        page=page,
        uses=uses,
        chosen=uses if chosen is None else chosen,
        consents=consents,
        certificates=certificates,
        prefix=CERTIFICATE,
        texts=texts,
        names=NAMES,
        parts=PARTS,
        name_use=name_as(uses if chosen is None else chosen),
        shown_as={
            "masked_name": _name(person, page, frozenset({"masked_name"})),
            "nickname": page.nickname,
            "full_name": person.name,
        },
        address=f"{settings().base_url}/people/{page.slug}",
        languages=viewer.programme["taxonomy"]["languages"],
    )


def _form_of(page: PersonPage | None) -> Form:
    return Form.of(page.model_dump() if page else {"revision": 0})


@get("/my/me")
def me(request: Request, session: Session) -> Response[str]:
    page = queries.page_of(session, viewer_of(request).person_id)
    return _own_page(request, session, _form_of(page), {})


@post("/my/me", request_max_body_size=UPLOAD_BYTES)
def save_me(request: Request, session: Session, form: Form) -> Response:
    viewer, now = viewer_of(request), clock.now()
    entry, errors = check(EditPage, form, {"languages": viewer.programme["taxonomy"]["languages"]})
    page = actions.page_for(session, viewer.person_id)
    if form["revision"] not in ("", "0", str(page.revision)):
        errors["form"] = gettext(STALE)
    upload = form.file("photo")
    if not errors and upload is not None:
        try:
            with session.begin_nested():
                actions.set_photo(
                    session,
                    page,
                    upload.filename or "",
                    upload.file.read(),
                    by=viewer.person_id,
                    now=now,
                )
        except Refused as problem:
            errors["photo"] = gettext(problem.message, **problem.values)
    if entry is None or errors:
        return _own_page(request, session, form, errors, status=422)
    if form["remove_photo"] == "yes" and upload is None:
        actions.remove_photo(session, page)
    actions.save_page(session, page, entry, by=viewer.person_id, now=now)
    return go("/my/me", mark("Saved. Only what you agree to below is shown to others."))


@post("/my/me/shown")
def save_shown(request: Request, session: Session, form: Form) -> Response:
    """Unticked is withdrawn; without the page itself nothing is agreed to."""
    viewer, now = viewer_of(request), clock.now()
    offered = {f"{CERTIFICATE}{one.uuid}" for one in _certificates(session, viewer.person_id)}
    wanted = {use.value for use in PARTS} & set(form.all("shows"))
    wanted |= offered & set(form.all("shows"))
    if form["page"] != "yes":
        actions.agree(session, viewer.person_id, set(), by=viewer.person_id, now=now)
        return go(
            "/my/me", mark("Your page is closed. Whoever opens its address is told that there is none.")
        )
    errors: dict[str, str] = {}
    page = actions.page_for(session, viewer.person_id)
    if form["name"] not in NAMES:
        errors["name"] = gettext(mark("Please choose how your name is shown."))
    elif form["name"] == Use.NICKNAME and not page.nickname:
        errors["name"] = gettext(mark("Please write the name you go by first, above, and save it."))
    chosen = frozenset({Use.PAGE.value, form["name"], *wanted})
    if errors:
        return _own_page(request, session, _form_of(page), errors, chosen=chosen, status=422)
    actions.publish(session, viewer.person_id, chosen, by=viewer.person_id, now=now)
    return go("/my/me", mark("Saved. Your page shows this from now on."))


def _picture(session: Session, photo_id: int) -> Response[bytes]:
    file = session.get_one(StoredFile, photo_id)
    return Response(
        store.get(file.sha256),
        media_type=file.media_type,
        headers={
            "Content-Security-Policy": SANDBOX,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",  # withdrawn is gone with the next request
        },
    )


@get("/my/me/photo")
def own_photo(request: Request, session: Session) -> Response[bytes]:
    page = found(queries.page_of(session, viewer_of(request).person_id))
    return _picture(session, found(page.photo_id))


# Public


def _public_page(
    request: Request, session: Session, shown: queries.Public, form: Form, errors: dict[str, str], status: int
) -> Response[str]:
    wanted = {use.removeprefix(CERTIFICATE) for use in shown.uses if use.startswith(CERTIFICATE)}
    certificates = [one for one in _certificates(session, shown.page.person_id) if one.uuid in wanted]
    response = html(
        request,
        "people/page.html",
        status=status,
        shown=shown,
        name=_name(shown.person, shown.page, shown.uses),
        certificates=certificates,
        languages=programme_at(session, clock.now())["taxonomy"]["languages"],
        form=form,
        errors=errors,
    )
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@get("/people/{slug:str}")
def person_page(request: Request, session: Session, slug: str) -> Response[str]:
    return _public_page(request, session, found(queries.public_page(session, slug)), Form(), {}, 200)


@get("/people/{slug:str}/photo")
def photo(session: Session, slug: str) -> Response[bytes]:
    shown = found(queries.public_page(session, slug))
    return _picture(session, found(shown.page.photo_id if Use.PHOTO in shown.uses else None))


@post("/people/{slug:str}/contact")
def contact(request: Request, session: Session, form: Form, slug: str) -> Response:
    shown = found(queries.public_page(session, slug))
    found(shown if Use.CONTACT in shown.uses else None)
    entry, errors = check(WriteTo, form)
    sent = mark("Sent by e-mail. Whether and when there is an answer is up to them.")
    if entry:
        now, once = clock.now(), form["once"][:32]
        if once and not count_attempt(session, f"contact:{slug}:{once}", most=1, seconds=3600, now=now):
            return go(f"/people/{slug}", sent)  # the same form again
        keys = {f"contact-from:{entry.email}": 3, f"contact-by:{peer(request)}": 10, f"contact-to:{slug}": 10}
        left = [count_attempt(session, key, most=n, seconds=3600, now=now) for key, n in keys.items()]
        if not all(left):
            errors["form"] = gettext(mark("Too many messages for now. Please try again in an hour."))
            form = Form(
                [(k, v) for k, v in form.fields if k != "once"]
            )  # it was not sent: the next try is another
    if entry is None or errors:
        return _public_page(request, session, shown, form, errors, 422)
    actions.write_to(session, shown.person, entry, now=clock.now())
    return go(f"/people/{slug}", sent)


@get("/q/{code:str}", opt={"writes": True})
def scan(request: Request, session: Session, code: str) -> Response:
    """Where a printed code leads: on to the person's page, with a row that says when, not who."""
    row = found(queries.code_by(session, code))
    if row.retired_at:
        raise Refused(mark("This code has been replaced. Ask the person for the new one."), status=410)
    page = found(queries.page_of(session, row.person_id))
    shown = found(queries.public_page(session, page.slug))
    response = go(f"/people/{shown.page.slug}")
    if count_attempt(session, f"scan:{code}", most=600, seconds=3600, now=clock.now()):
        read = read_scan_cookie(settings().secret, request.cookies.get(CAME_FROM, ""))
        token = read[1] if read else secrets.token_urlsafe(16)
        noted = actions.note_scan(session, row, token, now=clock.now())
        response.set_cookie(
            Cookie(
                key=CAME_FROM,
                value=scan_cookie(settings().secret, noted.id or 0, token),
                max_age=int(COOKIE_LASTS.total_seconds()),
                httponly=True,
                samesite="lax",
                secure=settings().production,
            )
        )
    response.headers["Cache-Control"] = "private, no-store"
    return response


# Codes


def _codes_page(
    request: Request, session: Session, form: Form, errors: dict[str, str], status: int = 200
) -> Response[str]:
    viewer = viewer_of(request)
    since = clock.today(clock.now() - DAYS)
    team = (
        queries.team_numbers(session, viewer.organisation.id)
        if viewer.organisation and viewer.may("team")
        else None
    )
    return html(
        request,
        "people/codes.html",
        status=status,
        rows=queries.code_numbers(session, viewer.person_id),
        days=queries.scans_by_day(session, viewer.person_id, since),
        team=team,
        published=Use.PAGE in queries.uses_of(session, viewer.person_id),
        base=settings().base_url,
        form=form,
        errors=errors,
    )


@get("/my/codes")
def codes(request: Request, session: Session) -> Response[str]:
    return _codes_page(request, session, Form(), {})


@post("/my/codes")
def new_code(request: Request, session: Session, form: Form) -> Response:
    viewer = viewer_of(request)
    entry, errors = check(NewCode, form)
    if entry is None:
        return _codes_page(request, session, form, errors, 422)
    now, once = clock.now(), form["once"][:32]
    key = f"new-code:{viewer.person_id}:{once}"
    if once and not count_attempt(session, key, most=1, seconds=3600, now=now):
        return go("/my/codes")  # the same form again
    row = actions.make_code(session, viewer.person_id, entry.label, by=viewer.person_id, now=now)
    return go(f"/my/codes/{row.id}", mark("Made. It leads to your page while that is open."))


def _own_code(request: Request, session: Session, code_id: int, *, lock: bool = False) -> PersonCode:
    return found(queries.code_of(session, code_id, viewer_of(request).person_id, lock=lock))


def _qr(row: PersonCode) -> segno.QRCode:
    # Error correction M: read from paper, too.
    return segno.make(f"{settings().base_url}/q/{row.code}", error="m", micro=False)


@get("/my/codes/{code_id:int}")
def card(request: Request, session: Session, code_id: int) -> Response[str]:
    row = _own_code(request, session, code_id)
    page = queries.page_of(session, row.person_id)
    person = session.get_one(Person, row.person_id)
    uses = queries.uses_of(session, row.person_id)
    return html(
        request,
        "people/card.html",
        row=row,
        page=page,
        name=_name(person, page, uses) if page and Use.PAGE in uses else None,
        qr=_qr(row).svg_inline(scale=4, border=4, omitsize=True, svgclass="qr large", lineclass=None),
        address=f"{settings().base_url}/q/{row.code}",
    )


@get("/my/codes/{code_id:int}/{ending:str}")
def picture(request: Request, session: Session, code_id: int, ending: str) -> Response[bytes]:
    row = _own_code(request, session, code_id)
    found(ending if ending in ("svg", "png") else None)
    out = io.BytesIO()
    _qr(row).save(out, kind=ending, scale=12 if ending == "png" else 4, border=4)
    return Response(
        out.getvalue(),
        media_type="image/png" if ending == "png" else "image/svg+xml",
        headers={"Content-Disposition": f'attachment; filename="code-{row.code}.{ending}"'},
    )


@post("/my/codes/{code_id:int}/renew")
def renew(request: Request, session: Session, code_id: int) -> Response:
    row = _own_code(request, session, code_id, lock=True)
    new = actions.renew_code(session, row, by=viewer_of(request).person_id, now=clock.now())
    return go(f"/my/codes/{new.id}", mark("Renewed. Whoever scans the old one reads that it was replaced."))


@post("/my/codes/{code_id:int}/end")
def end(request: Request, session: Session, code_id: int) -> Response:
    row = _own_code(request, session, code_id, lock=True)
    actions.end_code(session, row, by=viewer_of(request).person_id, now=clock.now())
    return go("/my/codes", mark("Ended. Its numbers stay."))


routers = [
    Router("/", route_handlers=[person_page, photo, contact, scan], guards=[public]),
    Router(
        "/",
        route_handlers=[
            me,
            save_me,
            save_shown,
            own_photo,
            codes,
            new_code,
            card,
            picture,
            renew,
            end,
        ],
        guards=[signed_in],
    ),
]
