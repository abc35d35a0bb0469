"""Signals on planted rings with fixed seeds, and the arithmetic under them."""

from datetime import UTC, datetime, timedelta
from itertools import product
from math import comb

import numpy as np
import pytest

from certification.integrity.rules import FileStatus, add_away, require_void
from certification.integrity.signals import (
    Looked,
    canaries,
    exposure,
    response_times,
    similarity,
    speed,
    tails,
)
from portal.refusal import Refused

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def crowd(n=300, k=50, options=4, seed=1):
    """Honest sittings: two-parameter answers, wrong options of unequal pull, log-normal times."""
    draw = np.random.default_rng(seed)
    theta, a, b = draw.normal(0, 1, n), draw.uniform(0.7, 1.6, k), draw.normal(-0.5, 0.8, k)
    right = draw.random((n, k)) < 1 / (1 + np.exp(-a * (theta[:, None] - b)))
    pull = draw.dirichlet([1.0] * (options - 1), k)
    wrong = np.stack([draw.choice(np.arange(2, options + 1), size=n, p=pull[i]) for i in range(k)], axis=1)
    chosen = np.where(right, 1, wrong)
    times = np.exp(draw.normal(3.8, 0.5, (n, k)) + draw.normal(0, 0.2, n)[:, None])
    return draw, {
        "ids": np.arange(1, n + 1),
        "persons": np.arange(1, n + 1),
        "days": draw.uniform(0, 30, n),
        "chosen": chosen,
        "times": times,
        "guess": np.full(k, 1 / options),
        "canary": np.zeros(k, dtype=bool),
    }


def looked(facts):
    chosen = facts["chosen"]
    return Looked(right=chosen == 1, asked=np.ones(chosen.shape, dtype=bool), **facts)


def found(signals):
    return {signal.sitting for signal in signals}


def judged(flagged, planted, n):
    """(recall, share of the honest with a file)"""
    return len(flagged & planted) / len(planted), len(flagged - planted) / (n - len(planted))


def test_tails_are_those_of_all_outcomes():
    chances = np.array([[0.1, 0.5, 0.8, 0.3]])
    for count in range(6):
        exact = sum(
            np.prod([p if hit else 1 - p for p, hit in zip(chances[0], hits, strict=True)])
            for hits in product([0, 1], repeat=4)
            if sum(hits) >= count
        )
        assert tails(chances, np.array([count]))[0] == pytest.approx(exact)
    binomial = sum(comb(40, m) * 0.25**m * 0.75 ** (40 - m) for m in range(30, 41))
    assert tails(np.full((1, 40), 0.25), np.array([30]))[0] == pytest.approx(binomial, rel=1e-9)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rings_that_share_answers_are_found_and_the_honest_are_not(seed):
    draw, facts = crowd(seed=seed)
    planted = set()
    share = (facts["chosen"] == 1).mean(axis=1)
    leaders = np.flatnonzero((share > 0.4) & (share < 0.7))[
        :4
    ]  # whose papers are middling: the best have few
    others = np.setdiff1d(np.arange(300), leaders)  # mistakes that could be shared, and leave no trace here
    for ring, leader in enumerate(leaders):  # of four, who take nineteen in twenty answers from the first
        members = np.concatenate([[leader], others[3 * ring : 3 * ring + 3]])
        for member in members[1:]:
            taken = draw.random(facts["chosen"].shape[1]) < 0.95
            facts["chosen"][member, taken] = facts["chosen"][members[0], taken]
        planted |= set(facts["ids"][members].tolist())
    recall, false = judged(found(similarity(looked(facts))), planted, 300)
    assert recall >= 0.9
    assert false <= 0.05


@pytest.mark.parametrize("seed", [1, 2])
def test_those_who_answer_right_without_reading_are_found(seed):
    draw, facts = crowd(seed=seed)
    planted = set(range(1, 13))
    for row in range(12):
        known = draw.random(50) < 0.5
        facts["chosen"][row, known], facts["times"][row, known] = 1, draw.uniform(1, 4, known.sum())
    guessing = np.arange(20, 40)  # fast and wrong as guesses are: no signal
    facts["times"][guessing] = 2.0
    facts["chosen"][guessing] = draw.integers(1, 5, (20, 50))
    recall, false = judged(found(speed(looked(facts))), planted, 300)
    assert recall >= 0.9
    assert false <= 0.05


def test_those_who_know_leaked_items_are_found():
    draw, facts = crowd(seed=5)
    late = facts["days"] > 15
    leaked = list(range(8))
    planted = np.flatnonzero(late)[:15]
    facts["chosen"][np.ix_(planted, leaked)] = 1
    facts["times"][np.ix_(planted, leaked)] = draw.uniform(5, 15, (15, 8))
    flagged = found(exposure(looked(facts), leaked, late))
    recall, false = judged(flagged, set(facts["ids"][planted].tolist()), 300)
    assert recall >= 0.9
    assert false <= 0.05
    assert exposure(looked(facts), [], late) == []


def test_hidden_keys_are_known_to_nobody_honest():
    _, facts = crowd(seed=6)
    facts["canary"][:3] = True
    facts["chosen"][:, :3] = 2 + facts["chosen"][:, :3] % 3  # nobody takes the hidden key
    facts["chosen"][:4, :3] = 1
    assert found(canaries(looked(facts))) == {1, 2, 3, 4}


def test_one_persons_two_sittings_and_distant_ones_are_no_pair():
    _, facts = crowd(seed=7)
    facts["chosen"][1] = facts["chosen"][0]
    assert found(similarity(looked(facts))) == {1, 2}
    assert found(similarity(looked(facts | {"persons": np.maximum(facts["persons"], 2)}))) == set()
    apart = facts["days"].copy()
    apart[0] = apart[1] + 31
    assert found(similarity(looked(facts | {"days": apart}))) == set()


def test_two_thousand_sittings_are_compared_in_seconds():
    _, facts = crowd(n=1200, k=60, seed=8)
    assert len(found(similarity(looked(facts)))) <= 2


def test_times_run_from_answer_to_answer():
    at = [NOW + timedelta(seconds=s) for s in (40, 100, 130)]
    assert response_times(NOW, {7: at[1], 9: at[0], 8: at[2]}) == {9: 40.0, 7: 60.0, 8: 30.0}


def test_away_never_counts_more_than_the_sitting_ran():
    assert add_away(1, 30, 2, 50, running=60) == (3, 60)
    assert add_away(9_999, 0, 1000, 5, running=3600) == (10_000, 5)


def test_a_void_takes_another_person_and_the_candidates_word_or_time():
    until = NOW + timedelta(days=10)
    for status, by, now, fine in (
        (FileStatus.ASKED, 2, NOW, False),
        (FileStatus.ASKED, 2, until, True),
        (FileStatus.HEARD, 2, NOW, True),
        (FileStatus.HEARD, 1, NOW, False),
        (FileStatus.ASKED, 1, until, False),
    ):
        try:
            require_void(status, 1, until, by=by, now=now)
            allowed = True
        except Refused:
            allowed = False
        assert allowed == fine, (status, by)
