"""Ask an OpenID Connect provider who somebody is: code flow with PKCE, discovery, a validated ID token."""

import logging
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus, urlsplit

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from email_validator import EmailNotValidError, validate_email
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from portal.settings import settings
from portal.web.forms import plain

log = logging.getLogger("yuqiao")

# Signatures that need a private key: neither "none" nor an HMAC keyed with what everybody can read.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
TIMEOUT = httpx.Timeout(8, connect=4)  # seconds
DISCOVERY_KEPT = 3600  # seconds
LEEWAY = 60  # seconds two clocks may differ
MOST_BYTES = 1_000_000

_discovered: dict[str, tuple[float, dict[str, Any]]] = {}


class ProviderTrouble(Exception):
    """The provider did not answer, or not as the standard says. The text is for the log, without any secret."""


@dataclass(frozen=True)
class Vouched:
    """What a provider says of somebody."""

    issuer: str
    subject: str
    email: str
    email_verified: bool
    name: str


def return_address() -> str:
    return f"{settings().base_url}/sign-in/outside/return"


def authorization_address(*, state: str, nonce: str, verifier: str) -> str:
    """Where the browser is sent."""
    address: str = prepare_grant_uri(
        _endpoint(discover(), "authorization_endpoint"),
        client_id=settings().oidc_client_id,
        response_type="code",
        redirect_uri=return_address(),
        scope="openid email profile",
        state=state,
        nonce=nonce,
        code_challenge=create_s256_code_challenge(verifier),
        code_challenge_method="S256",
    )
    return address


def vouched_for(code: str, *, nonce: str, verifier: str, now: datetime) -> Vouched:
    """Exchange the code and check all that the answer says. Raises ProviderTrouble."""
    provider = discover()
    with httpx.Client(timeout=TIMEOUT) as client:
        tokens = _json(
            client,
            "POST",
            _endpoint(provider, "token_endpoint"),
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": return_address(),
                "code_verifier": verifier,
            },
            auth=(quote_plus(settings().oidc_client_id), quote_plus(settings().oidc_client_secret)),
        )
        keys = _json(client, "GET", _endpoint(provider, "jwks_uri"))
        claims = check_id_token(tokens, keys, nonce=nonce, now=now)
        if "email" not in claims and provider.get("userinfo_endpoint"):
            bearer = {"authorization": f"Bearer {tokens.get('access_token')}"}
            more = _json(client, "GET", _endpoint(provider, "userinfo_endpoint"), headers=bearer)
            if more.get("sub") != claims["sub"]:
                raise ProviderTrouble("the user info is somebody else's")
            claims = more | claims
    subject, email = claims["sub"], _address(claims.get("email"))
    if not isinstance(subject, str) or not 0 < len(subject) < 256:
        raise ProviderTrouble("no subject")
    name = claims.get("name")
    return Vouched(
        settings().oidc_issuer,
        subject,
        email,
        bool(email) and claims.get("email_verified") is True,
        (plain(name).strip() if isinstance(name, str) else "")[:80] or email.partition("@")[0][:80],
    )


def check_id_token(tokens: dict[str, Any], keys: Any, *, nonce: str, now: datetime) -> dict[str, Any]:
    """The claims, once signature, issuer, audience, party, times and nonce are right."""
    client_id, issuer = settings().oidc_client_id, settings().oidc_issuer
    try:
        token = jwt.decode(
            str(tokens.get("id_token", "")),
            KeySet.import_key_set(keys),
            algorithms=ALGORITHMS,
        )
        claims = CodeIDToken(
            token.claims,
            token.header,
            {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}},
            {"nonce": nonce, "client_id": client_id, "access_token": tokens.get("access_token")},
        )
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise ProviderTrouble(f"ID token: {error}") from error
    return dict(claims)


def discover() -> dict[str, Any]:
    """The provider's own description of itself, kept for an hour."""
    issuer = settings().oidc_issuer
    at, known = _discovered.get(issuer, (0.0, {}))
    if known and time.monotonic() - at < DISCOVERY_KEPT:
        return known
    with httpx.Client(timeout=TIMEOUT) as client:
        known = _json(client, "GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if known.get("issuer") != issuer:
        raise ProviderTrouble("the provider calls itself by another name than OIDC_ISSUER")
    _discovered[issuer] = (time.monotonic(), known)
    return known


def _endpoint(provider: dict[str, Any], name: str) -> str:
    address = str(provider.get(name, ""))
    if urlsplit(address).scheme not in ("https", urlsplit(settings().oidc_issuer).scheme):
        raise ProviderTrouble(f"{name} is not an address to trust")
    return address


def _json(client: httpx.Client, method: str, address: str, **options: Any) -> dict[str, Any]:
    try:
        answer = client.request(method, address, **options)
        if answer.status_code != 200 or len(answer.content) > MOST_BYTES:
            raise ProviderTrouble(f"{urlsplit(address).path} answered {answer.status_code}")
        value = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise ProviderTrouble(f"{urlsplit(address).path}: {type(error).__name__}") from error
    if not isinstance(value, dict):
        raise ProviderTrouble(f"{urlsplit(address).path} answered no object")
    return value


def _address(value: object) -> str:
    """A mail address as we keep them, or "" when it is none."""
    try:
        return validate_email(str(value or ""), check_deliverability=False).normalized.lower()[:254]
    except EmailNotValidError:
        return ""
