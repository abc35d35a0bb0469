"""What somebody holds in hands: is it ours, is it as we issued it. Strangers' JSON-LD is worked on in a process apart."""

import base64
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from threading import BoundedSemaphore
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import import_key
from sqlmodel import Session

from certification.credentials import keyring
from certification.credentials.baking import unbake
from certification.credentials.keys import KeyUse, did_web, key_url
from certification.credentials.openbadges import says_the_same
from certification.credentials.queries import credential_by_uuid, find_credential
from portal.settings import ROOT, settings
from portal.web.forms import plain

SECONDS = 5.0  # for the process apart, which starts in half a one
CLAIMS = {"iss", "jti", "sub", "nbf", "exp", "iat"}
_TOKEN = re.compile(r"[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}")
_turns = BoundedSemaphore(2)


@dataclass(frozen=True)
class Found:
    """`verdict`: same, changed, unknown (not ours), unlisted (our signature, no such row), forged (says it is ours), busy."""

    verdict: str
    uuid: str | None = None


def looks_signed(text: str) -> bool:
    """A JWT, or a signed file pasted as text."""
    return text.startswith("{") or _TOKEN.fullmatch(text) is not None


def look_into(session: Session, content: bytes, *, now: datetime) -> Found:
    """JSON, JWT, a baked PNG or SVG, our PDF. Says nothing of its status: the page does."""
    try:
        text = unbake(content)
        claims = _payload(text) if _TOKEN.fullmatch(text) else None
        document = claims if claims is not None else json.loads(text)
        named = plain(str(document.get("id") or document["jti"]))
        uuid = find_credential(session, named)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Found("unknown")
    shown = credential_by_uuid(session, uuid) if uuid and "/" in named else None
    if shown is not None:
        stored = shown.credential.signed
        same = (
            says_the_same(stored.encode(), text.encode())
            if claims is None
            else _signed_by_us(session, text, now) and _same_claims(claims, stored)
        )
        return Found("same" if same else "changed", shown.credential.uuid)
    if _issuer(document) not in _our_names():
        return Found("unknown")
    if claims is not None:
        return Found("unlisted" if _signed_by_us(session, text, now) else "forged")
    return Found(_apart(session, text, now))


def _payload(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    if not isinstance(claims, dict):
        raise TypeError("no claims")
    return claims


def _issuer(document: dict[str, Any]) -> object:
    issuer = document.get("issuer") or document.get("iss")
    return issuer.get("id") if isinstance(issuer, dict) else issuer


def _our_names() -> set[object]:
    return {did_web(url) for url in (settings().base_url, *settings().former)}


def _signed_by_us(session: Session, token: str, now: datetime) -> bool:
    """By any JWT key that is published now, and under one of its addresses; whatever key the header brings is not asked."""
    public, revoked = keyring.published(session, now)
    try:
        kid = jws.extract_compact(token.encode()).headers().get("kid")
        for key in public:
            ours = {key_url(url, key.id) for url in (settings().base_url, *settings().former)}
            if key.use is KeyUse.JWT and key.id not in revoked and kid in ours:
                jws.deserialize_compact(token, import_key(dict(key.jwk)), algorithms=["RS256"])
                return True
    except (JoseError, ValueError):
        return False
    return False


def _same_claims(claims: dict[str, Any], stored: str) -> bool:
    said = {name: value for name, value in claims.items() if name not in CLAIMS}
    document = {name: value for name, value in json.loads(stored).items() if name != "proof"}
    return json.dumps(said, sort_keys=True) == json.dumps(document, sort_keys=True)


def _apart(session: Session, text: str, now: datetime) -> str:
    """Canonicalising is where hostile JSON-LD bites, so that it gets two seconds and little memory of its own."""
    public, revoked = keyring.published(session, now)
    names = {
        f"{did_web(url)}#{key.id}": key.multibase
        for url in (settings().base_url, *settings().former)
        for key in public
        if key.use is KeyUse.CREDENTIAL and key.id not in revoked
    }
    if not _turns.acquire(timeout=SECONDS):
        return "busy"
    try:
        done = subprocess.run(
            [sys.executable, "-m", "certification.credentials.apart"],
            input=json.dumps({"document": text, "keys": names}).encode(),
            capture_output=True,
            cwd=ROOT,
            env={"PYTHONDONTWRITEBYTECODE": "1"},
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "forged"
    finally:
        _turns.release()
    return "unlisted" if done.stdout.strip() == b"signed" else "forged"
