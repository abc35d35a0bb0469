"""Write facts down, end them, retract them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, delete

from portal.history.actions import record
from portal.ledger.models import Fact, LedgerChange
from portal.ledger.queries import employers_of, facts_from
from portal.ledger.rules import FactKind


def write_fact(
    session: Session,
    kind: FactKind,
    *,
    source: tuple[str, int | None],
    now: datetime,
    true_from: datetime | None = None,
    true_until: datetime | None = None,
    organisation_id: int | None = None,
    person_id: int | None = None,
    by: int | None = None,
    **value: Any,
) -> Fact:
    """`source` is what it came from, e.g. ("case", 7); `true_from` is now unless said otherwise."""
    source_kind, source_id = source
    if source_id is None:
        raise ValueError("flush the source before writing its facts")
    fact = Fact(
        kind=kind,
        organisation_id=organisation_id,
        person_id=person_id,
        value=value,
        true_from=true_from or now,
        true_until=true_until,
        recorded_at=now,
        source_kind=source_kind,
        source_id=source_id,
        recorded_by=by,
    )
    session.add(fact)
    _changed(session, [fact], now)
    return fact


def _changed(session: Session, facts: Sequence[Fact], now: datetime) -> None:
    """What is computed from these facts is out of date, for each organisation that they count for."""
    session.flush()
    concerned = {f.organisation_id for f in facts if f.organisation_id is not None}
    people = {f.person_id for f in facts if f.organisation_id is None and f.person_id is not None}
    concerned |= employers_of(session, sorted(people)) if people else set()
    session.add_all(LedgerChange(organisation_id=o, at=now) for o in sorted(concerned))


def forget_changes(session: Session, changes: Sequence[int]) -> None:
    """They have been computed. By their ids: one that came meanwhile stays."""
    session.exec(delete(LedgerChange).where(col(LedgerChange.id).in_(changes)))


def end_facts(
    session: Session, kind: FactKind, *, source: tuple[str, int], at: datetime, now: datetime | None = None
) -> int:
    """The facts from this source stop being true at `at`, as is known from `now` (the same moment) on; how many."""
    open_facts = [
        f
        for f in facts_from(session, *source)
        if f.kind == kind and (f.true_until is None or f.true_until > at)
    ]
    for fact in open_facts:
        fact.until_before, fact.true_until, fact.end_recorded_at = fact.true_until, at, now or at
    _changed(session, open_facts, now or at)
    return len(open_facts)


def retract_facts(
    session: Session, *, source: tuple[str, int], reason: str, by: int | None, now: datetime
) -> int:
    """They never should have counted: every fact from this source leaves all computations from now on."""
    facts = [f for f in facts_from(session, *source) if f.retracted_at is None]
    for fact in facts:
        fact.retracted_at, fact.retraction_reason = now, reason
        record(
            session,
            "fact retracted",
            "fact",
            fact.id,
            by=by,
            now=now,
            organisation_id=fact.organisation_id,
            reason=reason,
            before={"kind": fact.kind, "value": fact.value},
        )
    _changed(session, facts, now)
    return len(facts)
