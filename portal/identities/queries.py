"""Whose identity elsewhere it is."""

from datetime import datetime

from sqlmodel import Session, col, select

from portal.identities.models import Identity, IdentityProof


def identity_of(session: Session, issuer: str, subject: str) -> Identity | None:
    return session.exec(
        select(Identity).where(Identity.issuer == issuer, Identity.subject == subject).with_for_update()
    ).first()


def identities_of(session: Session, person_id: int) -> list[Identity]:
    return list(
        session.exec(select(Identity).where(Identity.person_id == person_id).order_by(col(Identity.id)))
    )


def identity_in(session: Session, identity_id: int, person_id: int) -> Identity | None:
    return session.exec(
        select(Identity).where(Identity.id == identity_id, Identity.person_id == person_id).with_for_update()
    ).first()


def usable_proof(session: Session, token_hash: str, browser_hash: str, now: datetime) -> IdentityProof | None:
    """The mailed link, in the browser in which it was asked for."""
    return session.exec(
        select(IdentityProof)
        .where(
            IdentityProof.token_hash == token_hash,
            IdentityProof.browser_hash == browser_hash,
            col(IdentityProof.used_at).is_(None),
            IdentityProof.expires_at > now,
        )
        .with_for_update()
    ).first()
