"""Read the ledger."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, or_, select

from portal.accounts.models import Person
from portal.ledger.models import Fact, LedgerChange
from portal.ledger.rules import FactKind, FactRow


def facts_from(session: Session, source_kind: str, source_id: int) -> list[Fact]:
    return list(
        session.exec(select(Fact).where(Fact.source_kind == source_kind, Fact.source_id == source_id))
    )


def facts_of(session: Session, organisation_id: int) -> list[FactRow]:
    """All facts of an organisation and of everybody who ever worked there; two queries."""
    own = _rows(session, Fact.organisation_id == organisation_id)
    people = {f.person_id for f in own if f.kind == FactKind.EMPLOYMENT and f.person_id is not None}
    return own + (facts_of_people(session, sorted(people)) if people else [])


def facts_of_many(session: Session, organisations: Sequence[int]) -> dict[int, list[FactRow]]:
    """As `facts_of`, for each of these organisations; two queries."""
    found: dict[int, list[FactRow]] = {o: [] for o in organisations}
    workers: dict[int, set[int]] = {}
    for fact in _rows(session, col(Fact.organisation_id).in_(organisations)):
        found[fact.organisation_id or 0].append(fact)
        if fact.kind == FactKind.EMPLOYMENT and fact.person_id is not None:
            workers.setdefault(fact.person_id, set()).add(fact.organisation_id or 0)
    for fact in facts_of_people(session, sorted(workers)) if workers else []:
        for organisation_id in workers[fact.person_id or 0]:
            found[organisation_id].append(fact)
    return found


def employers_of(session: Session, people: Sequence[int]) -> set[int]:
    """Where any of these people work or worked: a fact about them may count there."""
    return {
        o
        for o in session.exec(
            select(Fact.organisation_id)
            .where(Fact.kind == FactKind.EMPLOYMENT, col(Fact.person_id).in_(people))
            .distinct()
        )
        if o is not None
    }


def changes_waiting(session: Session, most: int = 500) -> dict[int, list[int]]:
    """Organisation → the changes in its ledger that nothing has been computed from yet, oldest first."""
    waiting: dict[int, list[int]] = {}
    for change, organisation in session.exec(
        select(LedgerChange.id, LedgerChange.organisation_id).order_by(col(LedgerChange.id)).limit(most)
    ):
        waiting.setdefault(organisation, []).append(change or 0)
    return waiting


def employment_facts(session: Session, person_id: int) -> list[FactRow]:
    """For whom a person counts or counted."""
    return _rows(session, (col(Fact.person_id) == person_id) & (col(Fact.kind) == FactKind.EMPLOYMENT))


def facts_of_people(session: Session, people: Sequence[int]) -> list[FactRow]:
    """What is known of persons themselves (training, certificates), without their employers' facts."""
    # “+ 0” keeps SQLite from looking up all facts without an organisation and then these people among them.
    return _rows(session, col(Fact.person_id).in_(people) & (col(Fact.organisation_id) + 0).is_(None))


def facts_of_all(session: Session, kinds: Sequence[str], since: datetime) -> list[FactRow]:
    """Facts of some kinds of all organisations, those still true after `since`; one query."""
    return _rows(
        session, col(Fact.kind).in_(kinds) & or_(col(Fact.true_until).is_(None), col(Fact.true_until) > since)
    )


def certificates_held(session: Session, person_id: int, now: datetime) -> dict[str, datetime | None]:
    """Code → its end, of the certificates that hold now, as the ledger knows them."""
    held: dict[str, datetime | None] = {}
    for fact in facts_of_people(session, [person_id]):
        if fact.kind == FactKind.CERTIFICATE and fact.holds(now) and fact.known(now):
            code, end = fact.value["code"], fact.true_until
            held[code] = (
                None
                if end is None or (code in held and held[code] is None)
                else max(end, held.get(code) or end)
            )
    return held


def _rows(session: Session, condition: Any) -> list[FactRow]:
    columns: tuple[Any, ...] = (
        Fact.id,
        Fact.kind,
        Fact.organisation_id,
        Fact.person_id,
        Fact.true_from,
        Fact.true_until,
        Fact.recorded_at,
        Fact.retracted_at,
        Fact.value,
        Fact.source_kind,
        Fact.source_id,
        func.coalesce(Person.name, ""),
        Fact.end_recorded_at,
        Fact.until_before,
    )
    query = (
        select(*columns)
        .join(Person, col(Fact.person_id) == col(Person.id), isouter=True)
        .where(condition)
        .order_by(col(Fact.id))
    )
    return [FactRow(*row) for row in session.exec(query)]
