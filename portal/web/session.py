"""The transaction of a request: begun before its handler, ended after it, always with a thread to end it in."""

import asyncio
import contextvars
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakKeyDictionary

from litestar import Request
from litestar.concurrency import set_asyncio_executor
from litestar.datastructures import State
from sqlmodel import Session

from portal.db import transaction
from portal.web.forms import Form

THREADS = 32
# Handlers wait for locks in threads of their own; whoever holds the lock ends its transaction in another. With one
# pool for both, a crowd of waiting handlers takes every thread, and the one they wait for finds none to commit in.
_handlers = ThreadPoolExecutor(THREADS, "handler")
_endings = ThreadPoolExecutor(THREADS, "ending")
_writing: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


def use_threads() -> None:
    """Handlers get a pool of their own; without this they share the loop's, of six threads on two cores."""
    set_asyncio_executor(_handlers)


async def _in_thread(call: Callable[..., Any], *arguments: Any) -> Any:
    run = contextvars.copy_context().run
    return await asyncio.get_running_loop().run_in_executor(_endings, run, call, *arguments)


@asynccontextmanager
async def _turn(state: State, *, reads: bool) -> AsyncIterator[None]:
    """SQLite has one writer: requests queue for it in the order they came, and hold no thread meanwhile."""
    if reads or not state.sqlite:
        yield
        return
    async with _writing.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
        yield


async def open_session(state: State, request: Request, form: Form) -> AsyncIterator[Session]:  # noqa: ARG001
    """Dependency `session`. Only handlers touch it.

    It names `form` so that the body has been read before: nobody else waits for a slow upload.
    """
    opt = request.route_handler.opt
    reads = bool(opt.get("reads")) or (request.method in ("GET", "HEAD") and not opt.get("writes"))
    async with _turn(state, reads=reads):
        manager = transaction(state.sessions, read_only=reads)
        session = await _in_thread(manager.__enter__)
        try:
            yield session
        except BaseException as problem:
            await _in_thread(manager.__exit__, type(problem), problem, problem.__traceback__)
            raise
        await _in_thread(manager.__exit__, None, None, None)
