"""Issue, issue again, supersede, suspend, revoke."""

import json
import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlmodel import Session

from certification.credentials import keyring
from certification.credentials.keys import KeyUse
from certification.credentials.models import Credential
from certification.credentials.openbadges import (
    Achievement,
    Award,
    Person,
    Result,
    build,
    renewed,
    sign_data_integrity,
)
from certification.credentials.openbadges import Organisation as OrganisationHolder
from certification.credentials.queries import in_force, index_taken, last_number, organisation_in_force
from certification.credentials.rules import MOVES, CredentialStatus, Holder, keeps_number
from certification.credentials.status_list import BITS
from certification.standing.models import Level
from portal.accounts.models import Person as PersonRow
from portal.history.actions import record
from portal.i18n import ERASED
from portal.ledger.actions import end_facts, retract_facts, write_fact
from portal.ledger.rules import FactKind
from portal.mail.actions import send_mail
from portal.notices.rules import reminder_due
from portal.organisations.models import Organisation
from portal.organisations.queries import owners_of
from portal.programme.queries import programme_at
from portal.programme.rules import Programme
from portal.refusal import checked_move
from portal.settings import settings


def award_certificate(
    session: Session, person_id: int, code: str, *, source: tuple[str, int], by: int | None, now: datetime
) -> Credential:
    """A personal certificate, signed; an older one of the same code is superseded. Writes the CERTIFICATE fact."""
    programme = programme_at(session, now)
    entry = programme.certificate(code)
    person = session.get_one(PersonRow, person_id)
    valid_until = now + timedelta(days=entry["paper"]["personal_validity_d"])
    for old in in_force(session, code, person_id=person_id):
        _replace(session, old, by=by, now=now)
    credential = _row(
        session,
        Holder.PERSON,
        code,
        programme.version,
        person_id=person_id,
        awarded_at=now,
        valid_until=valid_until,
        source=source,
        now=now,
    )
    _sign(
        session,
        credential,
        _achievement(programme, code),
        Person(UUID(person.uuid), person.email, secrets.token_hex(8)),
        (),
        now=now,
    )
    _note_certificate(session, credential, by=by, now=now)
    record(
        session,
        "certificate issued",
        "credential",
        credential.id,
        by=by,
        now=now,
        after={"number": credential.number, "code": code},
    )
    send_mail(
        session,
        "credentials/issued",
        to=person,
        now=now,
        name=person.name,
        certificate=entry,
        path=f"/credentials/{credential.uuid}",
    )
    return credential


def issue_level(session: Session, level: Level, *, by: int | None, now: datetime) -> Credential:
    """The organisation's credential for the level it holds; earlier ones of the family are superseded."""
    programme = programme_at(session, now)
    organisation = session.get_one(Organisation, level.organisation_id)
    code, number = f"{level.family.value}-{level.stars}", None
    for old in organisation_in_force(session, level.organisation_id, level.family):
        if keeps_number(old.status, old.code, old.awarded_at, code, level.awarded_at):
            number = old.number
        _replace(session, old, by=by, now=now)
    scope = (
        "、".join(programme.label("capabilities", key)["zh"] for key in organisation.capabilities)
        + "；"
        + "、".join(programme.label("industries", key)["zh"] for key in organisation.industries)
    )
    credential = _row(
        session,
        Holder.ORGANISATION,
        code,
        programme.version,
        organisation_id=organisation.id,
        awarded_at=level.awarded_at,
        valid_until=level.valid_until,
        source=("level", level.id or 0),
        now=now,
        number=number,
        scope=scope,
        score=level.score,
    )
    achievement = _achievement(programme, code)
    holder = OrganisationHolder(
        f"{settings().base_url}/providers/{organisation.slug}", (organisation.legal_name,)
    )
    _sign(session, credential, achievement, holder, _results(programme, credential), now=now)
    record(
        session,
        "level credential issued",
        "credential",
        credential.id,
        by=by,
        now=now,
        organisation_id=organisation.id,
        after={"number": credential.number, "stars": level.stars},
    )
    for owner in owners_of(session, level.organisation_id):
        send_mail(
            session,
            "credentials/issued",
            to=owner,
            now=now,
            name=owner.name,
            certificate={"zh": achievement.name, "en": achievement.english_name},
            path=f"/credentials/{credential.uuid}",
        )
    return credential


def reissue(
    session: Session,
    old: Credential,
    reason: str,
    *,
    by: int | None,
    now: datetime,
    programme: Programme | None = None,
) -> Credential:
    """The same certificate, number and dates as a new credential, signed with the present key; its holder is told.

    With `programme` it says what the achievement is in that version's words.
    """
    before = document(old)
    _replace(session, old, reason, by=by, now=now)
    new = _row(
        session,
        old.holder,
        old.code,
        programme.version if programme else old.programme_version,
        awarded_at=old.awarded_at,
        valid_until=old.valid_until,
        source=(old.source_kind, old.source_id),
        now=now,
        **{name: getattr(old, name) for name in KEPT},
    )
    key = keyring.current(session, KeyUse.CREDENTIAL, now)
    unsigned = renewed(
        before,
        id_=f"{settings().base_url}/credentials/{new.uuid}",
        issuer=keyring.issuer(),
        valid_from=now,
        status_list=f"{settings().base_url}/status/{new.status_list}",
        status_index=new.status_index,
        achievement=_achievement(programme, new.code) if programme else None,
        results=_results(programme, new) if programme else (),
    )
    new.signed = sign_data_integrity(unsigned, key, keyring.method(key), now).decode()
    session.flush()
    if new.person_id:
        _note_certificate(session, new, by=by, now=now)
    record(
        session,
        "credential issued again",
        "credential",
        new.id,
        by=by,
        now=now,
        organisation_id=new.organisation_id,
        before={"uuid": old.uuid, "key": old.key_id},
        after={"number": new.number, "key": new.key_id},
        reason=reason,
    )
    _tell_again(session, new, unsigned["name"], reason, now=now)
    return new


KEPT = ("number", "person_id", "organisation_id", "scope", "score", "name_public")


def reinstate(
    session: Session, credential: Credential, reason: str, *, by: int | None, now: datetime
) -> Credential:
    """End a suspension: outside verifiers can't take a bit back, so that the certificate gets a new credential."""
    checked_move(MOVES, credential.status, "reinstate")  # type: ignore[arg-type]
    return reissue(session, credential, reason, by=by, now=now)


def _tell_again(session: Session, credential: Credential, title: str, reason: str, *, now: datetime) -> None:
    holders = (
        [session.get_one(PersonRow, credential.person_id)]
        if credential.person_id
        else owners_of(session, credential.organisation_id or 0)
    )
    for holder in holders:
        if holder.name != ERASED:
            send_mail(
                session,
                "credentials/again",
                to=holder,
                now=now,
                name=holder.name,
                title=title,
                number=credential.number,
                reason=reason,
                path=f"/credentials/{credential.uuid}",
            )


def _achievement(programme: Programme, code: str) -> Achievement:
    """What a certificate (P1) or a level (operator-3) is for, in the words of that programme."""
    address = f"{settings().base_url}/achievements/{code}-{programme.version}"
    rules = f"{settings().base_url}/rules"
    if "-" in code:
        kind, _, number = code.partition("-")
        family, stars = programme["families"][kind], programme.stars(int(number))
        return Achievement(
            id=address,
            name=f"{family['zh']}，{number}星{stars['zh']}",
            english_name=f"{family['en']}, {number} stars, {stars['en']}",
            kind="Certification",
            description=f"符合{programme.version}版规则，经评审认证。Meets programme {programme.version}, decided after review.",
            criteria=rules,
        )
    entry = programme.certificate(code)
    return Achievement(
        id=address,
        name=entry["zh"],
        english_name=entry["en"],
        description=f"按{programme.version}版规则完成课程{'、'.join(entry['tracks'])}并通过考试。Completed the tracks and passed the exam of programme {programme.version}.",
        criteria=rules,
        kind="Certificate",
    )


def _results(programme: Programme, credential: Credential) -> tuple[Result, ...]:
    """Stars and score of a level; a person's certificate has none."""
    if credential.score is None:
        return ()
    stars = credential.code.partition("-")[2]
    needed = str(programme["scoring"]["pass_score"][stars])
    return (
        Result("stars", "星级 Stars", stars, "RawScore", "1", "5"),
        Result("score", "得分 Score", f"{credential.score:.1f}", "RawScore", "0", "100", needed),
    )


def _note_certificate(session: Session, credential: Credential, *, by: int | None, now: datetime) -> None:
    write_fact(
        session,
        FactKind.CERTIFICATE,
        person_id=credential.person_id,
        source=("credential", credential.id),
        by=by,
        now=now,
        true_until=credential.valid_until,
        code=credential.code,
        number=credential.number,
    )


def _row(
    session: Session,
    holder: Holder,
    code: str,
    version: str,
    *,
    awarded_at: datetime,
    valid_until: datetime,
    source: tuple[str, int],
    now: datetime,
    **fields: Any,
) -> Credential:
    # A list is left half empty, so that a free index is found at once and tells nothing.
    status_list = 1 + last_number(session) // (BITS // 2)
    while index_taken(session, status_list, index := secrets.randbelow(BITS)):
        pass
    credential = Credential(
        uuid=str(uuid4()),
        holder=holder,
        code=code,
        programme_version=version,
        awarded_at=awarded_at,
        valid_until=valid_until,
        status_since=now,
        status_list=status_list,
        status_index=index,
        key_id=keyring.current(session, KeyUse.CREDENTIAL, now).id,
        source_kind=source[0],
        source_id=source[1],
        **fields,
    )
    session.add(credential)
    session.flush()
    if credential.number is None:
        short = {"operator": "OP", "isv": "IS"}.get(code.split("-", maxsplit=1)[0], code)
        credential.number = f"YQ-{short}-{now.year}-{credential.id:04d}"
    return credential


def _sign(
    session: Session,
    credential: Credential,
    achievement: Achievement,
    recipient: Person | OrganisationHolder,
    results: tuple[Result, ...],
    *,
    now: datetime,
) -> None:
    key = keyring.current(session, KeyUse.CREDENTIAL, now)
    award = Award(
        id=f"{settings().base_url}/credentials/{credential.uuid}",
        number=credential.number or "",
        issuer=keyring.issuer(),
        achievement=achievement,
        recipient=recipient,
        awarded=credential.awarded_at,
        valid_from=now,
        valid_until=credential.valid_until,
        status_list=f"{settings().base_url}/status/{credential.status_list}",
        status_index=credential.status_index,
        results=results,
    )
    credential.signed = sign_data_integrity(build(award), key, keyring.method(key), now).decode()
    session.flush()


def _replace(session: Session, old: Credential, reason: str = "", *, by: int | None, now: datetime) -> None:
    _move(session, old, "supersede", reason, by=by, now=now)
    session.flush()  # before the new one comes, as one number is in force once
    end_facts(session, FactKind.CERTIFICATE, source=("credential", old.id or 0), at=now)


def revoke(session: Session, credential: Credential, reason: str, *, by: int | None, now: datetime) -> None:
    """It should not have been issued, or was forfeited: its facts leave all computations."""
    _move(session, credential, "revoke", reason, by=by, now=now)
    retract_facts(session, source=("credential", credential.id or 0), reason=reason, by=by, now=now)


def suspend(session: Session, credential: Credential, reason: str, *, by: int | None, now: datetime) -> None:
    _move(session, credential, "suspend", reason, by=by, now=now)


def _move(
    session: Session, credential: Credential, move: str, reason: str, *, by: int | None, now: datetime
) -> None:
    before = credential.status
    credential.status = CredentialStatus(checked_move(MOVES, credential.status, move))  # type: ignore[arg-type]
    credential.status_since, credential.status_reason = now, reason
    record(
        session,
        {
            "supersede": "credential superseded",
            "suspend": "credential suspended",
            "revoke": "credential revoked",
        }[move],
        "credential",
        credential.id,
        by=by,
        now=now,
        organisation_id=credential.organisation_id,
        before={"status": before},
        after={"status": credential.status.value},
        reason=reason,
    )


def remind(session: Session, credential_id: int, *, now: datetime) -> None:
    """The holder reads in time that it ends, once for each of the programme's days."""
    credential = session.get_one(Credential, credential_id, with_for_update=True)
    programme = programme_at(session, now)
    due = reminder_due(
        credential.valid_until, credential.reminded_d, programme["lifecycle"]["reminders_d"], now
    )
    if due is None or credential.status is not CredentialStatus.ACTIVE or credential.person_id is None:
        return
    credential.reminded_d = due
    holder = session.get_one(PersonRow, credential.person_id)
    send_mail(
        session,
        "credentials/ending",
        to=holder,
        now=now,
        name=holder.name,
        certificate=programme.certificate(credential.code),
        ends=credential.valid_until,
        path=f"/my/exams/{credential.code}",
    )


def show_name(session: Session, credential: Credential, show: bool, *, by: int, now: datetime) -> None:
    """The holder decides whether strangers read the name on the page."""
    if credential.name_public != show:
        credential.name_public = show
        record(
            session,
            "name shown on the certificate" if show else "name hidden on the certificate",
            "credential",
            credential.id,
            by=by,
            now=now,
        )


def document(credential: Credential) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(credential.signed)
    return parsed
