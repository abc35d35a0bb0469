"""Levels: one organisation, thousands from scratch, and one new fact among them; in the same run, and how it grows.

python -m bench.standing
"""

import random
import resource
import statistics
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert

from certification.standing import jobs
from certification.standing.models import Level
from certification.standing.rules import Family, LevelStatus, evaluate, standing
from portal import __main__ as commands
from portal import clock, context, db
from portal.accounts.models import Person
from portal.app import put_together
from portal.ledger.actions import write_fact
from portal.ledger.models import Fact, LedgerChange
from portal.ledger.queries import facts_of, facts_of_many
from portal.ledger.rules import FactKind
from portal.organisations.models import Organisation
from portal.organisations.rules import Kind, Trust
from portal.programme.actions import load_default
from portal.programme.queries import programme_at

K, CHUNK, TEAM = FactKind, 200, 5


def facts(organisation: int, people: list[int], now: datetime, chance: random.Random) -> list[dict[str, Any]]:
    """What a provider of three stars has: some sixty facts, a little different for each."""
    day = timedelta(days=1)
    made: list[dict[str, Any]] = []

    def add(
        kind: FactKind, days: float, person: int | None = None, until: float | None = None, **value: Any
    ) -> None:
        made.append(
            {
                "kind": kind.value,
                "organisation_id": None if person and kind is not K.EMPLOYMENT else organisation,
                "person_id": person,
                "value": value,
                "true_from": now - days * day,
                "true_until": now + until * day if until else None,
                "recorded_at": now - days * day,
                "source_kind": "bench",
                "source_id": organisation,
                "retraction_reason": "",
            }
        )

    add(K.ORGANISATION_VERIFIED, 400)
    add(K.LEVEL, 100, family="operator", stars=3)
    add(K.MATURITY_VERIFIED, 60, until=200 + chance.random() * 100, score=chance.randint(50, 80))
    for n, person in enumerate(people):
        add(K.EMPLOYMENT, 350, person, role="learner")
        add(
            K.CERTIFICATE,
            120,
            person,
            until=200 + 300 * chance.random(),
            code="P2" if n < 2 else "P1",
            number="",
        )
        for part in range(3):
            add(K.TRAINING, 30 + 60 * part + chance.random(), person, hours=6, module="x")
    for n in range(4):
        client = f"client {n}"
        add(K.CASE_PUBLISHED, 50 + 90 * n + chance.random(), client=client, named=n < 2, case_id=n)
        add(
            K.OUTCOME_ATTESTED,
            40 + 50 * n + chance.random(),
            client=client,
            attainment=0.6 + chance.random() / 3,
        )
        add(K.REVIEW, 40 + 50 * n + chance.random(), client=client, rating=chance.choice([4, 5, 5]))
        add(K.RENEWAL, 60 + 50 * n + chance.random(), client=client, renewed=n != 3)
    for n in range(12):
        add(K.RESPONSE, 3 + 7 * n + chance.random(), brief_id=n, in_time=n != 5)
    return made


def fill(organisations: int, now: datetime) -> None:
    chance = random.Random(1)
    with db.transaction(context.sessions()) as session:
        load_default(session, now=now, effective_from=now - timedelta(days=900))
        for start in range(0, organisations, CHUNK):
            numbers = range(start + 1, min(start + CHUNK, organisations) + 1)
            rows: list[dict[str, Any]] = []
            for n in numbers:
                session.add(
                    Organisation(
                        id=n,
                        slug=f"o{n}",
                        kind=Kind.PROVIDER,
                        legal_name=f"机构{n}有限公司",
                        short_name=f"机构{n}",
                        credit_code=f"{n:018}",
                        trust=Trust.VERIFIED,
                        stars=3,
                        created_at=now,
                    )
                )
                people = [n * TEAM + m for m in range(TEAM)]
                session.add_all(
                    Person(
                        id=p,
                        uuid=f"{p:036}",
                        email=f"p{p}@bench.example",
                        name=f"人{p}",
                        password_hash="!",  # noqa: S106
                        created_at=now,
                    )
                    for p in people
                )
                rows += facts(n, people, now, chance)
            session.flush()
            session.add_all(
                Level(
                    organisation_id=n,
                    family=Family.OPERATOR,
                    stars=3,
                    status=LevelStatus.ACTIVE,
                    awarded_at=now - timedelta(days=100),
                    valid_until=now + timedelta(days=265),
                    status_since=now - timedelta(days=100),
                )
                for n in numbers
            )
            session.flush()
            session.exec(insert(Fact), params=rows)
        session.exec(delete(LedgerChange))


def seconds(do: Any) -> float:
    start = time.perf_counter()
    do()
    return time.perf_counter() - start


def measure(organisations: int) -> tuple[float, float, float]:
    """Milliseconds: one organisation (database and tree), each of all from scratch, one new fact among all."""
    now = clock.now()
    with tempfile.TemporaryDirectory() as folder:
        engine = db.make_engine(f"sqlite:///{Path(folder) / 'bench.db'}")
        context.use_sessions(db.make_sessions(engine))
        commands.migrate()
        fill(organisations, now)
        sessions = context.sessions()
        with db.transaction(sessions, read_only=True) as session:
            rules = programme_at(session, now).content
            one = statistics.median(
                seconds(lambda n=n: standing(facts_of(session, n), "operator", now, rules))
                for n in range(1, 200)
            )

            def all_of_them() -> None:
                for start in range(1, organisations + 1, CHUNK):
                    numbers = range(start, min(start + CHUNK, organisations + 1))
                    for rows in facts_of_many(session, numbers).values():
                        evaluate(rows, "operator", 3, now, rules)

            scratch = seconds(all_of_them) / organisations
        first = seconds(
            lambda: jobs.compute_due(now)
        )  # every level once, with its clocks and its next moment

        def a_fact() -> None:
            jobs.compute_due(now)

        times = []
        for n in range(20):
            with db.transaction(sessions) as session:
                write_fact(
                    session,
                    K.RESPONSE,
                    organisation_id=1 + n * 7,
                    source=("bench", 1),
                    now=now,
                    brief_id=1,
                    in_time=True,
                )
            times.append(seconds(a_fact))
        context.use_sessions(None)
        engine.dispose()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    fact = statistics.median(times)
    print(
        f"{organisations:>6} organisations: one {one * 1000:.1f} ms; all from scratch {scratch * organisations:.1f} s "
        f"({scratch * 1000:.2f} ms each); every level moved or left {first:.1f} s; "
        f"one new fact {fact * 1000:.1f} ms = {fact / (scratch * organisations):.5f} of all; at most {memory:.0f} MB"
    )
    return one, scratch, fact


def main() -> None:
    put_together()
    small, large = measure(1_000), measure(10_000)
    print(
        "growth from 1,000 to 10,000, each: "
        + ", ".join(
            f"{name} {b / a:.2f}"
            for name, a, b in zip(("one", "from scratch", "one new fact"), small, large, strict=True)
        )
    )


if __name__ == "__main__":
    main()
