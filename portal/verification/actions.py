"""Hand in the licence; check it; carry out what was decided; remind and freeze who never did."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any

from sqlmodel import Session

from portal.desk.parts import CONTRIBUTIONS
from portal.domains.queries import proved_domains
from portal.domains.rules import domain_of
from portal.files.actions import store_file
from portal.files.models import StoredFile
from portal.files.rules import Kind
from portal.history.actions import record
from portal.jobs import enqueue
from portal.ledger.actions import write_fact
from portal.ledger.rules import FactKind
from portal.mail.actions import send_mail
from portal.organisations.models import Organisation
from portal.organisations.queries import owners_of
from portal.organisations.rules import TRUST_MOVES, VERIFY_WITHIN, Trust
from portal.programme.queries import programme_at
from portal.refusal import Refused, checked_move, mark
from portal.review.actions import decide as decide_review
from portal.review.actions import submit
from portal.rights.rules import require
from portal.settings import settings
from portal.verification import queries
from portal.verification.models import (
    Verification,
    VerificationAnswer,
    VerificationCheck,
    VerificationReminder,
)
from portal.verification.registries import risk_list
from portal.verification.rules import (
    AUTOMATIC_NEEDS,
    BY_ITSELF,
    ITEMS,
    NAMES,
    Answer,
    Case,
    Check,
    Unavailable,
    hints,
    may_approve,
    reminder_due,
    run_checks,
    wait_before,
)

LEASE = timedelta(minutes=1)  # longer than a registry may take
ANSWER_ITEMS = mark("Please answer what was asked here: in words, with a file, or both.")
ASKED = mark("Staff asked about single items. Please answer those.")


@dataclass(frozen=True)
class Given:
    """An owner's answer to one item."""

    text: str
    file_name: str = ""
    content: bytes | None = None


def hand_in(
    session: Session,
    organisation: Organisation,
    *,
    file_name: str,
    content: bytes,
    representative: str,
    note: str,
    by: int,
    now: datetime,
) -> Verification:
    """Licence in, onto the desk. Refused with a sentence when the file is unfit or it lies on the desk already."""
    require(programme_at(session, now), organisation, "verify")
    standing = queries.verification_of(session, organisation.id or 0)
    if standing.asked:
        raise Refused(ASKED)
    licence = store_file(
        session, file_name, content, kind=Kind.LICENCE, organisation_id=organisation.id, by=by, now=now
    )
    row = standing.verification
    if row is None:
        row = Verification(
            organisation_id=organisation.id or 0,
            licence_id=licence.id or 0,
            representative=representative,
            handed_in_at=now,
            handed_in_by=by,
            round=0,
        )
    row.licence_id, row.note = licence.id or 0, note
    _onto_the_desk(session, row, representative, by=by, now=now)
    session.add(
        VerificationAnswer(
            verification_id=row.id or 0,
            round=row.round,
            item="licence",
            text=note,
            file_id=licence.id,
            by=by,
            at=now,
        )
    )
    return row


def answer(
    session: Session,
    organisation: Organisation,
    given: Mapping[str, Given],
    *,
    representative: str,
    by: int,
    now: datetime,
) -> Verification:
    """Back onto the desk with an answer to each item that was asked about."""
    require(programme_at(session, now), organisation, "verify")
    standing = queries.verification_of(session, organisation.id or 0)
    row, asked = standing.verification, {f.item for f in standing.asked}
    if row is None or not asked:
        checked_move({}, "", "")  # a stale page: nothing is asked any more
        raise AssertionError
    if any(item not in given or not (given[item].text or given[item].content) for item in asked):
        raise Refused(ANSWER_ITEMS, status=422)
    _onto_the_desk(session, row, representative, by=by, now=now)
    for item in [i.key for i in ITEMS if i.key in asked]:
        one = given[item]
        file = (
            store_file(
                session,
                one.file_name,
                one.content,
                kind=Kind.LICENCE,
                organisation_id=organisation.id,
                by=by,
                now=now,
            )
            if one.content is not None
            else None
        )
        session.add(
            VerificationAnswer(
                verification_id=row.id or 0,
                round=row.round,
                item=item,
                text=one.text,
                file_id=file.id if file else None,
                by=by,
                at=now,
            )
        )
    return row


def _onto_the_desk(
    session: Session, row: Verification, representative: str, *, by: int, now: datetime
) -> None:
    from portal.verification.jobs import check_verification  # noqa: PLC0415  the job calls this module

    row.representative, row.handed_in_at, row.handed_in_by = representative, now, by
    row.round, row.checks_due_at, row.check_attempts = row.round + 1, now, 0
    session.add(row)
    session.flush()
    submit(session, "verification", row.id or 0, organisation_id=row.organisation_id, by=by, now=now)
    enqueue(session, check_verification, row.id or 0)


# ——— The portal's own checks ———


@dataclass(frozen=True)
class Claimed:
    credit_code: str
    round: int


def claim_checks(session: Session, verification_id: int, *, now: datetime) -> Claimed | None:
    """Take the checks in hand, so that the registry is asked outside of any transaction."""
    row = queries.verification_to_check(session, verification_id, now)
    if row is None:
        return None
    row.checks_due_at, row.check_attempts = now + LEASE, row.check_attempts + 1
    organisation = session.get_one(Organisation, row.organisation_id)
    return Claimed(organisation.credit_code, row.round)


def finish_checks(
    session: Session, verification_id: int, claimed: Claimed, found: Answer, *, now: datetime
) -> timedelta | None:
    """Write the checks down and approve a clean case; how long to wait when the registry was silent."""
    row = session.get_one(Verification, verification_id, with_for_update=True)
    if row.checks_due_at is None or row.round != claimed.round:
        return None  # decided, or handed in anew, in the meantime
    if isinstance(found, Unavailable) and found.again:
        wait = wait_before(row.check_attempts)
        if wait is not None:
            row.checks_due_at = now + wait
            return wait
    row.checks_due_at = None
    organisation = session.get_one(Organisation, row.organisation_id)
    checks = run_checks(_case(session, row, organisation), found)
    for check in checks:
        session.add(
            VerificationCheck(
                verification_id=verification_id,
                round=row.round,
                key=check.key,
                verdict=check.verdict,
                detail=check.detail,
                at=now,
            )
        )
    record(
        session,
        "checked automatically",
        "verification",
        verification_id,
        by=None,
        now=now,
        organisation_id=organisation.id,
        after={"round": row.round},
    )
    rules = programme_at(session, now).content.get("verification", {})
    # Once a person has asked or refused, a person decides.
    if row.round == 1 and may_approve(checks, rules.get("automatic_needs", AUTOMATIC_NEEDS)):
        submission = queries.submission_to_decide(session, verification_id)
        if submission is not None and organisation.trust in (Trust.PROVISIONAL, Trust.FROZEN):
            decide_review(
                session,
                submission,
                "approve",
                {item.key: ("pass", "") for item in ITEMS},
                BY_ITSELF,
                revision=submission.revision,
                by=None,
                now=now,
            )
    return None


def _case(session: Session, row: Verification, organisation: Organisation) -> Case:
    mailbox = queries.mailbox_of(session, row.handed_in_by)
    if domain_of(mailbox) == domain_of(parseaddr(settings().mail_from)[1]):
        mailbox = ""  # at the operator's own domain: it says nothing about the organisation
    return Case(
        organisation.legal_name,
        organisation.credit_code,
        organisation.province,
        organisation.website,
        organisation.kind.value,
        row.representative,
        mailbox,
        proved_domains=tuple(proved_domains(session, organisation.id or 0)),
        others=queries.perhaps_the_same(session, organisation, mailbox),
        risks=risk_list(),
    )


# ——— Decisions and clocks ———


def decide(
    session: Session, verification_id: int, decision: str, reason: str, *, by: int | None, now: datetime
) -> None:
    """Called by the review desk in the transaction of the decision."""
    verification = session.get_one(Verification, verification_id)
    verification.checks_due_at = None
    organisation = session.get_one(Organisation, verification.organisation_id)
    if decision == "approve":
        before = organisation.trust
        organisation.trust = Trust(checked_move(TRUST_MOVES, organisation.trust, "verify"))  # type: ignore[arg-type]
        organisation.verified_at = now
        organisation.revision += 1
        write_fact(
            session,
            FactKind.ORGANISATION_VERIFIED,
            organisation_id=organisation.id,
            source=("verification", verification_id),
            by=by,
            now=now,
        )
        record(
            session,
            "organisation verified",
            "organisation",
            organisation.id,
            by=by,
            now=now,
            organisation_id=organisation.id,
            before={"trust": before},
            after={"trust": organisation.trust.value},
            reason=reason if by is None else "",
        )
        for follows in CONTRIBUTIONS.verified:
            follows(session, verification.organisation_id, by=by, now=now)
    for owner in owners_of(session, verification.organisation_id):
        send_mail(
            session,
            "verification/decided",
            to=owner,
            now=now,
            name=owner.name,
            organisation=organisation.short_name,
            decision=decision,
            reason=reason,
            by_portal=by is None,
            path="/my/verification",
        )


def remind(session: Session, organisation_id: int, *, now: datetime) -> None:
    """Mail the owners that the freeze comes near: once at each of the days the rules name."""
    organisation = session.get_one(Organisation, organisation_id, with_for_update=True)
    since = organisation.returned_at or organisation.created_at
    days = reminder_due(since, queries.reminded(session, organisation_id), now)
    if organisation.trust is not Trust.PROVISIONAL or days is None:
        return
    session.add(VerificationReminder(organisation_id=organisation_id, days=days, sent_at=now))
    freezes_at = since + VERIFY_WITHIN
    for owner in owners_of(session, organisation_id):
        send_mail(
            session,
            "verification/reminder",
            to=owner,
            now=now,
            name=owner.name,
            organisation=organisation.short_name,
            freezes_at=freezes_at,
            path="/my/verification",
        )
    record(
        session,
        "reminded of verification",
        "organisation",
        organisation_id,
        by=None,
        now=now,
        organisation_id=organisation_id,
    )


def freeze(session: Session, organisation_id: int, *, now: datetime) -> None:
    """Thirty days without verification: public rights stay closed, drafts stay."""
    organisation = session.get_one(Organisation, organisation_id, with_for_update=True)
    if not queries.organisations_to_freeze(session, now - VERIFY_WITHIN, only=organisation_id):
        return  # verified or handed in since the sweep looked
    organisation.trust = Trust(checked_move(TRUST_MOVES, organisation.trust, "freeze"))  # type: ignore[arg-type]
    organisation.revision += 1
    record(
        session,
        "organisation frozen",
        "organisation",
        organisation_id,
        by=None,
        now=now,
        organisation_id=organisation_id,
        before={"trust": Trust.PROVISIONAL.value},
        after={"trust": Trust.FROZEN.value},
        reason="30 days without verification",
    )
    for owner in owners_of(session, organisation_id):
        send_mail(
            session,
            "verification/frozen",
            to=owner,
            now=now,
            name=owner.name,
            organisation=organisation.short_name,
            path="/my/verification",
        )


def for_review(session: Session, verification_id: int) -> dict[str, Any]:
    """What a reviewer sees: the files and answers of all rounds, the checks with their candidates, hints an item."""
    verification = session.get_one(Verification, verification_id)
    checks = queries.checks_of(session, verification)
    fresh = [Check(c.key, c.verdict, c.detail) for c in checks if c.round == verification.round]
    return {
        "verification": verification,
        "organisation": session.get_one(Organisation, verification.organisation_id),
        "licence": session.get_one(StoredFile, verification.licence_id),
        "answers": queries.answers_of(session, verification_id),
        "checks": checks,
        "names": NAMES,
        "hints": hints(fresh),
    }
