"""How a level is computed: every reader, every gate, every window, and what must never change it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certification.standing.evidence import conduct
from certification.standing.movement import days_held, run_clocks
from certification.standing.rules import (
    MOVES,
    PUBLIC,
    LevelStatus,
    as_data,
    automatic_stars,
    best_step,
    evaluate,
    next_lapses,
)
from portal.refusal import Refused, checked_move
from tests.certification.ledger import NOW, RULES, K, fact, three_stars


def people(*codes: str, ended: bool = False):
    """One employed person a code."""
    return [
        f
        for n, code in enumerate(codes, 1)
        for f in (
            fact(K.EMPLOYMENT, 200, person=n, until=1 if ended else None),
            fact(K.CERTIFICATE, 100, person=n, until=-300, code=code),
        )
    ]


def of(kind, values, days=10.0, name="client"):
    return [
        fact(kind, days + n / 10, **({name: v} if not isinstance(v, dict) else v))
        for n, v in enumerate(values)
    ]


# ——— Conduct ———

CONDUCT = [
    ([], 100),
    ([(10, -20)], 80),
    ([(29, -20)], 80),
    ([(30, -20)], 82),
    ([(300, -20)], 100),
    ([(3000, -20)], 100),  # never above the start
    ([(100, -20), (10, -20)], 66),  # three clean months between them
    ([(10, -60), (5, -60)], 0),
]


@pytest.mark.parametrize(("deductions", "score"), CONDUCT)
def test_conduct_falls_and_recovers_by_clean_months(deductions, score):
    assert RULES["conduct"]["recovery_per_clean_month"] == 2
    assert conduct([fact(K.CONDUCT, days, delta=d) for days, d in deductions], NOW, RULES) == score


# ——— What was known when ———


def at_day(facts, back: int):
    return evaluate(facts, "operator", 3, NOW - timedelta(days=back), RULES)


def test_a_fact_recorded_later_does_not_change_an_earlier_day_as_known_then():
    facts = three_stars()
    before = at_day(facts, 10)
    late = fact(K.MATURITY_VERIFIED, 30, recorded=5, score=99)
    assert at_day([*facts, late], 10) == before
    assert at_day([*facts, late], 10).digest == before.digest
    assert at_day([*facts, late], 0).metric("maturity_verified").value == 99


def test_a_retraction_counts_from_the_day_it_was_made():
    facts = three_stars()
    gone = [
        replace(f, retracted_at=NOW - timedelta(days=5)) if f.kind == K.CASE_PUBLISHED else f for f in facts
    ]
    assert at_day(gone, 6).digest == at_day(facts, 6).digest
    assert at_day(gone, 5).metric("cases_published_24m").value == 0


def test_what_is_true_only_from_tomorrow_counts_tomorrow():
    tomorrow = fact(K.MATURITY_VERIFIED, -1, recorded=3, score=99)
    tree = evaluate([tomorrow], "operator", 3, NOW, RULES)
    assert tree.metric("maturity_verified").value == 0
    tree = evaluate([tomorrow], "operator", 3, NOW + timedelta(days=1), RULES)
    assert tree.metric("maturity_verified").value == 99


# ——— Invariants ———

KINDS = [
    K.EMPLOYMENT,
    K.CERTIFICATE,
    K.TRAINING,
    K.CASE_PUBLISHED,
    K.REVIEW,
    K.RESPONSE,
    K.CONDUCT,
    K.MATURITY_VERIFIED,
]


@st.composite
def facts_of(draw):
    def one(kind, days, person, client, number):
        value = {
            "code": ("P1", "P2", "M1", "T1")[number % 4],
            "hours": number,
            "client": client,
            "named": number % 2 == 0,
            "rating": 1 + number % 5,
            "in_time": number % 3 > 0,
            "delta": -number,
            "score": number * 5,
        }
        personal = kind in (K.EMPLOYMENT, K.CERTIFICATE, K.TRAINING)
        return fact(
            kind, days, person=person if personal else None, until=-300 if number % 4 else days / 2, **value
        )

    return draw(
        st.lists(
            st.builds(
                one,
                st.sampled_from(KINDS),
                st.integers(1, 800),
                st.integers(1, 4),
                st.sampled_from("abc"),
                st.integers(0, 19),
            ),
            max_size=40,
        )
    )


@settings(max_examples=60)
@given(facts_of(), st.randoms(use_true_random=False), st.integers(3, 5))
def test_the_order_of_the_facts_does_not_matter(facts, random, stars):
    shuffled = list(facts)
    random.shuffle(shuffled)
    first, second = (evaluate(f, "operator", stars, NOW, RULES) for f in (facts, shuffled))
    assert first == second
    assert first.digest == second.digest == evaluate(facts, "operator", stars, NOW, RULES).digest


@settings(max_examples=60)
@given(facts_of(), st.data())
def test_other_facts_give_another_digest_only_when_the_tree_is_another(facts, data):
    if not facts:
        return
    without = list(facts)
    without.pop(data.draw(st.integers(0, len(facts) - 1)))
    first, second = (evaluate(f, "operator", 3, NOW, RULES) for f in (facts, without))
    assert (first.digest == second.digest) == (as_data(first) == as_data(second))


@settings(max_examples=60)
@given(facts_of(), st.integers(1, 4))
def test_when_somebody_leaves_only_people_and_training_change(facts, person):
    left = [
        f
        if f.kind != K.EMPLOYMENT or f.person_id != person
        else replace(f, true_until=NOW - timedelta(hours=1))
        for f in facts
    ]
    with_them, without = (evaluate(f, "operator", 3, NOW, RULES) for f in (facts, left))
    changed = {a.key for a, b in zip(with_them.metrics, without.metrics, strict=True) if a != b}
    assert changed <= {"staff_certified", "staff_senior", "training_hours_per_head_12m"}
    assert with_them.gates == without.gates


@settings(max_examples=60)
@given(facts_of())
def test_the_score_is_what_the_page_can_add_up(facts):
    tree = evaluate(facts, "operator", 3, NOW, RULES)
    weight = sum(m.weight for m in tree.metrics if not m.neutral)
    assert tree.score == round(100 * sum(m.points for m in tree.metrics) / weight, 2)
    assert 0 <= tree.score <= 100
    assert tree.met == (
        all(m.met for m in tree.metrics) and all(g.met for g in tree.gates) and tree.score >= tree.pass_score
    )


# ——— Days in a row ———


def test_three_stars_are_held_since_the_day_the_last_thing_was_met():
    assert evaluate(three_stars(), "operator", 3, NOW, RULES).met
    assert days_held(three_stars(since=40), "operator", 3, NOW, RULES) == 14
    for since in (1, 5, 13, 14):
        facts = [f for f in three_stars() if f.kind != K.MATURITY_VERIFIED]
        facts.append(fact(K.MATURITY_VERIFIED, since, score=60))
        assert days_held(facts, "operator", 3, NOW, RULES) == since


def test_days_are_counted_as_known_on_each():
    facts = [f for f in three_stars() if f.kind != K.MATURITY_VERIFIED]
    facts.append(fact(K.MATURITY_VERIFIED, 100, recorded=4, score=60))
    assert days_held(facts, "operator", 3, NOW, RULES) == 4


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 13), st.floats(0.05, 0.95))
def test_a_spike_of_a_day_never_reaches_fourteen_days(day, hours):
    """Met for less than a day, whenever it was: nobody rises by it."""
    facts = [f for f in three_stars() if f.kind != K.MATURITY_VERIFIED]
    start = day + hours
    facts.append(fact(K.MATURITY_VERIFIED, start, until=start - 0.99, score=99))
    held = days_held(facts, "operator", 3, NOW, RULES)
    assert held < 14
    assert held <= 1


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 13))
def test_a_gap_of_a_day_starts_the_count_again(day):
    facts = [f for f in three_stars() if f.kind != K.MATURITY_VERIFIED]
    facts += [
        fact(K.MATURITY_VERIFIED, 90, until=day + 0.5, score=60),
        fact(K.MATURITY_VERIFIED, day - 0.5, score=60),
    ]
    assert days_held(facts, "operator", 3, NOW, RULES) == day - 1


# ——— Around it ———


def test_automatic_stars():
    verified, (employment, certificate) = fact(K.ORGANISATION_VERIFIED, 9), people("P1")
    assert automatic_stars([], NOW) == 0
    assert automatic_stars([employment, certificate], NOW) == 0
    assert automatic_stars([verified], NOW) == 1
    assert automatic_stars([verified, certificate], NOW) == 1
    assert automatic_stars([verified, employment, certificate], NOW) == 2
    assert automatic_stars([replace(verified, retracted_at=NOW)], NOW) == 0


def graces(facts, before=(), now=NOW):
    """What fails, with the days of its clock."""
    clocks = run_clocks(before, evaluate(facts, "operator", 3, now, RULES), RULES, now)
    return {c.key: (c.until - c.since).days for c in clocks}


def test_each_thing_that_fails_has_a_clock_of_its_own():
    assert graces(three_stars()) == {}
    slow = [f for f in three_stars() if f.kind != K.RESPONSE] + of(K.RESPONSE, [{"in_time": False}] * 9)
    assert graces(slow) == {"response_sla_rate_90d": 45}
    no_case = [f for f in slow if f.kind != K.CASE_PUBLISHED]
    cases = {"cases_published_24m": 90, "cases_named_public_24m": 90}
    assert graces(no_case) == {"response_sla_rate_90d": 45} | cases
    unverified = [f for f in no_case if f.kind != K.ORGANISATION_VERIFIED]
    assert graces(unverified) == {"response_sla_rate_90d": 45, "org_verified": 30} | cases
    assert graces([f for f in no_case if f.kind != K.OUTCOME_ATTESTED])["score"] == 90


def test_a_clock_goes_on_while_its_own_thing_fails_and_no_longer():
    slow = [f for f in three_stars() if f.kind != K.RESPONSE] + of(K.RESPONSE, [{"in_time": False}] * 9)
    [first] = run_clocks((), evaluate(slow, "operator", 3, NOW, RULES), RULES, NOW)
    later = NOW + timedelta(days=20)
    no_case = [f for f in slow if f.kind != K.CASE_PUBLISHED]
    clocks = run_clocks([first], evaluate(no_case, "operator", 3, later, RULES), RULES, later)
    assert {c.key: c.since for c in clocks} == {
        "response_sla_rate_90d": NOW,
        "cases_published_24m": later,
        "cases_named_public_24m": later,
    }
    mended = evaluate(three_stars(at=later), "operator", 3, later, RULES)
    assert run_clocks(clocks, mended, RULES, later) == ()


def test_the_next_step_is_below_its_gate_first_and_heaviest_then():
    facts = [f for f in three_stars() if f.kind not in (K.MATURITY_VERIFIED, K.CASE_PUBLISHED)]
    assert best_step(evaluate(facts, "operator", 3, NOW, RULES)).key == "cases_published_24m"
    met = evaluate(three_stars(people=2), "operator", 3, NOW, RULES)
    assert met.met
    assert best_step(met).key == "staff_certified"


def test_what_lapses_first_comes_first():
    lapses = next_lapses(evaluate(three_stars(), "operator", 3, NOW, RULES), NOW)
    assert [when for when, _, _ in lapses] == sorted(when for when, _, _ in lapses)
    assert lapses[0][1] == "response_sla_rate_90d"
    assert lapses[0][0] == NOW + timedelta(days=90 - 14)


@pytest.mark.parametrize("state", LevelStatus)
@pytest.mark.parametrize("move", sorted({move for _, move in MOVES}))
def test_the_table_of_moves(state, move):
    allowed = {
        "risk": {"active"},
        "recover": {"at_risk", "probation"},
        "probation": {"at_risk"},
        "ease": {"probation"},
        "downgrade": {"probation"},
        "suspend": {"active", "at_risk", "probation"},
        "expire": {"active", "at_risk", "probation"},
        "revoke": {"active", "at_risk", "probation", "suspended"},
        "reinstate": {"suspended"},
    }
    if state.value in allowed[move]:
        checked_move(MOVES, state, move)
    else:
        with pytest.raises(Refused):
            checked_move(MOVES, state, move)


def test_a_level_falls_only_after_probation_and_ends_for_good_when_revoked():
    assert {state for (state, _), after in MOVES.items() if after is LevelStatus.DOWNGRADED} == {
        LevelStatus.PROBATION
    }
    for ended in (LevelStatus.DOWNGRADED, LevelStatus.REVOKED, LevelStatus.EXPIRED):
        assert [move for state, move in MOVES if state is ended] == []
    assert set(PUBLIC) == {LevelStatus.ACTIVE, LevelStatus.AT_RISK, LevelStatus.PROBATION}
