"""Secrets that must be read again are kept encrypted; those that must only be compared, as keyed hashes."""

import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from portal.settings import settings

NONCE_BYTES = 12


def _key(purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"yuqiao {purpose}".encode()).derive(
        settings().secret.encode()
    )


def seal(secret: str, owner: str) -> str:
    """Readable only with SECRET_KEY, and only as that owner's."""
    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(_key("second factors")).encrypt(nonce, secret.encode(), owner.encode())
    return urlsafe_b64encode(nonce + sealed).decode()


def unseal(sealed: str, owner: str) -> str:
    """Raises `cryptography.exceptions.InvalidTag` when SECRET_KEY is another than it was."""
    raw = urlsafe_b64decode(sealed)
    return (
        AESGCM(_key("second factors")).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], owner.encode()).decode()
    )


def keyed_hash(text: str, owner: str) -> str:
    return hmac.new(_key("recovery codes"), f"{owner}:{text}".encode(), "sha256").hexdigest()
