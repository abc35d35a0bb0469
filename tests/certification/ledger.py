"""Facts for the tests of levels: rows as the ledger gives them, without a database."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml
from sqlmodel import Session

from portal.ledger.actions import write_fact
from portal.ledger.rules import FactKind, FactRow
from portal.organisations.models import Organisation
from portal.programme.actions import DEFAULT
from portal.programme.rules import stringed

NOW = datetime(2026, 6, 15, 4, tzinfo=UTC)
RULES = stringed(yaml.safe_load(DEFAULT.read_text(encoding="utf-8")))
CLIENTS = [f"client {n}" for n in range(12)]
K = FactKind

_ids = itertools.count(1)


def fact(
    kind: FactKind,
    days_ago: float = 1,
    *,
    person: int | None = None,
    until: float | None = None,
    recorded: float | None = None,
    retracted: float | None = None,
    at: datetime = NOW,
    **value: Any,
) -> FactRow:
    """A fact true since `days_ago`, until so many days ago (negative: still to come)."""

    def ago(days: float) -> datetime:
        return at - timedelta(days=days)

    return FactRow(
        id=next(_ids),
        kind=kind.value,
        organisation_id=None if person and kind is not K.EMPLOYMENT else 1,
        person_id=person,
        true_from=ago(days_ago),
        true_until=None if until is None else ago(until),
        recorded_at=ago(days_ago if recorded is None else recorded),
        retracted_at=None if retracted is None else ago(retracted),
        value=value,
        person=f"person {person}" if person else "",
    )


def three_stars(*, since: float = 40, at: datetime = NOW, people: int = 3) -> list[FactRow]:
    """Everything that three stars of an operator ask for, with a little to spare."""
    facts = [fact(K.ORGANISATION_VERIFIED, 300, at=at), fact(K.MATURITY_VERIFIED, since, score=60, at=at)]
    for person in range(1, people + 1):
        facts += [
            fact(K.EMPLOYMENT, 300, person=person, role="member", at=at),
            fact(K.CERTIFICATE, since, person=person, until=-400, code="P1", number=f"P1-{person}", at=at),
            fact(K.TRAINING, since, person=person, hours=16, module="TRK-01/1", at=at),
        ]
    facts.append(fact(K.CERTIFICATE, since, person=1, until=-400, code="P2", number="P2-1", at=at))
    for n in range(3):
        facts += [
            fact(K.CASE_PUBLISHED, since + n, client=CLIENTS[n], named=n == 0, case_id=n, at=at),
            fact(K.OUTCOME_ATTESTED, since + n, client=CLIENTS[n], attainment=0.8, case_id=n, at=at),
            fact(K.RENEWAL, since + n, client=CLIENTS[n], renewed=n != 2, at=at),
        ]
    facts += [fact(K.REVIEW, since + n, client=CLIENTS[n], rating=5, at=at) for n in range(4)]
    facts += [fact(K.RESPONSE, 5 + n, in_time=n != 0, brief_id=n, at=at) for n in range(10)]
    return facts


def write(session: Session, organisation: Organisation, facts: list[FactRow], people: list[int]) -> None:
    """Facts like these into the ledger, people numbered from one standing for real ones; employment and verification
    are there already."""
    for f in facts:
        if f.kind not in (K.EMPLOYMENT, K.ORGANISATION_VERIFIED):
            write_fact(
                session,
                K(f.kind),
                organisation_id=None if f.person_id else organisation.id,
                person_id=people[f.person_id - 1] if f.person_id else None,
                source=("test", f.id),
                now=f.recorded_at,
                true_from=f.true_from,
                true_until=f.true_until,
                **f.value,
            )
