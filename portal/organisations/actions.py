"""Register, invite, join, leave, keep the storefront."""

import secrets
from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from portal.accounts.actions import digest
from portal.accounts.models import Person
from portal.accounts.rules import INVITE_LASTS
from portal.desk.parts import CONTRIBUTIONS
from portal.history.actions import record
from portal.leaving.actions import make_room
from portal.ledger.actions import end_facts, write_fact
from portal.ledger.queries import employment_facts
from portal.ledger.rules import FactKind
from portal.mail.actions import Mailbox, send_mail
from portal.organisations.forms import EditStorefront, Register
from portal.organisations.models import Employment, EmploymentRole, Organisation, Storefront
from portal.organisations.queries import code_taken, open_employment, roles_of, storefront_of
from portal.organisations.rules import EmploymentStatus, Ending, Kind, Role, counts_from
from portal.refusal import Refused, mark

CODE_TAKEN = mark(
    "An organisation with this credit code is registered already. Ask its owner for an invitation, or write to us if it is not yours."
)


def register(session: Session, entry: Register, *, by: int, now: datetime) -> Organisation:
    """A provisional organisation with its owner. One organisation a credit code, one employer a person."""
    if open_employment(session, by):
        raise Refused(
            mark("You already belong to an organisation. Leave it first, or register with another account.")
        )
    predecessor = None
    if code_taken(session, entry.credit_code):
        predecessor = make_room(session, entry.credit_code, now=now)
        if predecessor is None:
            raise Refused(CODE_TAKEN)
    provisional = f"new-{secrets.token_hex(8)}"
    organisation = Organisation(slug=provisional, created_at=now, **entry.model_dump())
    session.add(organisation)
    session.flush()
    organisation.slug = f"yq-{now.year}-{organisation.id:04d}"
    if predecessor:
        predecessor.successor_id = organisation.id
    person = session.get_one(Person, by)
    employment = Employment(organisation_id=organisation.id or 0, email=person.email, invited_at=now)
    session.add(employment)
    session.flush()
    set_roles(session, employment, {Role.OWNER: None}, by=by, now=now)
    join(session, employment, person, now=now)
    if organisation.kind is Kind.PROVIDER:
        session.add(Storefront(organisation_id=organisation.id or 0, languages=["zh"]))
    record(
        session,
        "organisation registered",
        "organisation",
        organisation.id,
        by=by,
        now=now,
        organisation_id=organisation.id,
        after={
            "name": organisation.legal_name,
            "code": organisation.credit_code,
            "kind": organisation.kind.value,
        },
    )
    return organisation


def join(session: Session, employment: Employment, person: Person, *, now: datetime) -> None:
    """Both sides have agreed: the person counts for this organisation (see `counts_from`), and for no other."""
    assert person.id is not None  # noqa: S101
    employment.person_id, employment.status, employment.confirmed_at, employment.token_hash = (
        person.id,
        EmploymentStatus.CONFIRMED,
        now,
        None,
    )
    session.add(employment)
    session.flush()
    worked = [
        (fact.organisation_id or 0, fact.true_from, fact.true_until)
        for fact in employment_facts(session, person.id)
        if fact.true_until and fact.retracted_at is None
    ]
    write_fact(
        session,
        FactKind.EMPLOYMENT,
        organisation_id=employment.organisation_id,
        person_id=person.id,
        source=("employment", employment.id),
        true_from=counts_from(employment.organisation_id, worked, now),
        by=person.id,
        now=now,
    )
    record(
        session,
        "person joined",
        "employment",
        employment.id,
        by=person.id,
        now=now,
        organisation_id=employment.organisation_id,
        personal={"person": person.name},
    )


def set_roles(
    session: Session,
    employment: Employment,
    wanted: Mapping[Role, datetime | None],
    *,
    by: int,
    now: datetime,
) -> None:
    """Exactly these roles from now on, each until its day or open; what was held before stays as rows that ended."""
    assert employment.id is not None  # noqa: S101
    held = {row.role: row for row in roles_of(session, employment.id, now)}
    before = sorted(held)
    for role, row in held.items():
        if role not in wanted or row.until != wanted[role]:
            row.until = now
    for role, until in wanted.items():
        if role not in held or held[role].until == now:
            session.add(
                EmploymentRole(employment_id=employment.id, role=role, since=now, until=until, given_by=by)
            )
    session.flush()
    record(
        session,
        "roles given",
        "employment",
        employment.id,
        by=by,
        now=now,
        organisation_id=employment.organisation_id,
        before={"roles": [role.value for role in before]},
        after={"roles": sorted(role.value for role in wanted)},
    )


def invite(
    session: Session,
    organisation: Organisation,
    email: str,
    roles: Mapping[Role, datetime | None],
    *,
    language: str,
    by: Person,
    now: datetime,
) -> Employment:
    """Mail an invitation with the roles that come with it; the link counts once the person accepts it."""
    token = secrets.token_urlsafe(32)
    employment = Employment(
        organisation_id=organisation.id or 0,
        email=email.lower(),
        token_hash=digest(token),
        invited_at=now,
        expires_at=now + INVITE_LASTS,
    )
    session.add(employment)
    session.flush()
    set_roles(session, employment, roles, by=by.id or 0, now=now)
    send_mail(
        session,
        "organisations/invitation",
        to=Mailbox(email.lower(), language),
        now=now,
        inviter=by.name,
        organisation=organisation.legal_name,
        path=f"/join/{token}",
    )
    record(
        session,
        "person invited",
        "employment",
        employment.id,
        by=by.id,
        now=now,
        organisation_id=organisation.id,
        personal={"email": email.lower()},
    )
    return employment


def accept_invitation(session: Session, employment: Employment, person: Person, *, now: datetime) -> None:
    if person.email != employment.email:
        raise Refused(
            mark(
                "This invitation went to another address. Sign in with that address, or ask for a new invitation."
            )
        )
    if open_employment(session, person.id or 0):
        raise Refused(
            mark(
                "You still belong to another organisation, and nobody counts for two. Leave it first; your certificates stay yours."
            )
        )
    person.confirmed_at = person.confirmed_at or now  # the link reached their mailbox
    join(session, employment, person, now=now)
    for told in CONTRIBUTIONS.person_joined:
        told(session, employment.organisation_id, now)


def end_employment(
    session: Session, employment: Employment, ending: Ending, *, by: int | None, now: datetime
) -> None:
    """The link ends, whoever ends it; certificates stay with the person. What follows is `departures.actions.depart`."""
    if employment.status is EmploymentStatus.ENDED:
        raise Refused(mark("This person has left already."))
    was_confirmed = employment.status is EmploymentStatus.CONFIRMED
    employment.status, employment.ended_at, employment.ending, employment.token_hash = (
        EmploymentStatus.ENDED,
        now,
        ending,
        None,
    )
    if was_confirmed:
        end_facts(session, FactKind.EMPLOYMENT, source=("employment", employment.id or 0), at=now)
    record(
        session,
        "person left" if was_confirmed else "invitation withdrawn",
        "employment",
        employment.id,
        by=by,
        now=now,
        organisation_id=employment.organisation_id,
        after={"how": ending.value},
        personal={"email": employment.email},
    )


def save_storefront(
    session: Session, organisation: Organisation, entry: EditStorefront, *, by: int, now: datetime
) -> Storefront:
    storefront = storefront_of(session, organisation.id or 0) or Storefront(
        organisation_id=organisation.id or 0
    )
    before = storefront.model_dump(
        mode="json", include={"price_low", "price_high", "fee_model", "capacity", "accepting"}
    )
    for name, value in entry.model_dump(exclude={"about"}).items():
        setattr(storefront, name, value)
    storefront.capacity_confirmed_at = now
    storefront.revision += 1
    organisation.about = entry.about
    session.add(storefront)
    record(
        session,
        "storefront saved",
        "organisation",
        organisation.id,
        by=by,
        now=now,
        organisation_id=organisation.id,
        before=before,
        after=storefront.model_dump(
            mode="json", include={"price_low", "price_high", "fee_model", "capacity", "accepting"}
        ),
    )
    return storefront
