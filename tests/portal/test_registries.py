"""Registries as they are: a file, and a real HTTP server that is slow, broken, or answers rubbish."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from portal.settings import settings
from portal.verification.registries import (
    COLUMNS,
    CsvRegistry,
    HttpRegistry,
    Nobody,
    registry,
    risk_list,
)
from portal.verification.rules import Entry, NoRegistry, Risk, Unavailable

CODE = "91310000MA0000001"
ENTRY = {
    "credit_code": CODE,
    "legal_name": "上海晴川数字科技有限公司",
    "status": "存续",
    "representative": "顾晴川",
    "scope": "软件开发",
    "registered_on": "2020-01-02",
    "region": "上海市",
}


class Server(ThreadingHTTPServer):
    status, content, seconds, drip = 200, json.dumps(ENTRY).encode(), 0.0, 0.0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str | None]] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        time.sleep(self.server.seconds)
        try:
            self.send_response(self.server.status)
            if self.server.status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(self.server.content)))
            self.end_headers()
            if self.server.drip:
                for byte in self.server.content:
                    self.wfile.write(bytes([byte]))
                    time.sleep(self.server.drip)
            else:
                self.wfile.write(self.server.content)
        except OSError:
            pass

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def http(server: Server, **options) -> HttpRegistry:
    return HttpRegistry(f"http://127.0.0.1:{server.server_port}/organisations/", **options)


def test_an_entry_with_the_token(server):
    found = http(server, token="secret").look_up(CODE)
    assert isinstance(found, Entry)
    assert (found.legal_name, found.registered_on.isoformat()) == (ENTRY["legal_name"], "2020-01-02")
    assert server.asked == [(f"/organisations/{CODE}", "Bearer secret")]


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        (404, b"", None),
        (500, b"oops", Unavailable("HTTP 500", again=True)),
        (429, b"", Unavailable("HTTP 429", again=True)),
        (401, b"", Unavailable("HTTP 401", again=False)),
        (302, b"", Unavailable("HTTP 302", again=False)),
        (200, b"<html>", Unavailable("not an entry", again=False)),
        (200, b"[]", Unavailable("not an entry", again=False)),
        (200, b"[" * 60_000, Unavailable("not an entry", again=False)),
        (200, json.dumps(ENTRY | {"legal_name": ""}).encode(), Unavailable("not an entry", again=False)),
        (200, json.dumps(ENTRY | {"scope": ["x"]}).encode(), Unavailable("not an entry", again=False)),
        (
            200,
            json.dumps(ENTRY | {"registered_on": "yesterday"}).encode(),
            Unavailable("not an entry", again=False),
        ),
        (
            200,
            json.dumps(ENTRY | {"credit_code": "another"}).encode(),
            Unavailable("another credit code", again=False),
        ),
        (200, b" " * 100_000, Unavailable("not an entry", again=False)),
    ],
)
def test_every_bad_answer(server, status, content, expected):
    server.status, server.content = status, content
    assert http(server).look_up(CODE) == expected
    assert len(server.asked) == 1  # no redirect is followed


def test_a_slow_server_is_not_waited_for(server):
    server.seconds = 1.5
    assert http(server, seconds=0.3).look_up(CODE) == Unavailable("ReadTimeout")


def test_nor_one_that_drips(server):
    server.drip = 0.1
    began = time.monotonic()
    assert http(server, seconds=0.5).look_up(CODE) == Unavailable("TimeoutError")
    assert time.monotonic() - began < 3


def test_nobody_is_there():
    assert HttpRegistry("http://127.0.0.1:9").look_up(CODE) == Unavailable("ConnectError")


def test_a_file(tmp_path):
    path = tmp_path / "registry.csv"
    path.write_text(",".join(COLUMNS) + "\n" + ",".join(ENTRY.values()) + "\n", encoding="utf-8-sig")
    found = CsvRegistry(path).look_up(CODE)
    assert isinstance(found, Entry)
    assert found.representative == "顾晴川"
    assert CsvRegistry(path).look_up("x") is None
    path.write_text("something,else\n1,2\n")
    assert CsvRegistry(path).look_up(CODE) == Unavailable("ValueError: registry.csv", again=False)
    path.unlink()
    assert CsvRegistry(path).look_up(CODE) == Unavailable("FileNotFoundError: registry.csv", again=False)


def test_the_settings_choose(monkeypatch, tmp_path):
    assert isinstance(registry(), Nobody)
    assert registry().look_up(CODE) == NoRegistry()
    monkeypatch.setattr(settings(), "registry", "https://registry.example")
    assert isinstance(registry(), HttpRegistry)
    monkeypatch.setattr(settings(), "registry", f"file:{tmp_path / 'r.csv'}")
    assert isinstance(registry(), CsvRegistry)


def test_the_risk_list(monkeypatch, tmp_path):
    assert risk_list() == ()
    path = tmp_path / "risk.csv"
    monkeypatch.setattr(settings(), "risk_list", str(path))
    assert risk_list() is None
    path.write_text("name,code,reason\n某公司,91x,court\n", encoding="utf-8")
    assert risk_list() == (Risk("某公司", "91X", "court"),)
    path.write_text("name\nx\n", encoding="utf-8")
    assert risk_list() is None
