"""Keys, and what was signed with them."""

from datetime import datetime

from sqlmodel import Session, col, func, select

from certification.credentials.models import Credential
from certification.credentials.rules import CredentialStatus
from certification.signing.models import Reissue, SigningKey


def signing_keys(session: Session) -> list[SigningKey]:
    return list(session.exec(select(SigningKey).order_by(col(SigningKey.id))))


def key_named(session: Session, name: str) -> SigningKey | None:
    return session.exec(select(SigningKey).where(SigningKey.name == name).with_for_update()).first()


def keys_in_force(session: Session, now: datetime) -> dict[str, int]:
    """How many credentials in force each key signed; suspended ones may come back."""
    rows = session.exec(
        select(Credential.key_id, func.count())
        .where(
            col(Credential.status).in_([CredentialStatus.ACTIVE, CredentialStatus.SUSPENDED]),
            Credential.valid_until > now,
        )
        .group_by(Credential.key_id)
    )
    return dict(rows.all())


def oldest_award_in_force(session: Session, now: datetime) -> datetime | None:
    return session.exec(
        select(Credential.awarded_at)
        .where(
            col(Credential.status).in_([CredentialStatus.ACTIVE, CredentialStatus.SUSPENDED]),
            Credential.valid_until > now,
        )
        .order_by(col(Credential.awarded_at))
        .limit(1)
    ).first()


def last_credential(session: Session) -> int:
    return session.exec(select(func.max(Credential.id))).one() or 0


def next_to_reissue(session: Session, asked: Reissue, most: int, now: datetime) -> list[Credential]:
    """In force, asked for and not issued again yet; locked. What is suspended waits for its reinstatement."""
    query = select(Credential).where(
        col(Credential.id) <= asked.up_to_id,
        Credential.status == CredentialStatus.ACTIVE,
        Credential.valid_until > now,
    )
    if asked.key_id:
        query = query.where(Credential.key_id == asked.key_id)
    if asked.code:
        query = query.where(Credential.code == asked.code)
    return list(session.exec(query.order_by(col(Credential.id)).limit(most).with_for_update()))


def reissue_to_do(session: Session, reissue_id: int) -> Reissue | None:
    """Locked; None when it is finished."""
    return session.exec(
        select(Reissue)
        .where(Reissue.id == reissue_id, col(Reissue.finished_at).is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


def reissues_left(session: Session, untouched_since: datetime) -> list[int]:
    """Begun, not finished, and nobody at it."""
    rows = session.exec(
        select(Reissue.id)
        .where(col(Reissue.finished_at).is_(None), Reissue.touched_at <= untouched_since)
        .order_by(col(Reissue.id))
    )
    return [row for row in rows if row is not None]


def reissue_progress(session: Session, reissue_id: int) -> int:
    return session.exec(select(Reissue.done).where(Reissue.id == reissue_id)).one()
