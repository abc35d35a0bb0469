"""Anyone can check: pages, files, keys, status lists. No cookies needed, open to other sites' scripts."""

import json
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import segno
from litestar import Request, Response, Router
from sqlmodel import Session

from certification.credentials import actions, keyring, queries
from certification.credentials.keys import KeyUse, key_url
from certification.credentials.openbadges import says_the_same, sign_data_integrity, sign_jwt
from certification.credentials.rules import Holder, masked, reads_as
from certification.credentials.status_list import status_list_credential
from portal import clock
from portal.history.queries import timeline
from portal.i18n import ERASED, gettext
from portal.programme.queries import programme_at
from portal.refusal import NotFound, mark
from portal.settings import settings
from portal.web.forms import Form, plain
from portal.web.html import found, get, go, html, post
from portal.web.viewer import Viewer, public, signed_in, viewer_of

OPEN = {"Access-Control-Allow-Origin": "*", "Vary": "Accept, Accept-Language"}
JSON_TYPES = ("application/vc", "application/ld+json", "application/json")
MOST_PRESENTED = 200_000  # bytes of a file to compare


def _json(
    content: str | dict[str, Any], media_type: str = "application/json", max_age: int = 300
) -> Response[str]:
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return Response(
        text, media_type=media_type, headers=OPEN | {"Cache-Control": f"public, max-age={max_age}"}
    )


@get("/.well-known/did.json")
def did() -> Response[str]:
    return _json(keyring.public_did(), "application/did+json")


@get("/.well-known/jwks.json")
def jwks() -> Response[str]:
    return _json(keyring.public_jwks())


@get("/keys/{kid:str}")
def one_key(kid: str) -> Response[str]:
    wanted = key_url(settings().base_url, kid)
    return _json(
        found(next((key for key in keyring.public_jwks()["keys"] if key["kid"] == wanted), None)),
        "application/jwk+json",
    )


@get("/issuer")
def issuer() -> Response[str]:
    who = keyring.issuer()
    return _json(
        {
            "@context": [
                "https://www.w3.org/ns/credentials/v2",
                "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
            ],
            "id": who.did,
            "type": ["Profile"],
            "name": who.name,
            "url": who.url,
        }
    )


@get("/achievements/{name:str}")
def achievement(session: Session, name: str) -> Response[str]:
    """What a credential is for: taken from a credential issued for it."""
    code, _, version = name.rpartition("-")
    row = found(queries.example_of(session, code, version))
    return _json(actions.document(row)["credentialSubject"]["achievement"])


@lru_cache(maxsize=8)
def _signed_list(base: str, number: int, bits: frozenset[int], day: datetime) -> str:
    key = keyring.current(KeyUse.STATUS_LIST)
    document = status_list_credential(
        f"{base}/status/{number}", keyring.issuer().did, bits, day, day + timedelta(days=2)
    )
    return sign_data_integrity(document, key, keyring.method(key), day).decode()


@get("/status/{number:int}")
def status_list(session: Session, number: int) -> Response[str]:
    """Signed anew each day and whenever a bit changes."""
    if not 1 <= number <= 1 + queries.how_many_issued(session):
        raise NotFound
    day = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    return _json(
        _signed_list(settings().base_url, number, queries.set_bits(session, number), day),
        "application/vc",
        max_age=60,
    )


@get("/credentials/{name:str}")
def credential(request: Request, session: Session, name: str) -> Response[str]:
    """The page, or the signed file: by suffix (.json, .jwt) or by what the client accepts."""
    uuid, _, suffix = name.partition(".")
    shown = found(queries.credential_by_uuid(session, uuid))
    accept = request.headers.get("accept", "")
    if not suffix and "text/html" not in accept:
        suffix = (
            "jwt"
            if "application/vc+jwt" in accept and "application/vc," not in accept + ","
            else "json"
            if any(t in accept for t in JSON_TYPES)
            else ""
        )
    if suffix == "json":
        return _json(
            shown.credential.signed,
            "application/vc" if "application/json" not in accept else "application/json",
            max_age=60,
        )
    if suffix == "jwt":
        key = keyring.current(KeyUse.JWT)
        return _json(
            sign_jwt(actions.document(shown.credential), key, key_url(settings().base_url, key.id)),
            "application/vc+jwt",
            max_age=60,
        )
    if suffix:
        raise NotFound
    return _page(request, session, shown)


def _page(request: Request, session: Session, shown: queries.Shown) -> Response[str]:
    row, now = shown.credential, clock.now()
    viewer = request.scope.get("user")
    own = isinstance(viewer, Viewer) and row.person_id == viewer.person_id
    name = (
        shown.organisation.legal_name
        if shown.organisation
        else shown.person.name
        if shown.person and (row.name_public or own)
        else masked(shown.person.name if shown.person else "")
    )
    if shown.person and shown.person.name == ERASED:
        name = ERASED
    address = f"{settings().base_url}/credentials/{row.uuid}"
    # Error correction M and a quiet zone of four modules: read from paper, too.
    qr = segno.make(address, error="m").svg_inline(
        scale=4, border=4, omitsize=True, svgclass="qr", lineclass=None
    )
    return html(
        request,
        "credentials/page.html",
        credential=row,
        name=name,
        own=own,
        state=reads_as(row.status, row.valid_until, now),
        checked_at=now,
        organisation=shown.organisation,
        qr=qr,
        address=address,
        programme=programme_at(session, row.awarded_at),
        document=actions.document(row),
        timeline=timeline(session, "credential", row.id or 0),
        is_person=row.holder is Holder.PERSON,
    )


@get("/verify")
def verify_form(request: Request) -> Response[str]:
    return html(request, "credentials/verify.html", form=Form(), errors={}, verdict=None)


@post("/verify")
def verify(request: Request, session: Session, form: Form) -> Response:
    """By number, address or id: on to its page. A file: compared with what we issued, never trusted or canonicalised."""
    upload, typed = form.file("file"), form["q"].strip()
    if upload is not None:
        presented = upload.file.read(MOST_PRESENTED)
        try:
            uuid = queries.find_credential(session, plain(str(json.loads(presented)["id"])))
        except (ValueError, KeyError, TypeError, RecursionError):
            uuid = None
        shown = queries.credential_by_uuid(session, uuid) if uuid else None
        same = shown is not None and says_the_same(shown.credential.signed.encode(), presented)
        return html(
            request,
            "credentials/verify.html",
            form=form,
            errors={},
            verdict="same" if same else "other" if shown else "unknown",
            uuid=uuid,
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
        request, "credentials/verify.html", status=422, form=form, errors={"q": sentence}, verdict=None
    )


@get("/my/certificates")
def certificates(request: Request, session: Session) -> Response[str]:
    viewer, now = viewer_of(request), clock.now()
    rows = queries.credentials_of_person(session, viewer.person_id)
    levels = (
        queries.credentials_of_organisation(session, viewer.organisation.id) if viewer.organisation else []
    )
    return html(
        request,
        "credentials/mine.html",
        rows=rows,
        levels=levels,
        programme=programme_at(session, now),
        states={row.id: reads_as(row.status, row.valid_until, now) for row in [*rows, *levels]},
    )


@post("/my/certificates/{uuid:str}/name")
def name_shown(request: Request, session: Session, form: Form, uuid: str) -> Response:
    viewer = viewer_of(request)
    shown = found(queries.credential_by_uuid(session, uuid))
    if shown.credential.person_id != viewer.person_id:
        raise NotFound
    actions.show_name(session, shown.credential, form["show"] == "yes", by=viewer.person_id, now=clock.now())
    return go("/my/certificates", mark("Saved."))


routers = [
    Router(
        "/",
        route_handlers=[
            did,
            jwks,
            one_key,
            issuer,
            achievement,
            status_list,
            credential,
            verify_form,
            verify,
        ],
        guards=[public],
    ),
    Router("/", route_handlers=[certificates, name_shown], guards=[signed_in]),
]
