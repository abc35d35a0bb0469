"""Write facts down, end them, retract them."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from portal.history.actions import record
from portal.ledger.models import Fact
from portal.ledger.queries import facts_from
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
    session.flush()
    return fact


def end_facts(session: Session, kind: FactKind, *, source: tuple[str, int], at: datetime) -> int:
    """The facts from this source stop being true at `at`; how many there were."""
    open_facts = [
        f
        for f in facts_from(session, *source)
        if f.kind == kind and (f.true_until is None or f.true_until > at)
    ]
    for fact in open_facts:
        fact.true_until = at
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
    return len(facts)
