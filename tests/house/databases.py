"""Databases of their own, for tests that need one: a file, or a new one in the run's PostgreSQL; the demo's story in one."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp

from sqlalchemy import Engine

from demo.story import tell
from portal import __main__ as commands
from portal import clock, context
from portal.db import Sessions, make_engine, make_sessions
from tests.conftest import DATABASE


def fresh_url(name: str) -> str:
    """The address of an empty database."""
    if DATABASE == "sqlite":
        return f"sqlite:///{Path(mkdtemp(prefix='yuqiao-house-')) / f'{name}.db'}"
    import psycopg

    url = os.environ["DATABASE_URL"]
    name = f"{name}_{os.getpid()}_{time.monotonic_ns()}"
    with psycopg.connect(
        url.replace("postgresql+psycopg://", "postgresql://", 1), autocommit=True
    ) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    head, _, query = url.partition("?")
    return head.rsplit("/", 1)[0] + f"/{name}" + (f"?{query}" if query else "")


@contextmanager
def in_force(sessions: Sessions) -> Iterator[None]:
    """Jobs and commands use these sessions for a while."""
    before = list(context._override)
    context.use_sessions(sessions)
    try:
        yield
    finally:
        context.use_sessions(before[-1] if before else None)


@lru_cache(maxsize=1)
def told() -> Engine:
    """`setup` and the demo's story in a database of its own, told once a run. Whoever changes it rolls back."""
    engine = make_engine(fresh_url("story"))
    sessions = make_sessions(engine)
    with in_force(sessions):
        commands.setup()
        tell(sessions, now=clock.now())
    return engine
