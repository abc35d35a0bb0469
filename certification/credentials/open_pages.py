"""What programmes ask for: files, keys, status lists, badges. Open to other sites' scripts, without cookies, with ETags."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from litestar import Request, Response, Router
from sqlmodel import Session

from certification.credentials import actions, keyring, picture, queries
from certification.credentials.baking import bake_png, bake_svg
from certification.credentials.keys import Key, KeyUse, key_url
from certification.credentials.models import Credential
from certification.credentials.openbadges import sign_data_integrity, sign_jwt
from certification.credentials.pages import certificate_page, is_own, sheet_of
from certification.credentials.status_list import status_list_credential
from portal import clock
from portal.refusal import NotFound
from portal.settings import settings
from portal.web.html import found, get, pick
from portal.web.viewer import public

OPEN = {"Access-Control-Allow-Origin": "*", "Vary": "Accept, Accept-Language"}
JSON_TYPES = ("application/vc", "application/ld+json", "application/json")
LIVE = 60  # seconds after which a revocation is seen everywhere
DOCUMENTS = 300
DRAWN = {"pdf": "application/pdf", "png": "image/png", "svg": "image/svg+xml"}


def _open(
    request: Request,
    content: str | bytes | dict[str, Any] | Callable[[], str | bytes],
    media_type: str = "application/json",
    *,
    max_age: int = DOCUMENTS,
    tag: str = "",
    private: bool = False,
    name: str = "",
) -> Response:
    """304 when the reader has it already. `tag` stands for content that is dear to make; `name`: to be saved under."""
    if isinstance(content, dict):
        content = json.dumps(content, ensure_ascii=False)
    made = content if isinstance(content, str | bytes) else None
    seen = made.encode() if isinstance(made, str) else made or tag.encode()
    etag = f'"{sha256(media_type.encode() + seen).hexdigest()[:32]}"'
    headers = OPEN | {
        "Vary": OPEN["Vary"] + (", Cookie" if tag else ""),  # its holder reads more on it
        "ETag": etag,
        "Cache-Control": "private, no-store" if private else f"public, max-age={max_age}",
    }
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if not private and (etag in known or known == ["*"]):
        return Response(None, status_code=304, headers=headers)
    if name:
        headers |= {"Content-Disposition": f'inline; filename="{name}"'}
    body = made if made is not None else content()  # type: ignore[operator]
    return Response(body, media_type=media_type, headers=headers)


def base_of(request: Request) -> str:
    """The address of ours that is asked: what was issued under an earlier one is answered under it."""
    host = request.headers.get("host", "").lower()
    return next(
        (url for url in settings().former if urlsplit(url).netloc.lower() == host), settings().base_url
    )


@get("/.well-known/did.json")
def did(request: Request, session: Session) -> Response:
    document = keyring.public_did(session, base_of(request), clock.now())
    return _open(request, document, "application/did+json")


@get("/.well-known/jwks.json")
def jwks(request: Request, session: Session) -> Response:
    return _open(request, keyring.public_jwks(session, base_of(request), clock.now()))


@get("/keys/{kid:str}")
def one_key(request: Request, session: Session, kid: str) -> Response:
    base = base_of(request)
    published = keyring.public_jwks(session, base, clock.now())["keys"]
    key = found(next((key for key in published if key["kid"] == key_url(base, kid)), None))
    return _open(request, key, "application/jwk+json")


@get("/issuer")
def issuer(request: Request) -> Response:
    who = keyring.issuer(base_of(request))
    return _open(
        request,
        {
            "@context": [
                "https://www.w3.org/ns/credentials/v2",
                "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
            ],
            "id": who.did,
            "type": ["Profile"],
            "name": who.name,
            "url": who.url,
        },
    )


@get("/achievements/{name:str}")
def achievement(request: Request, session: Session, name: str) -> Response:
    """What a credential is for: taken from a credential issued for it."""
    code, _, version = name.rpartition("-")
    row = found(queries.example_of(session, code, version))
    return _open(request, actions.document(row)["credentialSubject"]["achievement"])


@lru_cache(maxsize=8)
def _signed_list(base: str, number: int, bits: frozenset[int], day: datetime, key: Key) -> str:
    document = status_list_credential(
        f"{base}/status/{number}", keyring.issuer(base).did, bits, day, day + timedelta(days=2)
    )
    return sign_data_integrity(document, key, keyring.method(key, base), day).decode()


@get("/status/{number:int}")
def status_list(request: Request, session: Session, number: int) -> Response:
    """Signed anew each day and whenever a bit changes."""
    if not 1 <= number <= max(1, queries.last_list(session)):
        raise NotFound
    now = clock.now()
    signed = _signed_list(
        base_of(request),
        number,
        queries.set_bits(session, number),
        now.replace(hour=0, minute=0, second=0, microsecond=0),
        keyring.current(session, KeyUse.STATUS_LIST, now),
    )
    return _open(request, signed, "application/vc", max_age=LIVE)


@get("/credentials/{name:str}")
def credential(request: Request, session: Session, name: str) -> Response:
    """The page, or a file: by suffix or by what the client accepts."""
    uuid, _, suffix = name.partition(".")
    shown = found(queries.credential_by_uuid(session, uuid))
    row, accept = shown.credential, request.headers.get("accept", "")
    if not suffix and "text/html" not in accept:
        suffix = (
            "jwt"
            if "application/vc+jwt" in accept and "application/vc," not in accept + ","
            else "json"
            if any(t in accept for t in JSON_TYPES)
            else ""
        )
    if suffix == "json":
        kind = "application/json" if "application/json" in accept else "application/vc"
        return _open(request, row.signed, kind, max_age=LIVE)
    if suffix == "jwt":
        return _open(request, _jwt(session, row), "application/vc+jwt", max_age=LIVE)
    if not suffix:
        return certificate_page(request, session, shown)
    own = is_own(request, row)
    sheet = sheet_of(session, shown, own=own)
    make: dict[str, Callable[[], str | bytes]] = {
        "pdf": lambda: picture.pdf(sheet, row.signed),
        "png": lambda: bake_png(picture.png(sheet), row.signed),
        "svg": lambda: bake_svg(picture.svg(sheet), row.signed),
    }
    return _open(
        request,
        make[found(pick(DRAWN, suffix))],
        DRAWN[suffix],
        max_age=LIVE,
        tag=f"{sheet}{row.signed}",
        private=own and not row.name_public,
        name=f"{row.number}.{suffix}",
    )


def _jwt(session: Session, row: Credential) -> str:
    """Under the address that it was issued under, which its issuer and its key share."""
    document = actions.document(row)
    key = keyring.current(session, KeyUse.JWT, clock.now())
    return sign_jwt(document, key, key_url(document["id"].rpartition("/credentials/")[0], key.id))


@get("/badges/{name:str}")
def badge(request: Request, session: Session, name: str) -> Response:
    """Drawn at each request for other people's pages: the level, and how it stands now. Nobody counts who looks."""
    uuid, _, suffix = name.partition(".")
    shown = found(queries.credential_by_uuid(session, uuid) if suffix == "svg" else None)
    if shown.credential.status == "superseded" and (newer := queries.standing_for(session, shown.credential)):
        shown = found(
            queries.credential_by_uuid(session, newer)
        )  # renewed: the page that shows it needs no change
    language = pick({"zh": "", "en": ""}, request.query_params.get("lang")) or "zh"
    sheet = sheet_of(session, shown)
    return _open(request, picture.live(sheet, language), "image/svg+xml", max_age=LIVE)


router = Router(
    "/",
    route_handlers=[did, jwks, one_key, issuer, achievement, status_list, credential, badge],
    guards=[public],
)
