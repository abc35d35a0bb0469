"""How long trying a draft on everybody takes, and whether it grows in step with the number of organisations.

python -m bench.backtest [organisations …]      (1,000 and 10,000 when none is given)
"""

import random
import resource
import statistics
import sys
import tempfile
import time
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from sqlmodel import Session, insert, select

from certification.sandbox.actions import ask_backtest, open_draft, save_text
from certification.sandbox.jobs import work_off
from certification.sandbox.models import Backtest
from certification.sandbox.rules import moments
from certification.standing.rules import evaluate
from portal import __main__ as commands
from portal import clock, context, db
from portal.accounts.models import Person
from portal.ledger.models import Fact
from portal.ledger.queries import facts_of_many
from portal.ledger.rules import FactKind as K
from portal.organisations.models import Organisation
from portal.programme.actions import load_default
from portal.programme.lines import read, replaced
from portal.programme.queries import latest_version, programme_at

ASKED = (1_000, 10_000)
STRICTER = {
    ("families", "operator", "metrics", "outcomes_attested_12m", "levels", "3", "0"): "2",
    ("families", "operator", "metrics", "reviews_bayes_18m", "levels", "3", "0"): "3.95",
    ("scoring", "pass_score", "3"): "74",
}


def facts_of_one(
    draw: random.Random, organisation: int, people: list[int], now: datetime
) -> list[dict[str, Any]]:
    """Some seventy facts of two years: most near 3★, some above, some below."""
    rows = []
    strong = draw.random()

    def add(
        kind: K, days: float, until: datetime | None = None, person: int | None = None, **value: Any
    ) -> None:
        at = now - timedelta(days=days)
        rows.append(
            {
                "kind": kind.value,
                "organisation_id": organisation if person is None or kind is K.EMPLOYMENT else None,
                "person_id": person,
                "value": value,
                "true_from": at,
                "true_until": until,
                "recorded_at": at,
                "source_kind": "bench",
                "source_id": organisation,
                "retraction_reason": "",
            }
        )

    add(K.ORGANISATION_VERIFIED, 700)
    add(K.MATURITY_VERIFIED, draw.uniform(20, 400), score=40 + 30 * strong)
    for n, person in enumerate(people):
        add(K.EMPLOYMENT, draw.uniform(100, 700), person=person, role="learner")
        add(
            K.CERTIFICATE,
            draw.uniform(10, 500),
            now + timedelta(days=draw.uniform(-60, 700)),
            person,
            code="P2" if n == 0 else "P1",
            number=str(person),
        )
        add(K.TRAINING, draw.uniform(1, 400), person=person, hours=16, module="TRK-01/1")
    for n in range(2 + round(4 * strong)):
        client = f"client {organisation}-{n}"
        add(K.CASE_PUBLISHED, draw.uniform(5, 800), client=client, named=n % 2 == 0, case_id=n)
        add(
            K.OUTCOME_ATTESTED,
            draw.uniform(5, 500),
            client=client,
            attainment=draw.uniform(0.4, 1),
            case_id=n,
        )
        add(K.RENEWAL, draw.uniform(5, 700), client=client, renewed=draw.random() < 0.7)
        add(K.REVIEW, draw.uniform(5, 600), client=client, rating=draw.choice([3, 4, 4, 5, 5]))
    for n in range(30):
        add(K.RESPONSE, draw.uniform(0, 500), in_time=draw.random() < 0.6 + 0.4 * strong, brief_id=n)
    if strong > 0.3:
        add(K.LEVEL, draw.uniform(30, 500), family="operator", stars=3)
    return rows


def fill(session: Session, organisations: int, now: datetime) -> None:
    draw, numbers = random.Random(7), count(1)
    provinces = list(programme_at(session, now).options("provinces"))
    connection = session.connection()
    for start in range(1, organisations + 1, 500):
        ids = range(start, min(start + 500, organisations + 1))
        connection.execute(
            insert(Organisation),
            [
                {
                    "id": i,
                    "kind": "provider",
                    "slug": f"b-{i}",
                    "legal_name": f"Bench {i}",
                    "short_name": f"Bench {i}",
                    "credit_code": f"{i:018d}",
                    "trust": "verified",
                    "province": draw.choice(provinces),
                    "created_at": now - timedelta(days=800),
                }
                for i in ids
            ],
        )
        people = {i: [next(numbers) for _ in range(draw.randint(2, 6))] for i in ids}
        connection.execute(
            insert(Person),
            [
                {
                    "id": p,
                    "uuid": f"u{p}",
                    "email": f"{p}@b.example",
                    "name": f"P{p}",
                    "password_hash": "-",
                    "language": "zh",
                    "created_at": now,
                }
                for own in people.values()
                for p in own
            ],
        )
        rows = [row for i in ids for row in facts_of_one(draw, i, people[i], now)]
        connection.execute(insert(Fact), rows)


def single(session: Session, now: datetime, rounds: int = 200) -> float:
    """Milliseconds of one tree of one organisation."""
    rules = programme_at(session, now).content
    facts = facts_of_many(session, list(range(1, 101)))
    start = time.process_time()
    for n in range(rounds):
        evaluate(facts[1 + n % 100], "operator", 3, now, rules)
    return (time.process_time() - start) * 1000 / rounds


def measure(organisations: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="yuqiao-bench-"))
    context.use_sessions(db.make_sessions(db.make_engine(f"sqlite:///{folder / 'bench.db'}")))
    commands.migrate()
    now = clock.now()
    with db.transaction(context.sessions()) as session:
        load_default(session, now=now, effective_from=now - timedelta(days=1000))
        fill(session, organisations, now)
    with db.transaction(context.sessions()) as session:
        base = latest_version(session)
        assert base is not None
        draft = open_draft(session, base, by=1, now=now)
        top, _ = read(draft.text)
        assert top is not None
        save_text(session, draft, replaced(draft.text, top, STRICTER), revision=1, by=1, now=now)
        backtest_id = ask_backtest(session, draft, by=1, now=now).id or 0
        one = statistics.median(single(session, now) for _ in range(3))
    start, cpu = time.perf_counter(), time.process_time()
    work_off(backtest_id)
    wall, seconds = time.perf_counter() - start, time.process_time() - cpu
    with db.transaction(context.sessions(), read_only=True) as session:
        row = session.exec(select(Backtest).where(Backtest.id == backtest_id)).one()
        figures = list(row.result["moments"].values())[-1]
    assert row.done == organisations
    seen = organisations * len(moments(now)) * 2
    each = seconds * 1000 / seen
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{organisations:>6} organisations, 5 moments, 2 versions: {wall:6.1f} s ({seconds:.1f} s of one core), {each:.2f} ms an outlook, "
        f"{each / one:.1f} single trees ({one:.2f} ms) each; peak {memory:,.0f} MiB",
        flush=True,
    )
    print(
        f"        today: { ({v: {o: sum(n.values()) for o, n in c.items()} for v, c in figures.items()}) }",
        flush=True,
    )
    MEASURED.append((organisations, seconds))


MEASURED: list[tuple[int, float]] = []

if __name__ == "__main__":
    for n in [int(a) for a in sys.argv[1:]] or ASKED:
        measure(n)
    if len(MEASURED) > 1:
        (few, short), (many, long) = MEASURED[0], MEASURED[-1]
        print(f"{many / few:.0f} times as many organisations: {long / short:.1f} times as long")
