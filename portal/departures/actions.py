"""Somebody leaves: what ends, who is told, what is handed over, and whether they still work there at all."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from portal import clock
from portal.accounts.actions import digest
from portal.accounts.models import Person
from portal.departures import queries
from portal.departures.models import Departure, Handover, MailboxCheck
from portal.departures.rules import (
    CHECK_MOVES,
    CLIENT_ANSWERS_WITHIN,
    WAITS,
    Answer,
    CheckStatus,
    Why,
    why_not_contact,
)
from portal.desk.parts import CONTRIBUTIONS, OpenThing
from portal.domains.queries import proved_domains
from portal.history.actions import record
from portal.ledger.actions import write_fact
from portal.ledger.rules import FactKind
from portal.mail.actions import Mailbox, send_mail
from portal.organisations.actions import end_employment
from portal.organisations.models import Employment, Organisation
from portal.organisations.queries import owners_of
from portal.organisations.rules import EmploymentStatus, Ending, Trust
from portal.programme.queries import programme_at
from portal.refusal import NotFound, Refused, checked_move, mark

ONLY_OWNER = mark("You are the only owner. Make somebody else an owner first.")
NOBODY = mark("Please choose somebody whose roles hold the right for it.")


@dataclass(frozen=True)
class Client:
    """Who hired the person, as the organisation says, and who there can confirm it."""

    name: str
    contact: str
    language: str


def _protocol(session: Session, now: datetime) -> dict[str, Any]:
    protocol: dict[str, Any] = programme_at(session, now)["lifecycle"]["staff_departure"]
    return protocol


# Leaving


def depart(
    session: Session,
    employment: Employment,
    ending: Ending,
    *,
    client: Client | None = None,
    by: int | None,
    now: datetime,
) -> Departure | None:
    """End a link with all that follows, in one transaction; None when it was an invitation that nobody had accepted.

    Certificates stay with the person. Who answered for something hands it over; a closed organisation hands nothing
    over: its briefs and invitations end by their own clocks, its cases stay in the record.
    """
    organisation = session.get_one(Organisation, employment.organisation_id, with_for_update=True)
    confirmed = employment.status is EmploymentStatus.CONFIRMED
    end_employment(session, employment, ending, by=by, now=now)
    if not confirmed or employment.person_id is None:
        return None
    departure = Departure(
        employment_id=employment.id or 0,
        organisation_id=employment.organisation_id,
        person_id=employment.person_id,
        ending=ending,
        at=now,
        by=by,
    )
    session.add(departure)
    session.flush()
    _write_fact(session, departure, confirmed=False, now=now)
    check = queries.check_waiting(session, departure.employment_id)
    if check is not None:
        _move_check(session, check, "leave", by=by, now=now)
    person = session.get_one(Person, employment.person_id)
    if client is not None:
        _ask_client(session, departure, organisation, person, client, now=now)
    if organisation.trust != Trust.CLOSED:
        _list_open_things(session, departure, now=now)
    session.flush()
    for told in CONTRIBUTIONS.person_left:
        told(session, departure.organisation_id, now)
    _tell(session, departure, organisation, person, now=now)
    return departure


def _write_fact(session: Session, departure: Departure, *, confirmed: bool, now: datetime) -> None:
    write_fact(
        session,
        FactKind.DEPARTURE,
        organisation_id=departure.organisation_id,
        person_id=departure.person_id,
        source=("departure", departure.id),
        by=departure.by,
        now=now,
        ending=departure.ending.value,
        confirmed=confirmed,
    )


def _list_open_things(session: Session, departure: Departure, *, now: datetime) -> None:
    for handing in CONTRIBUTIONS.handings.values():
        for thing in handing.of_person(session, departure.organisation_id, departure.person_id):
            session.add(
                Handover(
                    departure_id=departure.id or 0,
                    kind=handing.kind,
                    subject_id=thing.subject_id,
                    title=thing.title[:200],
                    path=thing.path,
                    right=thing.right,
                )
            )
            days = _protocol(session, now)["handover_checklist_wd"]
            departure.handover_due_at = clock.add_working_days(now, days)


def _tell(
    session: Session, departure: Departure, organisation: Organisation, person: Person, *, now: datetime
) -> None:
    """The owners who did not do it themselves; and the person, unless they left by themselves."""
    lines = queries.open_lines(session, departure.id or 0)
    for owner in owners_of(session, departure.organisation_id):
        if owner.id != departure.by or lines:
            send_mail(
                session,
                "departures/left",
                to=owner,
                now=now,
                name=owner.name,
                person=person.name,
                organisation=organisation.short_name,
                lines=lines,
                until=departure.handover_due_at,
                path=f"/my/team/{departure.employment_id}/handover",
            )
    if departure.by != departure.person_id:
        send_mail(
            session,
            "departures/ended",
            to=person,
            now=now,
            name=person.name,
            organisation=organisation.short_name,
            path="/my/certificates",
        )


# Hired by a client


def _ask_client(
    session: Session,
    departure: Departure,
    organisation: Organisation,
    person: Person,
    client: Client,
    *,
    now: datetime,
) -> None:
    wrong = why_not_contact(
        client.contact,
        website=organisation.website,
        domains=proved_domains(session, departure.organisation_id),
        members=[person.email, *(m.email for m in owners_of(session, departure.organisation_id))],
    )
    if wrong:
        raise Refused(wrong, status=422)
    token = secrets.token_urlsafe(32)
    departure.client_name, departure.contact = client.name, client.contact.lower()
    departure.token_hash, departure.expires_at = digest(token), now + CLIENT_ANSWERS_WITHIN
    send_mail(
        session,
        "departures/client",
        to=Mailbox(departure.contact, client.language),
        now=now,
        organisation=organisation.legal_name,
        person=person.name,
        client=client.name,
        days=CLIENT_ANSWERS_WITHIN.days,
        path=f"/hired/{token}",
    )
    record(
        session,
        "client asked about a departure",
        "departure",
        departure.id,
        by=departure.by,
        now=now,
        organisation_id=departure.organisation_id,
        after={"client": client.name},
        personal={"contact": departure.contact},
    )


def answer_as_client(session: Session, departure: Departure, answer: Answer, *, now: datetime) -> None:
    """Once. A yes extends the grace that runs; a no extends nothing and is seen by staff."""
    if departure.answered_at is not None:
        raise Refused(mark("This question has been answered. Nothing was changed."))
    departure.answer, departure.answered_at, departure.token_hash = answer, now, None
    record(
        session,
        "client confirmed a departure" if answer is Answer.YES else "client denied a departure",
        "departure",
        departure.id,
        by=None,
        now=now,
        organisation_id=departure.organisation_id,
        after={"client": departure.client_name},
    )
    if answer is Answer.YES:
        _write_fact(session, departure, confirmed=True, now=now)
        for told in CONTRIBUTIONS.client_confirmed:
            told(session, departure.organisation_id, departure.id or 0, now)


# Handing over


def hand_over(
    session: Session, departure: Departure, wanted: dict[int, int], *, by: int, now: datetime
) -> int:
    """Give lines to colleagues, {line: person}; how many were given. Refused as a whole when one does not fit."""
    session.get_one(Organisation, departure.organisation_id, with_for_update=True)
    given = 0
    for line, _ in queries.lines_of(session, departure.id or 0, lock=True):
        person_id = wanted.get(line.id or 0)
        if person_id is not None and line.done_at is None:
            given += _give(
                session, departure.organisation_id, line.kind, line.subject_id, person_id, by=by, now=now
            )
    return given


def hand_to(
    session: Session,
    organisation: Organisation,
    kind: str,
    subject_id: int,
    person_id: int,
    *,
    by: int,
    now: datetime,
) -> OpenThing:
    """One thing to a colleague at any time, also when nobody left. NotFound when it is not theirs or over."""
    handing = CONTRIBUTIONS.handings.get(kind)
    thing = handing and handing.one(session, organisation.id or 0, subject_id)
    if not thing:
        raise NotFound
    _give(session, organisation.id or 0, kind, subject_id, person_id, by=by, now=now)
    return thing


def _give(
    session: Session,
    organisation_id: int,
    kind: str,
    subject_id: int,
    person_id: int,
    *,
    by: int | None,
    now: datetime,
) -> bool:
    """Every open line about it is done. False when the thing was over in the meantime."""
    handing = CONTRIBUTIONS.handings[kind]
    thing = handing.one(session, organisation_id, subject_id)
    if thing is not None:
        able = queries.holding(
            programme_at(session, now), thing.right, queries.colleagues_of(session, organisation_id, now)
        )
        if person_id not in {one.person_id for one in able}:
            raise Refused(NOBODY, status=422)
        handing.give(session, subject_id, person_id, by=by, now=now)
    for line in queries.lines_about(session, kind, subject_id):
        line.assigned_to, line.done_at = person_id if thing else None, now
        session.flush()
        departure = session.get_one(Departure, line.departure_id)
        if departure.handed_over_at is None and not queries.open_lines(session, line.departure_id):
            departure.handed_over_at = now
    return thing is not None


def escalate(session: Session, departure_id: int, *, now: datetime) -> None:
    """What nobody took in time goes to the owner who is there longest; owners and staff see that it did."""
    organisation_id = session.get_one(Departure, departure_id).organisation_id
    organisation = session.get_one(Organisation, organisation_id, with_for_update=True)
    departure = session.get_one(Departure, departure_id, with_for_update=True, populate_existing=True)
    due = departure.handover_due_at
    if due is None or due > now or departure.handed_over_at or departure.escalated_at:
        return
    owners, given = owners_of(session, organisation_id), []
    for line, _ in queries.lines_of(session, departure_id, lock=True):
        if (
            owners
            and line.done_at is None
            and _give(
                session, organisation_id, line.kind, line.subject_id, owners[0].id or 0, by=None, now=now
            )
        ):
            given.append(line.title)
    if owners and not given:
        return  # all of it was over by itself
    departure.escalated_at = now
    record(
        session,
        "handover escalated",
        "departure",
        departure.id,
        by=None,
        now=now,
        organisation_id=organisation_id,
        after={"lines": len(given)},
        personal={"to": owners[0].name} if owners else None,
    )
    for owner in owners:
        send_mail(
            session,
            "departures/escalated",
            to=owner,
            now=now,
            name=owner.name,
            organisation=organisation.short_name,
            taker=owners[0].name,
            titles=given,
            path=f"/my/team/{departure.employment_id}/handover",
        )


# Do they still work there?


def ask_mailbox(session: Session, employment_id: int, why: Why, *, now: datetime) -> str | None:
    """Mail the question with its link; the token, or None when somebody asked in the meantime."""
    employment = session.get_one(Employment, employment_id, with_for_update=True)
    if (
        employment.status is not EmploymentStatus.CONFIRMED
        or employment.person_id is None
        or queries.check_waiting(session, employment_id)
    ):
        return None
    person = session.get_one(Person, employment.person_id)
    organisation = session.get_one(Organisation, employment.organisation_id)
    token = secrets.token_urlsafe(32)
    days = _protocol(session, now)["mailbox_check"]["answer_wd"]
    check = MailboxCheck(
        employment_id=employment_id,
        organisation_id=employment.organisation_id,
        why=why,
        email=person.email,
        token_hash=digest(token),
        asked_at=now,
        due_at=clock.add_working_days(now, days),
    )
    session.add(check)
    session.flush()
    send_mail(
        session,
        "departures/check",
        to=person,
        now=now,
        name=person.name,
        organisation=organisation.short_name,
        until=check.due_at,
        path=f"/still-there/{token}",
    )
    record(
        session,
        "mailbox asked",
        "employment",
        employment_id,
        by=None,
        now=now,
        organisation_id=employment.organisation_id,
        after={"why": why.value},
        personal={"email": person.email},
    )
    return token


def answer_check(session: Session, check_id: int, answer: Answer, *, by: int | None, now: datetime) -> None:
    """Yes: they stay, and are asked again when the time has come. No: the link ends at once. From either side, once."""
    check = _locked(session, check_id)
    employment = session.get_one(Employment, check.employment_id, with_for_update=True)
    if answer is Answer.NO and _is_only_owner(session, employment):
        raise Refused(ONLY_OWNER)
    _move_check(session, check, answer.value, by=by, now=now)
    if answer is Answer.NO:
        depart(session, employment, Ending.DOMAIN_FAILED, by=by, now=now)


def silence(session: Session, check_id: int, *, now: datetime) -> None:
    """No answer in time: the owners are asked; after their time the link ends. An only owner is never put out."""
    check = _locked(session, check_id)
    if check.status not in WAITS or check.due_at > now:
        return
    employment = session.get_one(Employment, check.employment_id, with_for_update=True)
    days = _protocol(session, now)["mailbox_check"]["owners_answer_wd"]
    if check.status is CheckStatus.OWNERS_ASKED:
        if _is_only_owner(session, employment):
            check.due_at = clock.add_working_days(now, days)
            return
        _move_check(session, check, "silence", by=None, now=now)
        depart(session, employment, Ending.DOMAIN_FAILED, by=None, now=now)
        return
    _move_check(session, check, "silence", by=None, now=now)
    check.due_at = clock.add_working_days(now, days)
    person = session.get_one(Person, employment.person_id)
    for owner in owners_of(session, check.organisation_id):
        send_mail(
            session,
            "departures/owners",
            to=owner,
            now=now,
            name=owner.name,
            person=person.name,
            email=check.email,
            until=check.due_at,
            path="/my/team",
        )


def _locked(session: Session, check_id: int) -> MailboxCheck:
    """The organisation first, then the question: everything that ends a link takes them in this order."""
    organisation_id = session.get_one(MailboxCheck, check_id).organisation_id
    session.get_one(Organisation, organisation_id, with_for_update=True)
    return session.get_one(MailboxCheck, check_id, with_for_update=True, populate_existing=True)


def _is_only_owner(session: Session, employment: Employment) -> bool:
    return [owner.id for owner in owners_of(session, employment.organisation_id)] == [employment.person_id]


def _move_check(session: Session, check: MailboxCheck, move: str, *, by: int | None, now: datetime) -> None:
    before = check.status
    check.status = CheckStatus(checked_move(CHECK_MOVES, before, move))  # type: ignore[arg-type]
    if check.status not in WAITS:
        check.answered_at, check.answered_by = now, by
    record(
        session,
        "mailbox question moved",
        "employment",
        check.employment_id,
        by=by,
        now=now,
        organisation_id=check.organisation_id,
        before={"status": before.value},
        after={"status": check.status.value, "answer": move},
    )
    session.flush()


def asked_every(session: Session, now: datetime) -> timedelta:
    """How long after a question a mailbox is asked again."""
    return timedelta(days=_protocol(session, now)["mailbox_check"]["every_d"])
