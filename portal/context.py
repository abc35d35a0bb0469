"""The running process's session factory, for jobs and commands; the web app keeps the same one in its state."""

from functools import lru_cache

from portal.db import Sessions, make_engine, make_sessions
from portal.settings import settings

_override: list[Sessions] = []


@lru_cache(maxsize=1)
def _sessions() -> Sessions:
    if settings().database.startswith("sqlite:///"):
        settings().data_dir.mkdir(parents=True, exist_ok=True)
    return make_sessions(make_engine(settings().database))


def sessions() -> Sessions:
    return _override[-1] if _override else _sessions()


def use_sessions(factory: Sessions | None) -> None:
    """Tests put their own, rolled-back sessions here; None takes them away."""
    _override.clear()
    if factory is not None:
        _override.append(factory)
