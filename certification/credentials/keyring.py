"""The keys in use: which sign now, and the public documents that name them.

A key is a file, and a row that says since when it signs. Files of a use without any row sign at once: a folder that
is older than the rows.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlmodel import Session

from certification.credentials.keys import (
    Key,
    KeyUse,
    PublicKey,
    create_key,
    did_document,
    did_web,
    jwks,
    load_keys,
)
from certification.credentials.openbadges import Issuer
from certification.signing import queries
from certification.signing.models import SigningKey
from certification.signing.rules import may_sign, still_published
from portal.settings import Misconfigured, settings


def folder() -> Path:
    return settings().data_dir / "keys"


@lru_cache(maxsize=4)
def _load(place: Path, _changed: int) -> tuple[Key, ...]:
    return load_keys(place)


def keys() -> tuple[Key, ...]:
    """All keys whose private part is here, read again when the folder changed."""
    place = folder()
    return _load(place, place.stat().st_mtime_ns) if place.exists() else ()


def ensure_keys(now: datetime) -> None:
    """One key of each use, made on first start."""
    have = {key.use for key in keys()}
    for use in KeyUse:
        if use not in have:
            create_key(folder(), use, now)


def check(session: Session) -> None:
    """Raise Misconfigured when what is in the folder can't be read, or is not what the rows say."""
    try:
        here = {key.id: key for key in keys()}
    except (OSError, ValueError) as problem:
        raise Misconfigured(f"Not started. {problem}") from problem
    rows = queries.signing_keys(session)
    other = [row.name for row in rows if row.name in here and here[row.name].jwk != row.jwk]
    if other:
        raise Misconfigured(f"Not started. Not the keys that were published: {', '.join(other)}.")
    missing = sorted({r.use for r in rows} - {r.use for r in rows if r.name in here and not r.revoked_at})
    if missing:
        raise Misconfigured(f"Not started. {folder()} lacks the files of the keys for: {', '.join(missing)}.")


def current(session: Session, use: KeyUse, now: datetime) -> Key:
    """The newest key of that use that may sign now."""
    return signing(queries.signing_keys(session), use, now)


def signing(rows: Iterable[SigningKey], use: KeyUse, now: datetime) -> Key:
    """The same, of rows that were read already. Misconfigured when there is none."""
    here = {key.id: key for key in keys() if key.use is use}
    of_use = [row for row in rows if row.use is use]
    ready = [r for r in of_use if r.name in here and may_sign(r.signs_from, r.revoked_at, now)]
    if ready:
        return here[max(ready, key=lambda row: (row.signs_from, row.name)).name]
    if here and not of_use:
        return here[max(here)]
    raise Misconfigured(f"No {use} key in {folder()} may sign now. See `yuqiao keys list`.")


def published(session: Session, now: datetime) -> tuple[list[PublicKey], dict[str, datetime]]:
    """What the public documents name, in the order of their making, and which were revoked when."""
    rows = queries.signing_keys(session)
    with_rows = {row.use for row in rows}
    public = [key.public for key in keys() if key.use not in with_rows]
    needed = queries.keys_in_force(session, now)
    oldest = queries.oldest_award_in_force(session, now)
    for row in rows:
        after = min((o.signs_from for o in rows if o.use is row.use and _follows(o, row)), default=None)
        if row.revoked_at or still_published(
            row.use, after, now, in_force=row.name in needed, oldest_award=oldest
        ):
            public.append(PublicKey(row.name, row.jwk))
    return public, {row.name: row.revoked_at for row in rows if row.revoked_at}


def _follows(other: SigningKey, row: SigningKey) -> bool:
    return other.revoked_at is None and (other.signs_from, other.name) > (row.signs_from, row.name)


def issuer(base: str | None = None) -> Issuer:
    """`base` is an earlier address of ours when somebody asks for what was issued under it."""
    base = base or settings().base_url
    return Issuer(did=did_web(base), name="域桥登记处 Yuqiao Registry", url=f"{base}/issuer")


def method(key: Key, base: str | None = None) -> str:
    """The DID URL by which a proof names its key."""
    return f"{did_web(base or settings().base_url)}#{key.id}"


def public_did(session: Session, base: str, now: datetime) -> dict[str, Any]:
    public, revoked = published(session, now)
    return did_document(base, public, revoked)


def public_jwks(session: Session, base: str, now: datetime) -> dict[str, Any]:
    public, revoked = published(session, now)
    return jwks(base, [key for key in public if key.id not in revoked])
