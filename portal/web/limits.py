"""Limits on what and how often: in this process's memory, until limits across processes are needed."""

import threading
import time
from collections import defaultdict, deque
from typing import cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

UPLOAD_BYTES = 12 * 1024 * 1024  # a 10 MB file and the fields around it
DRAIN_BYTES = 100 * 1024 * 1024

_lock = threading.Lock()
_seen: dict[str, deque[float]] = defaultdict(deque)


def attempts_left(key: str, *, most: int, seconds: float) -> bool:
    """Count an attempt; False when there were `most` within `seconds` already."""
    at = time.monotonic()
    with _lock:
        times = _seen[key]
        while times and times[0] < at - seconds:
            times.popleft()
        if len(times) >= most:
            return False
        times.append(at)
        if len(_seen) > 100_000:
            _seen.clear()
        return True


def forget_attempts() -> None:
    with _lock:
        _seen.clear()


class ReadTooLarge:
    """Read an oversized upload to its end before it is refused: a browser that is cut off in the middle shows
    an error of its own, and nobody would learn that the file was too large."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            headers = dict(scope["headers"])
            length = headers.get(b"content-length", b"0")
            size = int(length) if length.isdigit() else 0
            if UPLOAD_BYTES < size <= DRAIN_BYTES:
                read, more = 0, True
                while more and read <= DRAIN_BYTES:
                    message = await receive()
                    read += len(cast("bytes", message.get("body", b"")))
                    more = bool(message.get("more_body"))
        await self.app(scope, receive, send)
