"""Since when a key signs, and how long it stays published."""

from datetime import UTC, datetime, timedelta

PUBLISHED_BEFORE_USE = timedelta(hours=24)  # verifiers may keep our documents for a while
FROM_THE_START = datetime(2000, 1, 1, tzinfo=UTC)  # the first key of a use has nobody to wait for
LISTS_LAST = timedelta(days=3)  # a signed status list is good for two days


def may_sign(signs_from: datetime, revoked_at: datetime | None, now: datetime) -> bool:
    return revoked_at is None and signs_from <= now


def still_published(
    use: str, followed_at: datetime | None, now: datetime, *, in_force: bool, oldest_award: datetime | None
) -> bool:
    """Whether somebody may still hold a thing in force that this key signed.

    `followed_at`: when the next key of its use began to sign. `oldest_award`: of the credentials in force; a JWT
    is made at request and not kept, so one of that credential may carry every signature since.
    """
    if followed_at is None or followed_at > now:
        return True
    if use == "status":
        return now < followed_at + LISTS_LAST
    if use == "jwt":
        return oldest_award is not None and oldest_award < followed_at
    return in_force
