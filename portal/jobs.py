"""The broker, and how a transaction sends jobs: after its commit or not at all.

Import this module before any actor: actors bind to the broker that is set at that moment.
"""

from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import AgeLimit, Callbacks, Pipelines, Retries, ShutdownNotifications, TimeLimit
from sqlmodel import Session

from portal.settings import settings


def _make_broker() -> dramatiq.Broker:
    middleware = [
        AgeLimit(),
        TimeLimit(time_limit=60_000),
        ShutdownNotifications(),
        Callbacks(),
        Pipelines(),
        Retries(max_retries=5, min_backoff=1_000, max_backoff=60_000),
    ]
    if settings().redis_url:
        return RedisBroker(url=settings().redis_url, middleware=middleware)  # type: ignore[no-untyped-call]
    # In-process queue: what a crash loses, the sweep finds again, for every due job is a row first.
    return StubBroker(middleware=middleware)


broker = _make_broker()
dramatiq.set_broker(broker)


def enqueue(session: Session, actor: "dramatiq.Actor[Any, Any]", *ids: int) -> None:
    """Send `actor(*ids)` once this session has committed. Jobs take ids only and are safe to run twice."""
    session.info.setdefault("jobs", []).append(actor.message(*ids))


def release_jobs(session: Session) -> None:
    for message in session.info.pop("jobs", []):
        broker.enqueue(message)


def drop_jobs(session: Session) -> None:
    session.info.pop("jobs", None)
