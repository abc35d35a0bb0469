"""The continuity credit in the reason tree: up to the gate, for the level that was held, while it lasts."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certification.standing.rules import credit_again_at, credit_heads, creditable, evaluate
from tests.certification.ledger import NOW, RULES, K, fact, three_stars


def people(codes):
    return [
        f
        for n, code in enumerate(codes, 1)
        for f in (
            fact(K.EMPLOYMENT, 200, person=n),
            fact(K.CERTIFICATE, 100, person=n, until=-300, code=code),
        )
    ]


def credit(heads=1, days=5.0, *, stars=4, metric="staff_senior", until=-55.0):
    return fact(K.CONTINUITY_CREDIT, days, until=until, metric=metric, heads=heads, stars=stars)


def senior(facts, stars=4):
    return evaluate(facts, "operator", stars, NOW, RULES).metric("staff_senior")


@pytest.mark.parametrize(
    ("required", "heads"), [(0, 0), (1, 1), (2, 1), (3, 1), (6, 1), (7, 2), (10, 3), (15, 4)]
)
def test_a_share_of_the_required_heads_but_at_least_one(required, heads):
    assert credit_heads(required, 0.30) == heads


def test_the_credit_is_a_line_of_its_own():
    metric = senior([*people(["P2"]), credit()])
    assert (metric.value, metric.met) == (2, True)
    assert [(c.label, c.heads) for c in metric.counted] == [("person 1", 0), ("", 1)]


@pytest.mark.parametrize(
    ("codes", "used", "stars", "value", "why_not"),
    [
        ([], credit(), 4, 1, []),
        (["P2"], credit(5), 4, 2, []),  # up to the gate, never beyond it
        (["P2", "P2"], credit(), 4, 2, ["the credit is not needed: enough people count"]),
        (["P2"], credit(days=70, until=10), 4, 1, ["the credit has ended"]),
        (["P2"], credit(stars=3), 4, 1, ["a credit keeps a level and helps to no higher one"]),
        ([], credit(stars=4), 3, 1, []),  # it keeps a lower one, too
        (["P2"], credit(metric="staff_certified"), 4, 1, []),
    ],
)
def test_what_the_credit_counts_for(codes, used, stars, value, why_not):
    metric = senior([*people(codes), used], stars)
    assert (metric.value, [c.why_not for c in metric.not_counted]) == (value, why_not)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["P1", "P2"]), max_size=4), st.integers(1, 5), st.sampled_from([3, 4, 5]))
def test_a_credit_never_lowers_and_never_lifts_above_the_gate(codes, heads, stars):
    facts = people(codes)
    before = evaluate(facts, "operator", stars, NOW, RULES)
    after = evaluate([*facts, credit(heads, stars=stars)], "operator", stars, NOW, RULES)
    for old, new in zip(before.metrics, after.metrics, strict=True):
        assert old.value <= new.value <= max(old.value, old.gate)
        assert new.key == "staff_senior" or new == old


def test_it_is_offered_for_counts_of_people_below_their_gate():
    tree = evaluate(three_stars(people=1), "operator", 3, NOW, RULES)
    below = {m.key for m in tree.metrics if not m.met and m.key.startswith("staff_")}
    assert set(creditable(tree, 0.3)) == below
    assert creditable(evaluate(three_stars(), "operator", 3, NOW, RULES), 0.3) == {}


def test_once_in_twelve_months():
    used = credit(days=10)
    assert credit_again_at([], NOW) is None
    assert credit_again_at([used], NOW) == used.true_from + timedelta(days=365)
    assert credit_again_at([used], NOW + timedelta(days=354)) is not None
    assert credit_again_at([used], NOW + timedelta(days=355)) is None
