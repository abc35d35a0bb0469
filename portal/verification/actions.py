"""Hand in the licence; carry out what staff decided; freeze who never did."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from portal.files.actions import store_file
from portal.files.models import StoredFile
from portal.files.rules import Kind
from portal.history.actions import record
from portal.ledger.actions import write_fact
from portal.ledger.rules import FactKind
from portal.mail.actions import send_mail
from portal.organisations.models import Organisation
from portal.organisations.queries import owners_of
from portal.organisations.rules import TRUST_MOVES, Trust
from portal.programme.queries import programme_at
from portal.refusal import checked_move
from portal.review.actions import submit
from portal.rights.rules import require
from portal.verification.models import Verification
from portal.verification.queries import verification_of


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
    assert organisation.id is not None  # noqa: S101
    licence = store_file(
        session, file_name, content, kind=Kind.LICENCE, organisation_id=organisation.id, by=by, now=now
    )
    row = verification_of(session, organisation.id).verification
    if row is None:
        row = Verification(
            organisation_id=organisation.id,
            licence_id=licence.id or 0,
            representative=representative,
            note=note,
            handed_in_at=now,
        )
    row.licence_id, row.representative, row.note, row.handed_in_at = (
        licence.id or 0,
        representative,
        note,
        now,
    )
    session.add(row)
    session.flush()
    submit(session, "verification", row.id or 0, organisation_id=organisation.id, by=by, now=now)
    return row


def decide(
    session: Session, verification_id: int, decision: str, reason: str, *, by: int, now: datetime
) -> None:
    """Called by the review desk in the transaction of the decision."""
    verification = session.get_one(Verification, verification_id)
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
        )
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
            path="/my/verification",
        )


def freeze(session: Session, organisation_id: int, *, now: datetime) -> None:
    """Thirty days without verification: public rights stay closed, drafts stay."""
    organisation = session.get_one(Organisation, organisation_id, with_for_update=True)
    if organisation.trust is not Trust.PROVISIONAL:
        return
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


def for_review(session: Session, verification_id: int) -> dict[str, Any]:
    verification = session.get_one(Verification, verification_id)
    return {
        "verification": verification,
        "organisation": session.get_one(Organisation, verification.organisation_id),
        "licence": session.get_one(StoredFile, verification.licence_id),
    }
