"""Signing up, in and out; sessions; passwords."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlmodel import Session, col, delete, update

from portal.accounts.forms import SignUp
from portal.accounts.models import (
    Ceremony,
    LoginSession,
    MailedToken,
    Person,
    ResetRequest,
)
from portal.accounts.queries import person_by_email, reset_asked, usable_ceremony, usable_token
from portal.accounts.rules import (
    CEREMONY_LASTS,
    CONFIRM_LASTS,
    NO_PASSWORD,
    RESET_LASTS,
    SESSION_LASTS,
    WAITING_LASTS,
    CeremonyKind,
    TokenKind,
)
from portal.factors.queries import has_factor
from portal.history.actions import record
from portal.mail.actions import send_mail
from portal.refusal import Refused, mark

hasher = PasswordHasher()
_NOBODY = hasher.hash(
    secrets.token_hex(8)
)  # checked when there is no such person, so that the answer takes as long


@dataclass(frozen=True)
class Login:
    """A new session: the token for its cookie, and whether the second factor is still asked for."""

    token: str
    waits: bool = False


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def sign_up(session: Session, entry: SignUp, *, language: str, now: datetime) -> Person | None:
    """A new person with a confirmation mail; None when the address is taken, and its owner is told by mail.

    The page says the same in both cases, after as long: nobody learns who has an account.
    """
    password_hash = hasher.hash(entry.password)
    existing = person_by_email(session, entry.email)
    if existing:
        record(session, "sign-up with a taken address", "person", existing.id, by=None, now=now)
        send_mail(session, "accounts/already", to=existing, now=now, name=existing.name)
        return None
    person = add_person(session, entry.email, entry.name, password_hash, language=language, now=now)
    send_confirmation(session, person, now=now)
    return person


def add_person(
    session: Session,
    email: str,
    name: str,
    password_hash: str = NO_PASSWORD,
    *,
    language: str,
    now: datetime,
    confirmed: bool = False,
) -> Person:
    person = Person(
        uuid=str(uuid4()),
        email=email,
        name=name,
        password_hash=password_hash,
        language=language,
        created_at=now,
        confirmed_at=now if confirmed else None,
    )
    session.add(person)
    session.flush()
    record(session, "account made", "person", person.id, by=person.id, now=now)
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


def is_password_of(person: Person | None, password: str) -> bool:
    """Takes as long when there is no such person, or one without a password."""
    stored = person.password_hash if person else _NOBODY
    try:
        hasher.verify(stored if stored.startswith("$") else _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return person is not None and stored.startswith("$")


def sign_in(session: Session, email: str, password: str, *, browser: str, now: datetime) -> Login | None:
    """None when address or password is wrong."""
    person = person_by_email(session, email)
    if not is_password_of(person, password) or person is None:
        return None
    if hasher.check_needs_rehash(person.password_hash):
        person.password_hash = hasher.hash(password)
    return begin_login(session, person, browser=browser, now=now)


def begin_login(session: Session, person: Person, *, browser: str, now: datetime) -> Login:
    """After the first factor: whoever has set a second one has no right before it is passed."""
    waits = has_factor(session, person.id or 0)
    return Login(open_session(session, person, browser=browser, now=now, waits=waits), waits)


def open_session(
    session: Session,
    person: Person,
    *,
    browser: str,
    now: datetime,
    second_factor: bool = False,
    waits: bool = False,
) -> str:
    """Always a new token: one that a browser brought along is never kept."""
    assert person.id is not None  # noqa: S101
    token = secrets.token_urlsafe(32)
    session.add(
        LoginSession(
            token_hash=digest(token),
            person_id=person.id,
            created_at=now,
            expires_at=now + (WAITING_LASTS if waits else SESSION_LASTS),
            browser=browser[:200],
            last_seen_at=now,
            second_factor_at=now if second_factor else None,
            waits=waits,
        )
    )
    return token


def renew_session(session: Session, session_id: int, *, now: datetime, second_factor: bool = False) -> str:
    """A new token at each change of rights; the old one is worth nothing any more."""
    old = session.get_one(LoginSession, session_id)
    token = open_session(
        session,
        session.get_one(Person, old.person_id),
        browser=old.browser,
        now=now,
        second_factor=second_factor or old.second_factor_at is not None,
    )
    session.delete(old)
    return token


def note_seen(session: Session, session_id: int, *, now: datetime) -> None:
    session.exec(update(LoginSession).where(col(LoginSession.id) == session_id).values(last_seen_at=now))


def sign_out(session: Session, session_id: int, *, of: int | None = None) -> None:
    """With `of` only a session of that person."""
    theirs = [col(LoginSession.person_id) == of] if of is not None else []
    session.exec(delete(LoginSession).where(col(LoginSession.id) == session_id, *theirs))


def sign_out_everywhere(session: Session, person_id: int, *, but: int | None = None) -> None:
    session.exec(
        delete(LoginSession).where(
            col(LoginSession.person_id) == person_id, col(LoginSession.id) != (but or 0)
        )
    )


def ask_reset(session: Session, email: str, *, now: datetime) -> ResetRequest:
    """The same few steps whoever it is; a job looks up the address after the answer."""
    request = ResetRequest(email=email, asked_at=now)
    session.add(request)
    session.flush()
    return request


def answer_reset(session: Session, request_id: int, *, now: datetime) -> None:
    """Mail a reset link when there is such a person."""
    request = reset_asked(session, request_id)
    if request is None:
        return
    request.done_at = now
    person = person_by_email(session, request.email)
    if person:
        token = _mailed_token(session, person, TokenKind.RESET, request.asked_at + RESET_LASTS)
        send_mail(session, "accounts/reset", to=person, now=now, name=person.name, path=f"/reset/{token}")


def reset_password(session: Session, token: str, password: str, *, now: datetime) -> Person:
    person = _use_token(session, token, TokenKind.RESET, now=now)
    person.confirmed_at = person.confirmed_at or now  # the mail reached them
    _set_password(session, person, password, now=now)
    sign_out_everywhere(session, person.id or 0)
    return person


def change_password(
    session: Session, person: Person, password: str, *, session_id: int, now: datetime
) -> str:
    """Other browsers are signed out; this one goes on with a new token."""
    _set_password(session, person, password, now=now)
    sign_out_everywhere(session, person.id or 0, but=session_id)
    return renew_session(session, session_id, now=now)


def _set_password(session: Session, person: Person, password: str, *, now: datetime) -> None:
    person.password_hash = hasher.hash(password)
    record(session, "password changed", "person", person.id, by=person.id, now=now)
    tell_changed(session, person, mark("Your password was changed. Other browsers were signed out."), now=now)


def change_time_zone(session: Session, person: Person, zone: str, *, now: datetime) -> None:
    """In which they read the time of day: one of `portal.i18n.ZONES`."""
    if person.time_zone != zone:
        person.time_zone = zone
        record(session, "time zone changed", "person", person.id, by=person.id, now=now)


def tell_changed(session: Session, person: Person, what: str, *, now: datetime) -> None:
    """A mail to somebody whose way of signing in has changed; `what` is a catalogue key."""
    send_mail(
        session, "accounts/changed", to=person, now=now, name=person.name, what=what, path="/my/account"
    )


def take_over_unconfirmed(session: Session, person: Person, *, now: datetime) -> None:
    """Whoever proves the mailbox gets the account, not whoever typed the address: the password set by then is forgotten."""
    if person.confirmed_at is None:
        person.confirmed_at, person.password_hash = now, NO_PASSWORD
        sign_out_everywhere(session, person.id or 0)
        record(session, "e-mail address confirmed", "person", person.id, by=person.id, now=now)


def begin_ceremony(
    session: Session, kind: CeremonyKind, data: dict[str, Any], *, person_id: int | None = None, now: datetime
) -> str:
    """The token for the cookie of the browser that must finish it."""
    token = secrets.token_urlsafe(32)
    session.add(
        Ceremony(
            token_hash=digest(token),
            kind=kind,
            person_id=person_id,
            data=data,
            expires_at=now + CEREMONY_LASTS,
        )
    )
    return token


def take_ceremony(
    session: Session, kind: CeremonyKind, token: str, *, person_id: int | None = None, now: datetime
) -> dict[str, Any] | None:
    """What was begun; it can be taken once."""
    row = usable_ceremony(session, digest(token), kind, now, person_id=person_id)
    if row is None:
        return None
    row.used_at = now
    return row.data


def clear_away(session: Session, *, now: datetime) -> None:
    """Rows whose time is over and that nobody will ask for."""
    session.exec(delete(LoginSession).where(col(LoginSession.expires_at) < now))
    session.exec(delete(Ceremony).where(col(Ceremony.expires_at) < now))
    session.exec(delete(ResetRequest).where(col(ResetRequest.done_at) < now - timedelta(days=1)))
