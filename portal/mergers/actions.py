"""Propose, answer, carry out: two registrations become one, all at once or not at all."""

from datetime import datetime, timedelta

from sqlmodel import Session

from portal.desk.parts import CONTRIBUTIONS
from portal.history.actions import record
from portal.mail.actions import send_mail
from portal.mergers import queries
from portal.mergers.models import Merger
from portal.mergers.rules import (
    MERGER_MOVES,
    TOO_LATE,
    MergerStatus,
    blocks,
    digest_of,
    too_late,
    why_not_merge,
)
from portal.organisations.models import Organisation
from portal.organisations.queries import both_locked, organisation_by_code, owners_of
from portal.organisations.rules import TRUST_MOVES, Trust
from portal.programme.queries import programme_at
from portal.refusal import Refused, checked_move, mark
from portal.rights.rules import require

CHANGED = mark("Something has changed since you read the preview. Nothing was merged; please read it again.")
NOT_REGISTERED = mark(
    "No organisation with this credit code takes part. Compare it with the other side's licence."
)


def propose(
    session: Session, into: Organisation, other_code: str, reason: str, *, by: int, now: datetime
) -> Merger:
    """An owner of `into` asks that another registration goes into it; an owner of the other says yes or no."""
    programme = programme_at(session, now)
    require(programme, into, "unite")
    gone = organisation_by_code(session, other_code)
    if gone is None:
        raise Refused(NOT_REGISTERED, status=422)
    _refuse(gone, into)
    if queries.proposed_from(session, gone.id or 0):
        raise Refused(mark("A merger of this organisation waits for an answer already."), status=422)
    merger = _merger(session, gone, into, reason, by=by, now=now, days=programme.profile["merge_answer_d"])
    _both_record(session, "merger proposed", merger, by=by, now=now, reason=reason)
    _tell(session, merger, merger.from_id, "proposed", now=now)
    return merger


def answer(session: Session, merger_id: int, move: str, *, seen: str = "", by: int, now: datetime) -> None:
    """`confirm` or `decline` by an owner of the one that goes, `withdraw` by one of the other; the page checks whose."""
    merger = queries.merger_locked(session, merger_id)
    if move == "confirm":
        carry_out(session, merger, seen=seen, by=by, now=now)
        return
    merger.status = MergerStatus(checked_move(MERGER_MOVES, merger.status, move))  # type: ignore[arg-type]
    merger.answered_at, merger.answered_by = now, by
    _both_record(
        session,
        "merger declined" if move == "decline" else "merger withdrawn",
        merger,
        by=by,
        now=now,
    )
    _tell(session, merger, merger.into_id if move == "decline" else merger.from_id, move, now=now)


def merge_by_staff(
    session: Session, from_id: int, into_id: int, reason: str, *, seen: str, by: int, now: datetime
) -> Merger:
    """A proven duplicate, with a reason that both sides read."""
    both = both_locked(session, from_id, into_id)
    if len(both) == 2:
        _refuse(both[from_id], both[into_id])
    else:
        raise Refused(mark("That is your own organisation."), status=422)
    waiting = queries.proposed_from(session, from_id)
    if waiting:
        waiting.status, waiting.answered_at = MergerStatus.WITHDRAWN, now
        session.flush()
    merger = _merger(session, both[from_id], both[into_id], reason, by=by, now=now, days=1)
    merger.by_staff = True
    carry_out(session, merger, seen=seen, by=by, now=now)
    return merger


def take_over(
    session: Session, from_id: int, into_id: int, reason: str, *, by: int | None, now: datetime
) -> Merger:
    """The history of an organisation that left long ago goes to its successor, which was verified just now."""
    both = both_locked(session, from_id, into_id)
    merger = _merger(session, both[from_id], both[into_id], reason, by=by, now=now, days=1)
    carry_out(session, merger, seen=None, by=by, now=now, of_closed=True)
    return merger


def withdraw_all(session: Session, organisation_id: int, *, by: int | None, now: datetime) -> None:
    """Proposals of either side, for one of them leaves."""
    for merger in queries.proposals_of(session, organisation_id):
        merger.status = MergerStatus(checked_move(MERGER_MOVES, merger.status, "withdraw"))  # type: ignore[arg-type]
        merger.answered_at, merger.answered_by = now, by
        _both_record(session, "merger withdrawn", merger, by=by, now=now)


def carry_out(
    session: Session,
    merger: Merger,
    *,
    seen: str | None,
    by: int | None,
    now: datetime,
    of_closed: bool = False,
) -> None:
    """In the caller's transaction, with both organisations locked. `seen`: the digest of the preview that was read."""
    both = both_locked(session, merger.from_id, merger.into_id)
    gone, into = both[merger.from_id], both[merger.into_id]
    after = MergerStatus(checked_move(MERGER_MOVES, merger.status, "confirm"))  # type: ignore[arg-type]
    if too_late(merger.expires_at, now):
        raise Refused(TOO_LATE)
    if not of_closed:
        _refuse(gone, into)
    lines = queries.preview(session, merger.from_id, merger.into_id)
    in_the_way = blocks(lines)
    if in_the_way:
        raise Refused(in_the_way[0].why)
    if seen is not None and seen != digest_of(lines):
        raise Refused(CHANGED)
    merger.status, merger.answered_at, merger.answered_by = after, now, by
    before = gone.trust
    moved: dict[str, list[int]] = {}
    for part in CONTRIBUTIONS.merge:
        moved |= part(session, merger.from_id, merger.into_id, by=by, now=now)
    if gone.trust is not Trust.CLOSED:
        gone.trust = Trust(checked_move(TRUST_MOVES, gone.trust, "close"))  # type: ignore[arg-type]
    gone.trust_reason = f"→ {into.legal_name}"
    gone.revision += 1
    merger.moved = {table: ids for table, ids in moved.items() if ids}
    for other in queries.proposals_of(session, merger.from_id):
        other.status, other.answered_at = MergerStatus.WITHDRAWN, now
    session.flush()
    _both_record(
        session,
        "organisations merged",
        merger,
        by=by,
        now=now,
        reason=merger.reason,
        before={"trust": before.value, "name": gone.legal_name, "code": gone.credit_code},
        after={"name": into.legal_name, "moved": sum(len(ids) for ids in merger.moved.values())},
    )
    for compute in CONTRIBUTIONS.merged:
        compute(session, merger.from_id, merger.into_id, now)
    _tell(session, merger, merger.into_id, "confirm", now=now)  # everybody is there now


def _refuse(gone: Organisation, into: Organisation) -> None:
    why = why_not_merge(gone.kind, into.kind, gone.trust, into.trust, same=gone.id == into.id)
    if why:
        raise Refused(why, status=422)


def _merger(
    session: Session,
    gone: Organisation,
    into: Organisation,
    reason: str,
    *,
    by: int | None,
    now: datetime,
    days: int,
) -> Merger:
    merger = Merger(
        from_id=gone.id or 0,
        into_id=into.id or 0,
        reason=reason,
        proposed_at=now,
        proposed_by=by,
        expires_at=now + timedelta(days=days),
    )
    session.add(merger)
    session.flush()
    return merger


def _both_record(
    session: Session,
    verb: str,
    merger: Merger,
    *,
    by: int | None,
    now: datetime,
    reason: str = "",
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    for organisation_id in (merger.from_id, merger.into_id):
        record(
            session,
            verb,
            "merger",
            merger.id,
            by=by,
            now=now,
            organisation_id=organisation_id,
            before=before,
            after=after or {"status": merger.status.value},
            reason=reason,
        )


def _tell(session: Session, merger: Merger, to_id: int, news: str, *, now: datetime) -> None:
    gone, into = session.get_one(Organisation, merger.from_id), session.get_one(Organisation, merger.into_id)
    for owner in owners_of(session, to_id):
        send_mail(
            session,
            "mergers/news",
            to=owner,
            now=now,
            name=owner.name,
            gone=gone.legal_name,
            into=into.legal_name,
            reason=merger.reason,
            until=merger.expires_at,
            by_staff=merger.by_staff,
            news=news,
            path=f"/my/merge/{merger.id}",
        )
