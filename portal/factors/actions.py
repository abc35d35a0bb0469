"""Set up, pass and remove second factors."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

import pyotp
from sqlmodel import Session, col, delete
from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    bytes_to_base64url,
    generate_challenge,
    parse_authentication_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from portal.accounts.actions import (
    Login,
    begin_ceremony,
    open_session,
    renew_session,
    sign_out_everywhere,
    take_ceremony,
    tell_changed,
)
from portal.accounts.models import LoginSession, Person
from portal.accounts.rules import CeremonyKind
from portal.factors.models import Passkey, RecoveryCode, Totp
from portal.factors.queries import (
    codes_left,
    has_factor,
    passkey_by_credential,
    passkeys_of,
    totp_of,
    unused_code,
)
from portal.factors.rules import ALPHABET, MOST_PASSKEYS, RECOVERY_CODES, next_code, plain, step_taken
from portal.factors.sealing import keyed_hash, seal, unseal
from portal.history.actions import record
from portal.refusal import Refused, mark
from portal.settings import settings

UNREADABLE = (WebAuthnException, ValueError, TypeError, KeyError)  # what a browser sent is none


# ——— An authenticator app ———


def begin_totp(session: Session, person: Person, *, now: datetime) -> None:
    """A new secret; it counts for nothing until a code of it was right."""
    require_confirmed(person)
    row = totp_of(session, person.id or 0, lock=True)
    if row and row.confirmed_at:
        raise Refused(mark("An authenticator app is set up already. Remove it first."))
    sealed = seal(pyotp.random_base32(), person.uuid)
    session.merge(Totp(person_id=person.id or 0, sealed=sealed, created_at=now))


def secret_of(row: Totp, person: Person) -> str:
    return unseal(row.sealed, person.uuid)


def otpauth_address(row: Totp, person: Person) -> str:
    """What an authenticator app reads from the QR code."""
    return pyotp.TOTP(secret_of(row, person)).provisioning_uri(name=person.email, issuer_name="Yuqiao")


@dataclass(frozen=True)
class Added:
    """A factor was added: the session's new token, and recovery codes when these are the first."""

    token: str
    codes: list[str]


def confirm_totp(
    session: Session, person: Person, code: str, *, session_id: int, now: datetime
) -> Added | None:
    """None when the code is wrong."""
    row = totp_of(session, person.id or 0, lock=True)
    if row is None or row.confirmed_at:
        raise Refused(
            mark(
                "This page was out of date: that step has already been taken or is not open now. "
                "Nothing was changed; here is how it stands."
            )
        )
    step = step_taken(secret_of(row, person), code, now, row.last_step)
    if step is None:
        return None
    row.confirmed_at, row.last_step = now, step
    record(session, "authenticator app added", "person", person.id, by=person.id, now=now)
    tell_changed(session, person, mark("An authenticator app was added."), now=now)
    return _added(session, person, session_id=session_id, now=now)


def _added(session: Session, person: Person, *, session_id: int, now: datetime) -> Added:
    session.flush()
    codes = [] if codes_left(session, person.id or 0) else _new_codes(session, person)
    return Added(renew_session(session, session_id, now=now, second_factor=True), codes)


def remove_totp(session: Session, person: Person, *, now: datetime) -> None:
    row = totp_of(session, person.id or 0, lock=True)
    if row is None:
        return
    session.delete(row)
    if row.confirmed_at:
        record(session, "authenticator app removed", "person", person.id, by=person.id, now=now)
        tell_changed(session, person, mark("The authenticator app was removed."), now=now)
    _after_removal(session, person)


def _after_removal(session: Session, person: Person) -> None:
    """Recovery codes stand in for a factor; without one they are nothing."""
    session.flush()
    if not has_factor(session, person.id or 0):
        session.exec(delete(RecoveryCode).where(col(RecoveryCode.person_id) == person.id))


def forget_factors(session: Session, person: Person, *, now: datetime) -> None:
    """For somebody who lost phone and codes and has proved otherwise who they are: every factor, every session."""
    for table in (Totp, RecoveryCode, Passkey):
        session.exec(delete(table).where(col(table.person_id) == person.id))
    sign_out_everywhere(session, person.id or 0)
    record(session, "second factors forgotten", "person", person.id, by=None, now=now)
    tell_changed(session, person, mark("All your second factors were removed by an administrator."), now=now)


def require_confirmed(person: Person) -> None:
    """Whoever typed somebody else's address must not lock its owner out."""
    if person.confirmed_at is None:
        raise Refused(mark("Confirm your e-mail address first; the link is in your mailbox."))


def demo_code(session: Session, person: Person, *, now: datetime) -> str | None:
    """The code that would be taken now, for a login of the demo; never for anybody else."""
    if not (settings().demo and not settings().production and person.is_demo):
        return None
    row = totp_of(session, person.id or 0)
    return next_code(secret_of(row, person), now, row.last_step) if row and row.confirmed_at else None


def give_demo_totp(session: Session, person: Person, *, now: datetime) -> None:
    """A login of the demo that needs a second factor has one from the start."""
    session.add(
        Totp(
            person_id=person.id or 0,
            sealed=seal(pyotp.random_base32(), person.uuid),
            created_at=now,
            confirmed_at=now,
        )
    )


# ——— Recovery codes ———


def renew_codes(session: Session, person: Person, *, now: datetime) -> list[str]:
    """Ten new ones; those before are worth nothing any more. Shown once: only hashes are kept."""
    if not has_factor(session, person.id or 0):
        raise Refused(mark("Set up an authenticator app or a passkey first."))
    record(session, "recovery codes made", "person", person.id, by=person.id, now=now)
    tell_changed(session, person, mark("New recovery codes were made; the old ones no longer work."), now=now)
    return _new_codes(session, person)


def _new_codes(session: Session, person: Person) -> list[str]:
    session.exec(delete(RecoveryCode).where(col(RecoveryCode.person_id) == person.id))
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(12)) for _ in range(RECOVERY_CODES)]
    session.add_all(
        RecoveryCode(person_id=person.id or 0, code_hash=keyed_hash(c, person.uuid)) for c in codes
    )
    return ["-".join(code[i : i + 4] for i in (0, 4, 8)) for code in codes]


# ——— The second step of signing in ———


def pass_code(session: Session, person: Person, code: str, *, now: datetime) -> bool:
    """A code of the app or a recovery code; each is taken once."""
    row = totp_of(session, person.id or 0, lock=True)
    if row and row.confirmed_at:
        step = step_taken(secret_of(row, person), code, now, row.last_step)
        if step is not None:
            row.last_step = step
            return True
    recovery = unused_code(session, person.id or 0, keyed_hash(plain(code), person.uuid))
    if recovery is None:
        return False
    recovery.used_at = now
    record(session, "recovery code used", "person", person.id, by=person.id, now=now)
    tell_changed(session, person, mark("A recovery code was used to sign in."), now=now)
    return True


def finish_login(session: Session, waiting: LoginSession, person: Person, *, now: datetime) -> Login:
    """The second factor is passed: a new session with all rights."""
    token = open_session(session, person, browser=waiting.browser, now=now, second_factor=True)
    session.delete(waiting)
    return Login(token)


# ——— Passkeys ———


def passkey_site() -> tuple[str, str]:
    """(the name passkeys are bound to, the origin they are used from)"""
    parts = urlsplit(settings().base_url)
    return parts.hostname or "", f"{parts.scheme}://{parts.netloc}"


def passkeys_possible() -> bool:
    """Browsers bind a passkey to a host's name, never to a bare address."""
    try:
        ip_address(passkey_site()[0])
    except ValueError:
        return True
    return False


def begin_passkey(session: Session, person: Person, *, now: datetime) -> tuple[str, str]:
    """(options as JSON for the browser, token of the ceremony)"""
    require_confirmed(person)
    challenge = generate_challenge()
    options = generate_registration_options(
        rp_id=passkey_site()[0],
        rp_name="Yuqiao",
        user_id=person.uuid.encode(),
        user_name=person.email,
        user_display_name=person.name,
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=base64url_to_bytes(p.credential_id))
            for p in passkeys_of(session, person.id or 0)
        ],
    )
    data = {"challenge": bytes_to_base64url(challenge)}
    token = begin_ceremony(session, CeremonyKind.PASSKEY_ADD, data, person_id=person.id, now=now)
    return options_to_json(options), token


def add_passkey(
    session: Session,
    person: Person,
    name: str,
    credential: str,
    *,
    ceremony: str,
    session_id: int,
    now: datetime,
) -> Added | None:
    """None when the browser's answer does not fit what was asked."""
    begun = take_ceremony(session, CeremonyKind.PASSKEY_ADD, ceremony, person_id=person.id, now=now)
    if begun is None:
        return None
    if len(passkeys_of(session, person.id or 0)) >= MOST_PASSKEYS:
        raise Refused(mark("There are many passkeys already. Remove one that is not used any more."))
    rp_id, origin = passkey_site()
    try:
        made = verify_registration_response(
            credential=credential,
            expected_challenge=base64url_to_bytes(begun["challenge"]),
            expected_rp_id=rp_id,
            expected_origin=origin,
        )
    except UNREADABLE:
        return None
    credential_id = bytes_to_base64url(made.credential_id)
    if passkey_by_credential(session, credential_id):
        return None
    session.add(
        Passkey(
            person_id=person.id or 0,
            credential_id=credential_id,
            public_key=bytes_to_base64url(made.credential_public_key),
            sign_count=made.sign_count,
            name=name,
            created_at=now,
        )
    )
    record(session, "passkey added", "person", person.id, by=person.id, now=now, personal={"name": name})
    tell_changed(session, person, mark("A passkey was added."), now=now)
    return _added(session, person, session_id=session_id, now=now)


def begin_passkey_use(session: Session, person: Person | None, *, now: datetime) -> tuple[str, str]:
    """(options as JSON, token): of any passkey to sign in, or of one of this person's as second factor."""
    challenge = generate_challenge()
    options = generate_authentication_options(
        rp_id=passkey_site()[0],
        challenge=challenge,
        allow_credentials=[
            PublicKeyCredentialDescriptor(id=base64url_to_bytes(p.credential_id))
            for p in passkeys_of(session, person.id or 0)
        ]
        if person
        else [],
        user_verification=UserVerificationRequirement.PREFERRED
        if person
        else UserVerificationRequirement.REQUIRED,
    )
    data = {"challenge": bytes_to_base64url(challenge)}
    token = begin_ceremony(
        session, CeremonyKind.PASSKEY_USE, data, person_id=person.id if person else None, now=now
    )
    return options_to_json(options), token


def use_passkey(
    session: Session, credential: str, *, of: Person | None, ceremony: str, now: datetime
) -> Person | None:
    """Whose passkey it is; None when it is nobody's, not theirs, or was not used as asked.

    Without a person before it (`of`) the authenticator itself must have verified who holds it.
    """
    begun = take_ceremony(
        session, CeremonyKind.PASSKEY_USE, ceremony, person_id=of.id if of else None, now=now
    )
    if begun is None:
        return None
    rp_id, origin = passkey_site()
    try:
        answer = parse_authentication_credential_json(credential)
        passkey = passkey_by_credential(session, answer.id)
        if passkey is None or (of is not None and passkey.person_id != of.id):
            return None
        person = session.get_one(Person, passkey.person_id)
        handle = answer.response.user_handle
        if handle is not None and handle != person.uuid.encode():
            return None
        done = verify_authentication_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(begun["challenge"]),
            expected_rp_id=rp_id,
            expected_origin=origin,
            credential_public_key=base64url_to_bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=of is None,
        )
    except UNREADABLE:
        return None
    passkey.sign_count, passkey.last_used_at = done.new_sign_count, now
    return person


def remove_passkey(session: Session, person: Person, passkey: Passkey, *, now: datetime) -> None:
    session.delete(passkey)
    gone = {"name": passkey.name}
    record(session, "passkey removed", "person", person.id, by=person.id, now=now, personal=gone)
    tell_changed(session, person, mark("A passkey was removed."), now=now)
    _after_removal(session, person)
