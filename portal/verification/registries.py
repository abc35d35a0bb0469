"""Outside registries of organisations, and the risk list. A further registry is one class and one line below."""

import csv
import json
import time
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import httpx

from portal.settings import settings
from portal.verification.rules import Answer, Entry, NoRegistry, Risk, Unavailable

TIMEOUT_SECONDS = 8.0  # for the whole answer, however slowly it drips
MOST_BYTES = 64 * 1024
COLUMNS = ("credit_code", "legal_name", "status", "representative", "scope", "registered_on", "region")


class Registry(Protocol):
    """Asked outside of any transaction; it never raises for what the other side does."""

    def look_up(self, credit_code: str) -> Answer: ...


class Nobody:
    """No registry is connected: a person compares everything."""

    def look_up(self, credit_code: str) -> Answer:  # noqa: ARG002
        return NoRegistry()


class CsvRegistry:
    """An export with the columns of `COLUMNS`, UTF-8; read again when the file changes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def look_up(self, credit_code: str) -> Answer:
        try:
            return _entries(self.path, self.path.stat().st_mtime_ns).get(credit_code)
        except (OSError, ValueError, KeyError, csv.Error) as problem:
            return Unavailable(f"{type(problem).__name__}: {self.path.name}", again=False)


class HttpRegistry:
    """JSON over HTTP, see `docs/registries.md`: `GET <address>/<credit code>` answers 200 with an entry or 404."""

    def __init__(self, address: str, token: str = "", *, seconds: float = TIMEOUT_SECONDS) -> None:
        self.address, self.seconds = address.rstrip("/"), seconds
        self.headers = {"Accept": "application/json"} | (
            {"Authorization": f"Bearer {token}"} if token else {}
        )

    def look_up(self, credit_code: str) -> Answer:
        try:
            status, content = self._fetch(f"{self.address}/{credit_code}")
        except (httpx.HTTPError, TimeoutError, OSError) as problem:
            return Unavailable(type(problem).__name__)
        if status == 404:
            return None
        if status != 200:
            return Unavailable(f"HTTP {status}", again=status >= 500 or status == 429)
        try:
            entry = _entry(json.loads(content))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return Unavailable("not an entry", again=False)
        return entry if entry.credit_code == credit_code else Unavailable("another credit code", again=False)

    def _fetch(self, url: str) -> tuple[int, bytes]:
        """No redirects: the token goes nowhere else."""
        until = time.monotonic() + self.seconds
        with httpx.stream("GET", url, headers=self.headers, timeout=self.seconds) as answer:
            content = b""
            for part in answer.iter_bytes():
                content += part
                if len(content) > MOST_BYTES:
                    break  # no entry is that long
                if time.monotonic() > until:
                    raise TimeoutError
            return answer.status_code, content


def registry() -> Registry:
    """The one that the settings name."""
    address = settings().registry_address
    if not address:
        return Nobody()
    if address.startswith("file:"):
        return CsvRegistry(_path(address))
    return HttpRegistry(address, settings().registry_token)


def risk_list() -> tuple[Risk, ...] | None:
    """The lines of RISK_LIST (columns name, code, reason); none when unset, None when it cannot be read."""
    if not settings().risk_list:
        return ()
    try:
        path = _path(settings().risk_list)
        return _risks(path, path.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError, csv.Error):
        return None


def _path(address: str) -> Path:
    return Path(address.removeprefix("file://").removeprefix("file:"))


@lru_cache(maxsize=2)
def _entries(path: Path, _changed: int) -> dict[str, Entry]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        entries = [_entry(row) for row in csv.DictReader(file)]
    return {entry.credit_code: entry for entry in entries}


@lru_cache(maxsize=2)
def _risks(path: Path, _changed: int) -> tuple[Risk, ...]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return tuple(
            Risk(row["name"].strip(), row["code"].strip().upper(), row["reason"].strip())
            for row in csv.DictReader(file)
        )


def _entry(row: Any) -> Entry:
    """Raises for what is no entry: code and name must be there, every field must be text."""
    said = {name: row.get(name) or "" for name in COLUMNS}
    if not all(isinstance(value, str) for value in said.values()):
        raise TypeError
    said = {name: value.strip()[:2000] for name, value in said.items()}
    if not said["credit_code"] or not said["legal_name"]:
        raise ValueError
    registered = said.pop("registered_on")
    return Entry(**said, registered_on=date.fromisoformat(registered) if registered else None)
