"""A served portal with a real SMTP server and a real Chromium."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from portal.settings import ROOT
from tests.conftest import DATABASE

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PICTURES = ROOT / "docs" / "screenshots"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser" in str(item.path):
            item.add_marker("browser")
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium was found"))


class Mailbox:
    """Every mail the portal sent, as an SMTP server received it."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, str]] = []

    async def handle_DATA(self, _server: object, _session: object, envelope) -> str:  # noqa: N802  aiosmtpd's name
        message = message_from_bytes(envelope.content, policy=policy.default)
        self.mails += [(address.lower(), message.get_content()) for address in envelope.rcpt_tos]
        return "250 OK"

    def link(self, address: str, containing: str, *, nth: int = 1) -> str:
        """The address in the nth mail to somebody that holds such a link; waits for it."""
        for _ in range(150):
            found = [
                m.group()
                for to, text in self.mails
                if to == address
                for m in re.finditer(r"http\S+", text)
                if containing in m.group()
            ]
            if len(found) >= nth:
                return found[nth - 1]
            time.sleep(0.1)
        raise AssertionError(f"no mail to {address} with {containing}; there are {self.mails}")


class Served:
    """`yuqiao serve` in a process of its own, which can be stopped and started again on the same data."""

    def __init__(self, folder: Path, database_url: str, smtp: str, host: str = "127.0.0.1") -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.base = f"http://{host}:{self.port}"
        self.environment = {
            **os.environ,
            "DATA_DIR": str(folder),
            "DATABASE_URL": database_url,
            "SMTP_URL": smtp,
            "DEMO": "1",
            "PORT": str(self.port),
            "PUBLIC_URL": self.base,
            "REDIS_URL": "",
        }
        self.log = folder / "server.log"
        self.process: subprocess.Popen | None = None

    def start(self, *, days_ahead: int = 0) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "portal", "serve"],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                env={**self.environment, "CLOCK_AHEAD_DAYS": str(days_ahead)},
            )
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"{self.base}/healthz", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                assert self.process.poll() is None, self.log.read_text()[-3000:]
                time.sleep(0.1)
        raise AssertionError("the portal did not start: " + self.log.read_text()[-3000:])

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=20)


@pytest.fixture(scope="package")  # not longer: its event loop would stand in the way of other tests'
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, str]]:
    mails = Mailbox()
    controller = Controller(mails, hostname="127.0.0.1", port=0)
    # Port 0 asks the system; aiosmtpd's own check needs the real one.
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        controller.port = free.getsockname()[1]
    controller.start()
    yield mails, f"smtp://127.0.0.1:{controller.port}"
    controller.stop()


def fresh_database(folder: Path, template: str = "") -> str:
    """A database of its own: a file, or a new database in the test run's PostgreSQL (`template`: its address)."""
    if DATABASE == "sqlite":
        return f"sqlite:///{folder / 'yuqiao.db'}"
    import psycopg

    url = os.environ["DATABASE_URL"].replace("postgresql+psycopg://", "postgresql://", 1)
    name = f"browser_{os.getpid()}_{time.monotonic_ns()}"
    like = f" TEMPLATE {template.partition('?')[0].rpartition('/')[2]}" if template else ""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}{like}")  # type: ignore[arg-type]
    head, _, query = os.environ["DATABASE_URL"].partition("?")
    return head.rsplit("/", 1)[0] + f"/{name}" + (f"?{query}" if query else "")


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The demo told once, to be copied: its folder and its database. Telling it takes longer than most walks."""
    folder = tmp_path_factory.mktemp("told")
    portal = Served(folder, fresh_database(folder), "")
    portal.start()
    portal.stop()
    return folder, portal.environment["DATABASE_URL"]


@pytest.fixture(scope="package")
def shown(tmp_path_factory: pytest.TempPathFactory, told: tuple[Path, str]) -> Iterator[Served]:
    """One served demo for the tests that only read. Nothing leaves it, so it needs no mail server."""
    folder: Path = tmp_path_factory.mktemp("shown")
    shutil.copytree(told[0], folder, dirs_exist_ok=True)
    portal = Served(folder, fresh_database(folder, told[1]), "")
    portal.start()
    yield portal
    portal.stop()


@pytest.fixture
def served(tmp_path: Path, mailbox: tuple[Mailbox, str], request: pytest.FixtureRequest) -> Iterator[Served]:
    """A portal with the demo. A test whose module says `OWN_STORY` gets one told under its own address."""
    template = ""
    if not getattr(request.module, "OWN_STORY", False):
        folder, template = request.getfixturevalue("told")
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    portal = Served(tmp_path, fresh_database(tmp_path, template), mailbox[1])
    portal.start()
    yield portal
    portal.stop()


@pytest.fixture
def person(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """`person(width=360, scripts=True, language="zh-CN")`: a page in a browser of one's own."""
    contexts: list[BrowserContext] = []

    def open_page(*, width: int = 1280, scripts: bool = True, language: str = "zh-CN") -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 800},
            locale=language,
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()
