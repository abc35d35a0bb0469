"""Count what is tried, so that all processes see it."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, delete

from portal.limits.models import Attempt
from portal.refusal import mark

TOO_MANY = mark("That was a lot of tries. Please wait an hour; nothing is lost.")
KEPT = timedelta(days=2)  # longer than any window


def count_attempt(session: Session, key: str, *, most: int, seconds: float, now: datetime) -> bool:
    """Count an attempt in this transaction; False when there were `most` within `seconds` of the first already.

    One statement, so that two processes cannot both be the last one let in.
    """
    insert: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[session.get_bind().dialect.name]
    over = col(Attempt.began_at) <= now - timedelta(seconds=seconds)
    tries: int = session.exec(
        insert(Attempt)
        .values(key_hash=hashlib.sha256(key.encode()).hexdigest(), began_at=now, tries=1)
        .on_conflict_do_update(
            index_elements=["key_hash"],
            set_={
                "began_at": case((over, now), else_=col(Attempt.began_at)),
                "tries": case((over, 1), else_=col(Attempt.tries) + 1),
            },
        )
        .returning(col(Attempt.tries))
    ).scalar_one()
    return tries <= most


def forget_attempts(session: Session, *, before: datetime) -> None:
    session.exec(delete(Attempt).where(col(Attempt.began_at) < before))
