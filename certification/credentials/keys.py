"""Signing keys as files outside the database, and the public documents that name them."""

import base64
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

RSA_BITS = 3072
_KEY_ID = re.compile(r"(key|status|jwt)-\d{4}-(0[1-9]|1[0-2])(-[2-9])?")
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


class KeyUse(StrEnum):
    """What a key signs; the value is the first word of its id."""

    CREDENTIAL = "key"
    STATUS_LIST = "status"
    JWT = "jwt"


@dataclass(frozen=True)
class PublicKey:
    """What the world knows of a key."""

    id: str
    jwk: dict[str, str]

    @property
    def use(self) -> KeyUse:
        return KeyUse(self.id.split("-", maxsplit=1)[0])

    @property
    def multibase(self) -> str:
        """An Ed25519 key as a Multikey: z6Mk…"""
        x = self.jwk["x"]
        return "z" + base58_encode(b"\xed\x01" + base64.urlsafe_b64decode(x + "=" * (-len(x) % 4)))


@dataclass(frozen=True)
class Key:
    id: str
    private: Ed25519PrivateKey | RSAPrivateKey = field(repr=False)

    @property
    def use(self) -> KeyUse:
        return KeyUse(self.id.split("-", maxsplit=1)[0])

    @property
    def public(self) -> PublicKey:
        return PublicKey(self.id, self.jwk)

    def ed25519(self) -> Ed25519PrivateKey:
        if not isinstance(self.private, Ed25519PrivateKey):
            raise TypeError(f"{self.id} is not an Ed25519 key")
        return self.private

    def rsa(self) -> RSAPrivateKey:
        if not isinstance(self.private, RSAPrivateKey):
            raise TypeError(f"{self.id} is not an RSA key")
        return self.private

    @property
    def multibase(self) -> str:
        return self.public.multibase

    @property
    def jwk(self) -> dict[str, str]:
        """The public key as a JWK, without a `kid`."""
        if isinstance(self.private, Ed25519PrivateKey):
            x = self.private.public_key().public_bytes_raw()
            return {"kty": "OKP", "crv": "Ed25519", "x": _base64url(x), "alg": "EdDSA", "use": "sig"}
        numbers = self.private.public_key().public_numbers()
        n, e = (_base64url(i.to_bytes((i.bit_length() + 7) // 8)) for i in (numbers.n, numbers.e))
        return {"kty": "RSA", "n": n, "e": e, "alg": "RS256", "use": "sig"}


def create_key(folder: Path, use: KeyUse, month: datetime, serial: int = 1) -> Key:
    """Write a new private key (PKCS#8, mode 0600) and return it.

    `serial` 2 to 9 makes `key-2026-11-2`: the second key of a month, after a compromise. An existing file
    is never replaced (FileExistsError) and never seen half written.
    """
    key_id = f"{use}-{month:%Y-%m}" + (f"-{serial}" if serial != 1 else "")
    if not _KEY_ID.fullmatch(key_id):
        raise ValueError(f"no such key id: {key_id}")
    private = generate_private_key(65537, RSA_BITS) if use is KeyUse.JWT else Ed25519PrivateKey.generate()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = folder / f".{key_id}.{secrets.token_hex(8)}"
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            file.flush()
            os.fsync(file.fileno())
        os.link(unfinished, folder / f"{key_id}.pem")  # unlike rename, fails when the name is taken
    finally:
        unfinished.unlink()
    return Key(key_id, private)


def load_key(path: Path) -> Key:
    """Read one key file; refuses one that others may read, or whose key does not fit its name."""
    if not _KEY_ID.fullmatch(path.stem):
        raise ValueError(f"not a key id: {path.stem}")
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise PermissionError(f"{path.name} is readable by others; its mode must be 0600")
    private = load_pem_private_key(path.read_bytes(), password=None)
    wants_rsa = path.stem.startswith(KeyUse.JWT)
    if isinstance(private, RSAPrivateKey) and wants_rsa and private.key_size >= 2048:
        return Key(path.stem, private)
    if isinstance(private, Ed25519PrivateKey) and not wants_rsa:
        return Key(path.stem, private)
    raise ValueError(f"{path.name} must hold {'an RSA key of 2048 bits or more' if wants_rsa else 'Ed25519'}")


def load_keys(folder: Path) -> tuple[Key, ...]:
    """Every key of the folder by id; other files are left alone."""
    return tuple(load_key(p) for p in sorted(folder.glob("*.pem")) if _KEY_ID.fullmatch(p.stem))


def did_web(base_url: str) -> str:
    """`did:web:<host>` of an address without a path; a port that is not the scheme's own is kept as %3A."""
    parts = urlsplit(base_url)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.path.strip("/"):
        raise ValueError(f"not the address of a host: {base_url}")
    if parts.username is not None or parts.query or parts.fragment or ":" in parts.hostname:
        raise ValueError(f"did:web takes a host name and a port only: {base_url}")
    host = parts.hostname.encode("idna").decode()
    own_port = {"https": 443, "http": 80}[parts.scheme]
    return "did:web:" + quote(host if parts.port in (None, own_port) else f"{host}:{parts.port}", safe="")


def key_url(base_url: str, key_id: str) -> str:
    """Where the single JWK is served; the `kid` of a VC-JWT, as Open Badges 3.0 asks for an address."""
    return f"{base_url.rstrip('/')}/keys/{key_id}"


def public_jwk(base_url: str, key: PublicKey | Key) -> dict[str, str]:
    return {**key.jwk, "kid": key_url(base_url, key.id)}


def jwks(base_url: str, keys: Iterable[PublicKey | Key]) -> dict[str, list[dict[str, str]]]:
    """The JWK set; leave revoked keys out, a JWK cannot say that it was revoked."""
    return {"keys": [public_jwk(base_url, key) for key in keys]}


def did_document(
    base_url: str, keys: Iterable[PublicKey | Key], revoked: Mapping[str, datetime] | None = None
) -> dict[str, Any]:
    """The did:web document. Old keys stay in it while anything they signed is in force.

    `revoked` (key id → when) is for a compromise only: it ends every credential that the key signed.
    """
    did = did_web(base_url)
    methods: list[dict[str, Any]] = []
    for key in keys:
        method: dict[str, Any] = {"id": f"{did}#{key.id}", "controller": did}
        if key.use is KeyUse.JWT:
            method |= {"type": "JsonWebKey", "publicKeyJwk": key.jwk}
        else:
            method |= {"type": "Multikey", "publicKeyMultibase": key.multibase}
        if revoked and key.id in revoked:
            method["revoked"] = timestamp(revoked[key.id])
        methods.append(method)
    return {
        "@context": [
            "https://www.w3.org/ns/did/v1",
            "https://w3id.org/security/multikey/v1",
            "https://w3id.org/security/jwk/v1",
        ],
        "id": did,
        "verificationMethod": methods,
        "assertionMethod": [m["id"] for m in methods if "revoked" not in m],
    }


def timestamp(moment: datetime) -> str:
    """UTC to the second; a JWT's `nbf` and `exp` could not hold more. Refuses a naive datetime."""
    if moment.tzinfo is None:
        raise ValueError("a datetime with a time zone is needed")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def base58_encode(data: bytes) -> str:
    number, text = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, 58)
        text = _BASE58[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def base58_decode(text: str) -> bytes:
    """Raises ValueError for a character outside the alphabet."""
    number = 0
    for character in text:
        number = number * 58 + _BASE58.index(character)
    zeros = len(text) - len(text.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
