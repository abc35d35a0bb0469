"""Engine, session, and the one place that commits."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.orm import sessionmaker
from sqlmodel import Session

from portal.history.actions import seal
from portal.jobs import drop_jobs, release_jobs

Sessions = sessionmaker[Session]


def make_engine(url: str) -> Engine:
    """SQLite: WAL, foreign keys, writers one after another. PostgreSQL: a small pool, checked before use."""
    if not url.startswith("sqlite"):
        return create_engine(url, pool_size=10, max_overflow=30, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": 15})

    @event.listens_for(engine, "connect")
    def configure(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # the driver leaves BEGIN to the listener below
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=15000"):
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A reader that turns writer halfway can only fail; so a transaction says at its start what it is.
        reads = connection.get_execution_options().get("read_only", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def make_sessions(bind: Engine | Connection) -> Sessions:
    return sessionmaker(bind=bind, class_=Session, expire_on_commit=False, autoflush=True)


@contextmanager
def transaction(sessions: Sessions, *, read_only: bool = False) -> Iterator[Session]:
    """One transaction: chain what was recorded, commit, let the jobs leave; on any exception roll back and drop them."""
    session = sessions()
    if read_only:
        session.connection(execution_options={"read_only": True})
    try:
        yield session
        seal(session)
        session.commit()
    except BaseException:
        session.rollback()
        drop_jobs(session)
        raise
    finally:
        session.close()
    release_jobs(session)
