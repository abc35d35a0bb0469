"""Where the bytes are: a folder, or an S3-compatible store that nobody but the portal reads. Keys are content hashes."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from portal.refusal import Refused, mark
from portal.settings import Misconfigured, Settings, settings

_KEY = re.compile(r"[0-9a-f]{2}/([0-9a-f]{64})")
_WAIT, _CONNECT = timedelta(seconds=20), timedelta(seconds=3)


class StoreSilent(Refused):
    """The store does not answer; nothing was kept."""

    def __init__(self) -> None:
        super().__init__(
            mark(
                "Files can't be kept or opened at the moment. Nothing was changed; please try again in a few minutes."
            ),
            status=503,
        )


def put(sha256: str, content: bytes) -> None:
    """Keep it, whole or not at all. Done again it is kept anew, so that no sweep takes it for old."""
    try:
        obstore.put(_store(settings()), _key(sha256), content)
    except (BaseError, OSError) as error:
        raise StoreSilent from error


def get(sha256: str) -> bytes:
    try:
        return bytes(obstore.get(_store(settings()), _key(sha256)).bytes())
    except FileNotFoundError as error:
        raise Refused(
            mark("This file is not in the store any more. Please tell the portal's office."), status=410
        ) from error
    except (BaseError, OSError) as error:
        raise StoreSilent from error


def kept_before(before: datetime) -> Iterator[list[str]]:
    """The hashes of everything that was kept before that time, many at a time."""
    try:
        for page in obstore.list(_store(settings()), chunk_size=500):
            yield [
                named[1]
                for one in page
                if one["last_modified"] < before and (named := _KEY.fullmatch(one["path"]))
            ]
    except (BaseError, OSError) as error:
        raise StoreSilent from error


def remove(sha256: str, *, before: datetime) -> bool:
    """Away with it, unless it was kept again since."""
    store = _store(settings())
    try:
        if obstore.head(store, _key(sha256))["last_modified"] >= before:
            return False
        obstore.delete(store, _key(sha256))
    except FileNotFoundError:
        return False
    except (BaseError, OSError) as error:
        raise StoreSilent from error
    return True


def check_store() -> None:
    """Raise `Misconfigured` when a file can't be written, read and removed."""
    store = _store(settings())
    try:
        obstore.put(store, "probe", b"probe")
        whole = bytes(obstore.get(store, "probe").bytes()) == b"probe"
        obstore.delete(store, "probe")
    except (BaseError, OSError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise Misconfigured(f"Not started. The file store of FILES_URL can't be used: {reason}") from error
    if not whole:
        raise Misconfigured("Not started. The file store of FILES_URL gives back something else than it got.")


def _key(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256}"


_opened: dict[tuple[str, ...], LocalStore | S3Store] = {}


def _store(chosen: Settings) -> LocalStore | S3Store:
    """One a process for each place; it keeps its connections."""
    place = (
        chosen.files_url,
        chosen.files_s3_endpoint,
        chosen.files_s3_region,
        chosen.files_s3_access_key,
        chosen.files_s3_secret,
        str(chosen.data_dir),
    )
    if place not in _opened:
        _opened[place] = _open(chosen)
    return _opened[place]


def _open(chosen: Settings) -> LocalStore | S3Store:
    if not chosen.files_url:
        return LocalStore(chosen.data_dir / "files", mkdir=True)
    url, region = urlsplit(chosen.files_url), chosen.files_s3_region or "us-east-1"
    return S3Store(
        url.hostname,
        prefix=url.path.strip("/") or None,
        access_key_id=chosen.files_s3_access_key,
        secret_access_key=chosen.files_s3_secret,
        region=region,
        endpoint=chosen.files_s3_endpoint or f"https://s3.{region}.amazonaws.com",
        client_options={
            "timeout": _WAIT,
            "connect_timeout": _CONNECT,
            "allow_http": not chosen.production,
        },
        retry_config={"max_retries": 2, "retry_timeout": _WAIT},
    )
