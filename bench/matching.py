"""One brief over 1,000 and over 10,000 providers, in the same run: what it takes, and how it grows.

python -m bench.matching
"""

import random
import statistics
import time

import yaml

from casebook.matching import rules
from casebook.matching.rules import Account, Brief, Candidate
from portal.programme.actions import DEFAULT
from portal.programme.rules import stringed

MATCHING = stringed(yaml.safe_load(DEFAULT.read_text(encoding="utf-8")))["matching"]
CAPABILITIES = [f"c{n}" for n in range(33)]
INDUSTRIES = [f"i{n}" for n in range(16)]
ROUNDS = 20


def candidates(n: int, chance: random.Random) -> list[Candidate]:
    return [
        Candidate(
            i,
            accepting=chance.random() < 0.9,
            stars=chance.choice((3, 3, 3, 4, 4, 5)),
            capacity=chance.randint(0, 4),
            capabilities={key: chance.choice((0.5, 0.8, 1.0)) for key in chance.sample(CAPABILITIES, 6)},
            industries={key: chance.choice((0.7, 1.0)) for key in chance.sample(INDUSTRIES, 3)},
            price_low=(low := chance.randint(1, 20) * 10_000),
            price_high=low * 2,
            languages=frozenset({"zh"}),
            province=f"p{chance.randint(0, 33)}",
            remote=chance.random() < 0.7,
            ratings=tuple(chance.choices((3, 4, 5), k=chance.randint(0, 20))),
            outcomes_verified=chance.randint(0, 12),
            offered=(offered := chance.randint(0, 30)),
            in_time=chance.randint(0, offered),
            likeness=chance.random() ** 2,
        )
        for i in range(n)
    ]


def brief(chance: random.Random) -> Brief:
    needs = chance.sample(CAPABILITIES, 3)
    return Brief(
        industry=chance.choice(INDUSTRIES),
        must_have=(needs[0],),
        wished=tuple(needs[1:]),
        budget_high=chance.randint(3, 15) * 10_000,
        province=f"p{chance.randint(0, 33)}",
        languages=frozenset({"zh"}),
        size=0.5,
    )


def measure(n: int) -> float:
    """Milliseconds for one brief, the median of twenty; printed part by part."""
    chance = random.Random(n)
    field, ledger = candidates(n, chance), dict[int, Account]()
    sifting, choosing, passed = [], [], []
    for _ in range(ROUNDS):
        asked = brief(chance)
        start = time.perf_counter()
        sifted = rules.sift(asked, field, MATCHING)
        between = time.perf_counter()
        ledger.update(rules.shortlist(sifted.scores, ledger, MATCHING).ledger)
        sifting.append((between - start) * 1000)
        choosing.append((time.perf_counter() - between) * 1000)
        passed.append(len(sifted.passed))
    whole = statistics.median(a + b for a, b in zip(sifting, choosing, strict=True))
    print(
        f"{n:>6} providers: {whole:8.2f} ms a brief (filter and score {statistics.median(sifting):.2f}, "
        f"choose and ledger {statistics.median(choosing):.2f}); {statistics.median(passed):.0f} passed the filters"
    )
    return whole


if __name__ == "__main__":
    small, large = measure(1_000), measure(10_000)
    print(f" ten times the providers take {large / small:.1f} times as long")
