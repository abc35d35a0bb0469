"""Sign in by an identity elsewhere; link one, take one off."""

import secrets
from datetime import datetime

from sqlmodel import Session, col, delete

from portal.accounts.actions import (
    add_person,
    digest,
    take_over_unconfirmed,
    tell_changed,
)
from portal.accounts.models import Person
from portal.accounts.queries import person_by_email
from portal.accounts.rules import NO_PASSWORD, RESET_LASTS
from portal.factors.actions import require_confirmed
from portal.factors.queries import passkeys_of
from portal.history.actions import record
from portal.identities.models import Identity, IdentityProof
from portal.identities.provider import Vouched
from portal.identities.queries import identities_of, identity_of, usable_proof
from portal.mail.actions import Mailbox, send_mail
from portal.refusal import Refused, mark
from portal.settings import settings


def person_vouched_for(session: Session, vouched: Vouched, *, language: str, now: datetime) -> Person | None:
    """Who signs in: the owner of a linked identity, or a new person with a proven address nobody has.

    None when the mailbox must be proved first: the provider did not, or there is an account already.
    """
    identity = identity_of(session, vouched.issuer, vouched.subject)
    if identity:
        identity.last_used_at = now
        return session.get_one(Person, identity.person_id)
    if not vouched.email_verified or person_by_email(session, vouched.email):
        return None
    person = add_person(session, vouched.email, vouched.name, language=language, now=now, confirmed=True)
    _link(session, person, vouched.issuer, vouched.subject, vouched.email, now=now)
    return person


def ask_mailbox(
    session: Session, vouched: Vouched, *, language: str, browser_token: str, now: datetime
) -> None:
    """Mail a link that works in this browser alone: nobody can be led to let in somebody else."""
    if not vouched.email:
        raise Refused(
            mark("The provider told us no e-mail address. Please sign up with your address instead.")
        )
    token = secrets.token_urlsafe(32)
    session.add(
        IdentityProof(
            token_hash=digest(token),
            browser_hash=digest(browser_token),
            issuer=vouched.issuer,
            subject=vouched.subject,
            email=vouched.email,
            name=vouched.name,
            expires_at=now + RESET_LASTS,
        )
    )
    send_mail(
        session,
        "accounts/identity",
        to=person_by_email(session, vouched.email) or Mailbox(vouched.email, language),
        now=now,
        provider=settings().oidc_name,
        path=f"/sign-in/outside/proof/{token}",
    )


def prove_mailbox(
    session: Session, token: str, browser_token: str, *, language: str, now: datetime
) -> Person:
    """The link in the mail was followed: the identity belongs to the account with that address, made if need be."""
    proof = usable_proof(session, digest(token), digest(browser_token), now)
    if proof is None:
        raise Refused(
            mark("This link has been used or has run out. Ask for a new one; nothing is lost."), status=410
        )
    proof.used_at = now
    identity = identity_of(session, proof.issuer, proof.subject)
    if identity:  # linked in the meantime
        return session.get_one(Person, identity.person_id)
    person = person_by_email(session, proof.email)
    if person is None:
        person = add_person(session, proof.email, proof.name, language=language, now=now, confirmed=True)
    take_over_unconfirmed(session, person, now=now)
    _link(session, person, proof.issuer, proof.subject, proof.email, now=now)
    return person


def link_identity(session: Session, person: Person, vouched: Vouched, *, now: datetime) -> None:
    """From the security page, by somebody signed in."""
    require_confirmed(person)
    identity = identity_of(session, vouched.issuer, vouched.subject)
    if identity and identity.person_id != person.id:
        raise Refused(mark("That account elsewhere is connected with another account here."))
    if identity is None:
        _link(session, person, vouched.issuer, vouched.subject, vouched.email, now=now)


def _link(session: Session, person: Person, issuer: str, subject: str, email: str, *, now: datetime) -> None:
    session.add(
        Identity(
            person_id=person.id or 0,
            issuer=issuer,
            subject=subject,
            email=email,
            created_at=now,
            last_used_at=now,
        )
    )
    record(session, "outside identity connected", "person", person.id, by=person.id, now=now)
    tell_changed(session, person, mark("An account elsewhere was connected with yours."), now=now)


def unlink_identity(session: Session, person: Person, identity: Identity, *, now: datetime) -> None:
    others = len(identities_of(session, person.id or 0)) + len(passkeys_of(session, person.id or 0)) - 1
    if person.password_hash == NO_PASSWORD and not others:
        raise Refused(mark("It is the only way you can sign in. Set a password or add a passkey first."))
    session.delete(identity)
    record(session, "outside identity removed", "person", person.id, by=person.id, now=now)
    tell_changed(session, person, mark("An account elsewhere was disconnected from yours."), now=now)


def clear_away(session: Session, *, now: datetime) -> None:
    session.exec(delete(IdentityProof).where(col(IdentityProof.expires_at) < now))
