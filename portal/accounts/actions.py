"""Signing up, in and out."""

import hashlib
import secrets
from datetime import datetime
from uuid import uuid4

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlmodel import Session, col, delete

from portal.accounts.forms import SignUp
from portal.accounts.models import LoginSession, MailedToken, Person
from portal.accounts.queries import person_by_email, usable_token
from portal.accounts.rules import CONFIRM_LASTS, RESET_LASTS, SESSION_LASTS, TokenKind
from portal.history.actions import record
from portal.mail.actions import send_mail
from portal.refusal import Refused, mark

hasher = PasswordHasher()
_NOBODY = hasher.hash(
    secrets.token_hex(8)
)  # checked when there is no such person, so that the answer takes as long


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def sign_up(session: Session, entry: SignUp, *, language: str, now: datetime) -> Person | None:
    """A new person with a confirmation mail; None when the address is taken, and its owner is told by mail.

    The page says the same in both cases, so that nobody learns who has an account.
    """
    existing = person_by_email(session, entry.email)
    if existing:
        send_mail(session, "accounts/already", to=existing, now=now, name=existing.name)
        return None
    person = Person(
        uuid=str(uuid4()),
        email=entry.email,
        name=entry.name,
        password_hash=hasher.hash(entry.password),
        language=language,
        created_at=now,
    )
    session.add(person)
    session.flush()
    record(session, "account made", "person", person.id, by=person.id, now=now)
    send_confirmation(session, person, now=now)
    return person


def send_confirmation(session: Session, person: Person, *, now: datetime) -> None:
    token = _mailed_token(session, person, TokenKind.CONFIRM, now + CONFIRM_LASTS)
    send_mail(session, "accounts/confirm", to=person, now=now, name=person.name, path=f"/confirm/{token}")


def _mailed_token(session: Session, person: Person, kind: TokenKind, expires_at: datetime) -> str:
    assert person.id is not None  # noqa: S101
    token = secrets.token_urlsafe(32)
    session.add(MailedToken(token_hash=digest(token), kind=kind, person_id=person.id, expires_at=expires_at))
    return token


def confirm_address(session: Session, token: str, *, now: datetime) -> Person:
    person = _use_token(session, token, TokenKind.CONFIRM, now=now)
    if person.confirmed_at is None:
        person.confirmed_at = now
        record(session, "e-mail address confirmed", "person", person.id, by=person.id, now=now)
    return person


def _use_token(session: Session, token: str, kind: TokenKind, *, now: datetime) -> Person:
    row = usable_token(session, digest(token), kind, now)
    if row is None:
        raise Refused(
            mark("This link has been used or has run out. Ask for a new one; nothing is lost."), status=410
        )
    row.used_at = now
    return session.get_one(Person, row.person_id)


def sign_in(session: Session, email: str, password: str, *, browser: str, now: datetime) -> str | None:
    """The token for the cookie of a new session; None when address or password is wrong."""
    person = person_by_email(session, email)
    try:
        hasher.verify(person.password_hash if person else _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return None
    if person is None:
        return None
    if hasher.check_needs_rehash(person.password_hash):
        person.password_hash = hasher.hash(password)
    return open_session(session, person, browser=browser, now=now)


def open_session(session: Session, person: Person, *, browser: str, now: datetime) -> str:
    """Always a new token: one that a browser brought along is never kept."""
    assert person.id is not None  # noqa: S101
    token = secrets.token_urlsafe(32)
    session.add(
        LoginSession(
            token_hash=digest(token),
            person_id=person.id,
            created_at=now,
            expires_at=now + SESSION_LASTS,
            browser=browser[:200],
        )
    )
    return token


def sign_out(session: Session, session_id: int) -> None:
    session.exec(delete(LoginSession).where(col(LoginSession.id) == session_id))


def sign_out_everywhere(session: Session, person_id: int) -> None:
    session.exec(delete(LoginSession).where(col(LoginSession.person_id) == person_id))


def ask_reset(session: Session, email: str, *, now: datetime) -> None:
    """Mail a reset link when there is such a person; say nothing either way."""
    person = person_by_email(session, email)
    if person:
        token = _mailed_token(session, person, TokenKind.RESET, now + RESET_LASTS)
        send_mail(session, "accounts/reset", to=person, now=now, name=person.name, path=f"/reset/{token}")


def reset_password(session: Session, token: str, password: str, *, now: datetime) -> Person:
    person = _use_token(session, token, TokenKind.RESET, now=now)
    person.password_hash = hasher.hash(password)
    person.confirmed_at = person.confirmed_at or now  # the mail reached them
    sign_out_everywhere(session, person.id or 0)
    record(session, "password changed", "person", person.id, by=person.id, now=now)
    return person
