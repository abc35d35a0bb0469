"""Which second factors a person has."""

from sqlmodel import Session, col, func, or_, select

from portal.factors.models import Passkey, RecoveryCode, Totp


def has_factor(session: Session, person_id: int) -> bool:
    totp = (
        select(Totp.person_id)
        .where(Totp.person_id == person_id, col(Totp.confirmed_at).is_not(None))
        .exists()
    )
    passkey = select(Passkey.id).where(Passkey.person_id == person_id).exists()
    return bool(session.exec(select(or_(totp, passkey))).one())


def totp_of(session: Session, person_id: int, *, lock: bool = False) -> Totp | None:
    query = select(Totp).where(Totp.person_id == person_id)
    return session.exec(query.with_for_update() if lock else query).first()


def passkeys_of(session: Session, person_id: int) -> list[Passkey]:
    return list(session.exec(select(Passkey).where(Passkey.person_id == person_id).order_by(col(Passkey.id))))


def passkey_by_credential(session: Session, credential_id: str) -> Passkey | None:
    """Locked: its counter is about to be compared and written."""
    return session.exec(
        select(Passkey).where(Passkey.credential_id == credential_id).with_for_update()
    ).first()


def passkey_in(session: Session, passkey_id: int, person_id: int) -> Passkey | None:
    return session.exec(
        select(Passkey).where(Passkey.id == passkey_id, Passkey.person_id == person_id).with_for_update()
    ).first()


def unused_code(session: Session, person_id: int, code_hash: str) -> RecoveryCode | None:
    return session.exec(
        select(RecoveryCode)
        .where(
            RecoveryCode.person_id == person_id,
            RecoveryCode.code_hash == code_hash,
            col(RecoveryCode.used_at).is_(None),
        )
        .with_for_update()
    ).first()


def codes_left(session: Session, person_id: int) -> int:
    return session.exec(
        select(func.count())
        .select_from(RecoveryCode)
        .where(RecoveryCode.person_id == person_id, col(RecoveryCode.used_at).is_(None))
    ).one()
