"""A certificate's page, the check of what somebody holds in hands, and the holder's own list."""

import segno
from litestar import Request, Response, Router
from sqlmodel import Session

from certification.credentials import actions, picture, queries
from certification.credentials.checking import look_into, looks_signed
from certification.credentials.models import Credential
from certification.credentials.rules import Holder, masked, reads_as
from portal import clock
from portal.history.queries import timeline
from portal.i18n import ERASED, gettext
from portal.programme.queries import programme_at
from portal.refusal import NotFound, mark
from portal.web.forms import Form
from portal.web.html import environment, found, get, go, html, post
from portal.web.viewer import Viewer, public, signed_in, viewer_of

MOST_PRESENTED = 1_000_000  # bytes of a file to look into


def is_own(request: Request, row: Credential) -> bool:
    """Whether its holder is asking."""
    viewer = request.scope.get("user")
    return isinstance(viewer, Viewer) and row.person_id is not None and row.person_id == viewer.person_id


def sheet_of(session: Session, shown: queries.Shown, *, own: bool = False) -> picture.Sheet:
    """What its pictures say to everybody, or to its holder."""
    row, now = shown.credential, clock.now()
    probation = row.id in queries.on_probation(session, [row])
    state = reads_as(row.status, row.valid_until, now, on_probation=probation)
    document = actions.document(row)
    subject = document["credentialSubject"]
    achievement = subject["achievement"]
    english = next((other["name"] for other in achievement.get("related", [])), achievement["name"])
    family, _, stars = row.code.partition("-")
    short = {"zh": achievement["name"], "en": english}
    if stars:
        short = programme_at(session, row.awarded_at)["families"][family]
    since = row.valid_until if state == "expired" else row.status_since
    return picture.Sheet(
        title_zh=achievement["name"],
        title_en=english,
        short_zh=short["zh"],
        short_en=short["en"],
        holder=_holder(shown, own=own),
        number=row.number or "",
        awarded=clock.today(row.awarded_at).isoformat(),
        valid_until=clock.today(row.valid_until).isoformat(),
        since=clock.today(since).isoformat(),
        stars=int(stars or 0),
        scope=row.scope,
        version=row.programme_version,
        address=document["id"],
        state=state,
    )


def _holder(shown: queries.Shown, *, own: bool) -> str:
    if shown.organisation:
        return shown.organisation.legal_name
    name = shown.person.name if shown.person else ""
    return name if own or shown.credential.name_public or name == ERASED else masked(name)


def certificate_page(request: Request, session: Session, shown: queries.Shown) -> Response[str]:
    row = shown.credential
    own = is_own(request, row)
    sheet = sheet_of(session, shown, own=own)
    # Error correction M and a quiet zone of four modules: read from paper, too.
    qr = segno.make(sheet.address, error="m").svg_inline(
        scale=4, border=4, omitsize=True, svgclass="qr", lineclass=None
    )
    page = html(
        request,
        "credentials/page.html",
        credential=row,
        name=sheet.holder,
        own=own,
        owner=own or _acts_for(request, row),
        state=sheet.state,
        checked_at=clock.now(),
        organisation=shown.organisation,
        qr=qr,
        address=sheet.address,
        newer=queries.standing_for(session, row) if row.status == "superseded" else None,
        programme=programme_at(session, row.awarded_at),
        timeline=timeline(session, "credential", row.id or 0),
        is_person=row.holder is Holder.PERSON,
    )
    if request.scope.get("user") is None:  # a stranger's page has no form, so that it needs no cookie
        page.headers["Access-Control-Allow-Origin"] = "*"
    return page


def _acts_for(request: Request, row: Credential) -> bool:
    viewer = request.scope.get("user")
    acting = viewer.organisation if isinstance(viewer, Viewer) else None
    return acting is not None and row.organisation_id == acting.id


@get("/verify")
def verify_form(request: Request) -> Response[str]:
    return html(request, "credentials/verify.html", form=Form(), errors={}, verdict=None, uuid=None)


@post("/verify", reads=True)
def verify(request: Request, session: Session, form: Form) -> Response:
    """By number, address or id: on to its page. A file or a token: compared with what we issued."""
    upload, typed = form.file("file"), form["q"].strip()
    presented = upload.file.read(MOST_PRESENTED + 1) if upload is not None else b""
    if upload is None and looks_signed(typed):
        presented = typed.encode()
    if presented:
        found_out = look_into(session, presented, now=clock.now())
        return html(
            request,
            "credentials/verify.html",
            form=Form() if upload is None else form,
            errors={},
            verdict=found_out.verdict,
            uuid=found_out.uuid,
        )
    uuid = queries.find_credential(session, typed) if typed else None
    if uuid:
        return go(f"/credentials/{uuid}")
    sentence = (
        gettext(mark("We have issued no certificate with this number or address. Check each character."))
        if typed
        else gettext(mark("Please write a certificate number or address, or choose a file."))
    )
    return html(
        request,
        "credentials/verify.html",
        status=422,
        form=form,
        errors={"q": sentence},
        verdict=None,
        uuid=None,
    )


@get("/my/certificates")
def certificates(request: Request, session: Session) -> Response[str]:
    viewer, now = viewer_of(request), clock.now()
    rows = queries.credentials_of_person(session, viewer.person_id)
    levels = (
        queries.credentials_of_organisation(session, viewer.organisation.id) if viewer.organisation else []
    )
    probation = queries.on_probation(session, levels)
    return html(
        request,
        "credentials/mine.html",
        rows=rows,
        levels=levels,
        programme=programme_at(session, now),
        states={
            row.id: reads_as(row.status, row.valid_until, now, on_probation=row.id in probation)
            for row in [*rows, *levels]
        },
    )


@post("/my/certificates/{uuid:str}/name")
def name_shown(request: Request, session: Session, form: Form, uuid: str) -> Response:
    viewer = viewer_of(request)
    shown = found(queries.credential_by_uuid(session, uuid))
    if shown.credential.person_id != viewer.person_id:
        raise NotFound
    actions.show_name(session, shown.credential, form["show"] == "yes", by=viewer.person_id, now=clock.now())
    return go("/my/certificates", mark("Saved."))


@get("/my/certificates/{uuid:str}/embed")
def embed(request: Request, session: Session, uuid: str) -> Response[str]:
    """What to paste into a page of one's own; for the holder and whoever acts for the organisation."""
    viewer = viewer_of(request)
    shown = found(queries.credential_by_uuid(session, uuid))
    row = shown.credential
    if row.person_id != viewer.person_id and not _acts_for(request, row):
        raise NotFound
    sheet = sheet_of(session, shown)
    base = sheet.address.rpartition("/credentials/")[0]
    snippets = {
        language: environment()
        .get_template("credentials/snippet.html")
        .render(sheet=sheet, base=base, uuid=row.uuid, language=language)
        .strip()
        for language in ("zh", "en")
    }
    return html(
        request,
        "credentials/embed.html",
        credential=row,
        sheet=sheet,
        snippets=snippets,
        programme=programme_at(session, row.awarded_at),
    )


routers = [
    Router("/", route_handlers=[verify_form, verify], guards=[public]),
    Router("/", route_handlers=[certificates, name_shown, embed], guards=[signed_in]),
]
