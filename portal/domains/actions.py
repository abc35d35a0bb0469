"""Claim a domain, prove it by DNS or by mail, lose it, give it up."""

import secrets
from datetime import datetime, timedelta

from sqlmodel import Session

from portal.accounts.actions import digest
from portal.accounts.models import Person
from portal.domains.jobs import check_domain
from portal.domains.models import OrganisationDomain
from portal.domains.queries import (
    domain_named,
    domain_to_check,
    domains_of,
    people_at_domain,
    proved_by_others,
)
from portal.domains.rules import LINK_LASTS, MOST_DOMAINS, Answer, Method, is_lost, mailboxes, next_check
from portal.history.actions import record
from portal.jobs import enqueue
from portal.mail.actions import Mailbox, send_mail
from portal.organisations.models import Organisation
from portal.organisations.queries import owners_of
from portal.refusal import Refused, mark

LEASE = timedelta(minutes=2)  # longer than the DNS may take
TAKEN = mark(
    "Another organisation has proved this domain. If it is yours, ask its owner for an invitation, or write to us."
)
NO_MAILBOX = mark("Please choose one of the mailboxes.")


def claim_domain(
    session: Session,
    organisation: Organisation,
    domain: str,
    method: Method,
    mailbox: str,
    *,
    by: Person,
    now: datetime,
) -> OrganisationDomain:
    """Begin a proof, or begin it anew by another way; one that holds stays as it is."""
    if proved_by_others(session, domain, organisation.id or 0):
        raise Refused(TAKEN, status=422)
    row = domain_named(session, domain, organisation.id or 0)
    if row is None:
        if len(domains_of(session, organisation.id or 0)) >= MOST_DOMAINS:
            raise Refused(mark("That is as many domains as one organisation may name."), status=422)
        row = OrganisationDomain(
            organisation_id=organisation.id or 0, domain=domain, method=method, token="", claimed_at=now
        )
    elif row.proved_at and not row.lost_at:
        raise Refused(mark("This domain is proved already."), status=422)
    if method is Method.MAIL and mailbox not in mailboxes(domain, by.email):
        raise Refused(NO_MAILBOX, status=422)
    row.method, row.claimed_at, row.mailbox, row.failed_at = method, now, "", None
    if method is Method.DNS:
        # Claimed again, the token stays: it may be in the zone already.
        row.token = row.token if row.token and row.expires_at is None else secrets.token_hex(16)
        row.expires_at, row.due_at = None, now
    else:
        token = secrets.token_urlsafe(32)
        row.token, row.expires_at, row.due_at, row.mailbox = digest(token), now + LINK_LASTS, None, mailbox
        send_mail(
            session,
            "domains/prove",
            to=Mailbox(mailbox, by.language),
            now=now,
            organisation=organisation.legal_name,
            domain=domain,
            path=f"/domains/{token}",
        )
    session.add(row)
    session.flush()
    if method is Method.DNS:
        enqueue(session, check_domain, row.id or 0)
    _record(session, "domain claimed", row, by=by.id, now=now)
    return row


def check_now(session: Session, row: OrganisationDomain, *, now: datetime) -> None:
    """The owner says that the record is there: ask at once."""
    if row.method is not Method.DNS:
        raise Refused(mark("This domain is proved by mail; there is no record to look for."))
    row.due_at = now
    enqueue(session, check_domain, row.id or 0)


def prove_by_link(session: Session, row: OrganisationDomain, *, now: datetime) -> None:
    """The link reached a mailbox of the domain; it works once."""
    if proved_by_others(session, row.domain, row.organisation_id):
        raise Refused(TAKEN)
    row.expires_at = now
    _prove(session, row, now=now)


def claim_check(session: Session, domain_id: int, *, now: datetime) -> OrganisationDomain | None:
    """Take the check in hand, so that the DNS is asked outside of any transaction."""
    row = domain_to_check(session, domain_id, now)
    if row is not None:
        row.due_at = now + LEASE
    return row


def finish_check(session: Session, domain_id: int, token: str, answer: Answer, *, now: datetime) -> None:
    """Prove, keep or lose the domain by what the DNS said."""
    row = session.get(OrganisationDomain, domain_id, with_for_update=True)
    if row is None or row.token != token or row.method is not Method.DNS:
        return  # given up, or claimed by another way, in the meantime
    row.checked_at = now
    proved = row.proved_at is not None and row.lost_at is None
    if answer is Answer.THERE:
        row.failed_at = None
        if not proved and not proved_by_others(session, row.domain, row.organisation_id):
            _prove(session, row, now=now)
            proved = True
    else:
        row.failed_at = row.failed_at or now
        if proved and is_lost(row.failed_at, now):
            _lose(session, row, now=now)
            row.due_at = None
            return
    row.due_at = next_check(proved=proved, claimed_at=row.claimed_at, now=now)


def _prove(session: Session, row: OrganisationDomain, *, now: datetime) -> None:
    row.proved_at, row.checked_at, row.failed_at, row.lost_at = now, now, None, None
    _record(session, "domain proved", row, by=None, now=now)


def _lose(session: Session, row: OrganisationDomain, *, now: datetime) -> None:
    """The row keeps its dates; the owners read whom it concerns."""
    row.lost_at = now
    _record(
        session, "domain proof lost", row, by=None, now=now, reason="The record was missing for seven days"
    )
    organisation = session.get_one(Organisation, row.organisation_id)
    people = people_at_domain(session, row.organisation_id, row.domain)
    for owner in owners_of(session, row.organisation_id):
        send_mail(
            session,
            "domains/lost",
            to=owner,
            now=now,
            name=owner.name,
            organisation=organisation.short_name,
            domain=row.domain,
            people=[person.name for person in people],
            path="/my/verification",
        )


def give_up(session: Session, row: OrganisationDomain, *, by: int, now: datetime) -> None:
    _record(session, "domain given up", row, by=by, now=now)
    session.delete(row)


def _record(
    session: Session,
    verb: str,
    row: OrganisationDomain,
    *,
    by: int | None,
    now: datetime,
    reason: str = "",
) -> None:
    record(
        session,
        verb,
        "domain",
        row.id,
        by=by,
        now=now,
        organisation_id=row.organisation_id,
        after={"name": row.domain},
        reason=reason,
    )
