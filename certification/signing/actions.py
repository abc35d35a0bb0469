"""Keys come, wait, sign and are revoked; many credentials are issued again."""

from datetime import datetime

from sqlmodel import Session

from certification.credentials import keyring
from certification.credentials.actions import reissue
from certification.credentials.keyring import keys as key_files
from certification.credentials.keys import Key, KeyUse, create_key
from certification.signing.models import Reissue, SigningKey
from certification.signing.queries import (
    key_named,
    last_credential,
    next_to_reissue,
    reissue_to_do,
    signing_keys,
)
from certification.signing.rules import FROM_THE_START, PUBLISHED_BEFORE_USE, may_sign
from portal.history.actions import record
from portal.programme.queries import programme_at
from portal.refusal import Refused, mark

BATCH = 50  # credentials a transaction: others write in between


def register_keys(session: Session, *, now: datetime) -> None:
    """Files that no row knows: of a use that has none they sign at once, a later one only after its wait."""
    rows = signing_keys(session)
    known, uses = {row.name for row in rows}, {row.use for row in rows}
    for key in key_files():
        if key.id not in known:
            _register(
                session, key, FROM_THE_START if key.use not in uses else now + PUBLISHED_BEFORE_USE, now=now
            )


def add_key(session: Session, use: KeyUse, *, at_once: bool = False, now: datetime) -> SigningKey:
    """A new key, published now. It signs a day later, when whoever keeps our documents has seen it."""
    serial = _free_serial(session, use, now)
    key = create_key(keyring.folder(), use, now, serial)
    return _register(session, key, now if at_once else now + PUBLISHED_BEFORE_USE, now=now)


def _free_serial(session: Session, use: KeyUse, now: datetime) -> int:
    taken = {key.id for key in key_files()} | {row.name for row in signing_keys(session)}
    for serial in range(1, 10):
        if f"{use}-{now:%Y-%m}" + (f"-{serial}" if serial > 1 else "") not in taken:
            return serial
    raise Refused(mark("Nine keys in one month are enough. Please wait for the next."))


def _register(session: Session, key: Key, signs_from: datetime, *, now: datetime) -> SigningKey:
    row = SigningKey(name=key.id, use=key.use, jwk=key.jwk, added_at=now, signs_from=signs_from)
    session.add(row)
    session.flush()
    record(
        session,
        "signing key added",
        "signing_key",
        row.id,
        by=None,
        now=now,
        after={"name": row.name, "signs_from": signs_from.isoformat()},
    )
    return row


def revoke_key(session: Session, name: str, reason: str, *, now: datetime) -> Reissue | None:
    """Somebody else may have it: nothing that it signed counts any more.

    Another key of its use signs from now on, a new one where none is ready. What a credential key signed is issued
    again; None for the other uses, whose signatures are made anew each day or at each request.
    """
    row = key_named(session, name)
    if row is None or row.revoked_at is not None:
        raise Refused(mark("There is no such key, or it is revoked already."))
    row.revoked_at, row.reason = now, reason
    record(
        session,
        "signing key revoked",
        "signing_key",
        row.id,
        by=None,
        now=now,
        after={"name": name},
        reason=reason,
    )
    session.flush()
    here = {key.id for key in key_files()}
    if not any(
        r.name in here and r.use is row.use and may_sign(r.signs_from, r.revoked_at, now)
        for r in signing_keys(session)
    ):
        add_key(session, row.use, at_once=True, now=now)
    return ask_to_reissue(session, reason, key_id=name, now=now) if row.use is KeyUse.CREDENTIAL else None


def ask_to_reissue(
    session: Session, reason: str, *, key_id: str = "", code: str = "", now: datetime
) -> Reissue:
    """Everything in force up to now that this key signed, or that is of this code."""
    asked = Reissue(
        key_id=key_id,
        code=code,
        up_to_id=last_credential(session),
        reason=reason,
        asked_at=now,
        touched_at=now,
    )
    session.add(asked)
    session.flush()
    record(
        session,
        "credentials to be issued again",
        "reissue",
        asked.id,
        by=None,
        now=now,
        after={"key": key_id, "code": code},
        reason=reason,
    )
    return asked


def reissue_batch(session: Session, reissue_id: int, *, now: datetime) -> bool:
    """Some of what was asked for; whether any is left. Who was issued again is superseded, so that nobody is twice."""
    asked = reissue_to_do(session, reissue_id)
    if asked is None:
        return False
    programme = programme_at(session, now) if asked.code else None
    batch = next_to_reissue(session, asked, BATCH, now)
    for old in batch:
        reissue(session, old, asked.reason, by=None, now=now, programme=programme)
    asked.done += len(batch)
    asked.touched_at = now
    if not batch:
        asked.finished_at = now
        record(
            session,
            "credentials issued again",
            "reissue",
            asked.id,
            by=None,
            now=now,
            after={"done": asked.done},
            reason=asked.reason,
        )
    return bool(batch)
