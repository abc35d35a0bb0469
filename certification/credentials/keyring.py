"""The keys in use: which sign now, and the public documents that name them."""

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from certification.credentials.keys import Key, KeyUse, create_key, did_document, did_web, jwks, load_keys
from certification.credentials.openbadges import Issuer
from portal.settings import settings


def _folder() -> Path:
    return settings().data_dir / "keys"


@lru_cache(maxsize=4)
def _load(folder: Path, _changed: int) -> tuple[Key, ...]:
    return load_keys(folder)


def keys() -> tuple[Key, ...]:
    """All keys, read again when the folder changed."""
    folder = _folder()
    return _load(folder, folder.stat().st_mtime_ns) if folder.exists() else ()


def ensure_keys(now: datetime) -> None:
    """One key of each use, made on first start."""
    have = {key.use for key in keys()}
    for use in KeyUse:
        if use not in have:
            create_key(_folder(), use, now)


def current(use: KeyUse) -> Key:
    """The newest key of that use."""
    return max((key for key in keys() if key.use is use), key=lambda key: key.id)


def issuer() -> Issuer:
    return Issuer(
        did=did_web(settings().base_url),
        name="域桥登记处 Yuqiao Registry",
        url=f"{settings().base_url}/issuer",
    )


def method(key: Key) -> str:
    """The DID URL by which a proof names its key."""
    return f"{did_web(settings().base_url)}#{key.id}"


def public_did() -> dict[str, Any]:
    return did_document(settings().base_url, keys())


def public_jwks() -> dict[str, Any]:
    return jwks(settings().base_url, keys())
