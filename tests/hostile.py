"""What a hostile or hasty user sends, and a database of its own for two who do it in the same moment."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any, TypeVar

from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Connection
from sqlmodel import Session

from portal import __main__ as commands
from portal import clock
from portal.accounts import actions as accounts
from portal.accounts.models import Person
from portal.app import create_app
from portal.db import Sessions, make_engine, make_sessions, transaction
from tests.house.databases import fresh_url, in_force
from tests.pages import Browse, Page

T = TypeVar("T")

NUMBERS = [
    "-1",
    "1" + "0" * 30,
    "9" * 5000,
    "nan",
    "inf",
    "1e400",
    "１２",
    "²",
    "1.5",
    "2147483648",
    "9999-12-31",
]
WORDS = [
    "x" * 100_000,
    "a\0b\x08\x1b[2J\u202egnp.exe\u2066\ufeff\u200b😀",
    "=1+1<script>alert(1)</script> 100% %(name)s %s {{ 7*7 }}{% raw %} ' OR 1=1 --",
    "none",
]
# One line, in which everything is that any layer could take for its own.
NASTY = "50% %(n)s %s{{7*7}}<xx>&\"'😀"


def is_answer(page: Page) -> bool:
    """A page or a sentence; never a crash, never a stack trace."""
    return page.status in (200, 303, 400, 403, 404, 409, 410, 413, 422)


def try_all(
    browse: Browse,
    connection: Connection,
    path: str,
    good: dict[str, Any],
    *,
    files: dict[str, Any] | None = None,
) -> Iterator[tuple[str, str, Page]]:
    """Each field of a form in turn with hostile values, absent, twice, or as a file; all is rolled back.

    A field gets a few of them, the next field others, so that a long form is done in seconds.
    """
    for nth, (name, usual) in enumerate(good.items()):
        first = usual[0] if isinstance(usual, list) else usual
        numbers = [NUMBERS[(3 * nth + i) % len(NUMBERS)] for i in range(4 if first[:1].isdigit() else 1)]
        words = [WORDS[(nth + i) % len(WORDS)] for i in range(1 if first[:1].isdigit() else 2)]
        for value in [*numbers, *words]:
            yield name, repr(value)[:40], once(browse, connection, path, good | {name: value}, files)
        rest = {k: v for k, v in good.items() if k != name}
        match nth % 3:
            case 0:
                yield name, "absent", once(browse, connection, path, rest, files)
            case 1:
                yield name, "twice", once(browse, connection, path, good | {name: [first, "zz"]}, files)
            case _:
                upload = (files or {}) | {name: ("x.txt", b"text")}
                yield name, "a file", once(browse, connection, path, rest, upload)


def once(
    browse: Browse,
    connection: Connection,
    path: str,
    fields: dict[str, Any],
    files: dict[str, Any] | None = None,
) -> Page:
    """Send it, and take back what it did."""
    nested = connection.begin_nested()
    page = browse.post(path, fields, files=files, follow=False)
    nested.rollback()
    browse.session.expire_all()
    return page


def strange(path: str, good: dict[str, Any], tried: Iterator[tuple[str, str, Page]]) -> list[str]:
    """What was answered otherwise than with a page, a redirect or a sentence that reads as one."""
    wrong = []
    for name, value, page in tried:
        said = " ".join(page.errors) if page.tree is not None else ""
        if not is_answer(page) or (
            page.status == 422 and ("None" in said or "%(" in said.replace("%(name)s", ""))
        ):
            wrong.append(f"{path} {name}={value}: {page.status} {said[:80]}")
    return wrong


def ask(
    app: Litestar,
    path: str,
    *,
    method: str = "GET",
    headers: list[tuple[bytes, bytes]] | None = None,
    body: bytes = b"",
) -> tuple[int, dict[bytes, bytes], bytes]:
    """Bytes as they are, which no client library would send."""
    import anyio

    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    head, _, query = path.partition("?")
    scope: Any = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": head,
        "raw_path": head.encode(),
        "query_string": query.encode("latin-1"),
        "root_path": "",
        "headers": [(b"host", b"testserver"), *(headers or [])],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }
    anyio.run(app, scope, receive, send)
    start = next(m for m in sent if m["type"] == "http.response.start")
    text = b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body")
    return start["status"], dict(start["headers"]), text


class Alone:
    """A portal with a database of its own, whose requests commit: for two who act in the same moment."""

    def __init__(self) -> None:
        self.sessions: Sessions = make_sessions(make_engine(fresh_url("hostile")))
        with in_force(self.sessions):
            commands.setup()
        self.app = create_app(self.sessions, with_workers=False)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with transaction(self.sessions) as session:
            yield session

    def client(self, person: Person | None = None) -> Callable[..., Any]:
        """`post(path, fields)` of a browser of its own."""
        client = TestClient(self.app)
        client.headers["accept-language"] = "en"
        client.get("/sign-in")
        if person is not None:
            with self.transaction() as session:
                token = accounts.open_session(
                    session, person, browser="test", now=clock.now(), second_factor=True
                )
            client.cookies.set("session", token)

        def post(path: str, fields: dict[str, Any] | None = None, **more: Any) -> Any:
            data = {**(fields or {}), "_csrf_token": client.cookies["csrf"]}
            return client.post(path, data=data, follow_redirects=False, **more)

        return post


def race(*calls: Callable[[], T]) -> list[T]:
    """All at once; their answers in order."""
    gate = Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        gate.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
