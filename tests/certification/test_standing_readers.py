"""Each reader and each gate of a level, over tables: what counts, what does not and why, and when it stops counting."""

from copy import deepcopy
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certification.standing.evidence import READERS
from certification.standing.rules import evaluate
from tests.certification.ledger import CLIENTS, NOW, RULES, K, fact, three_stars

FAMILIES = RULES["families"]


def metric(key: str, facts, stars: int = 3):
    family = "isv" if key in {m["key"] for m in FAMILIES["isv"]["metrics"]} else "operator"
    if key in {m["key"] for m in FAMILIES["operator"]["metrics"]}:
        family = "operator"
    return evaluate(facts, family, stars, NOW, RULES).metric(key)


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


# ——— Every reader: facts, the value, how many counted, how many did not, the sample ———

READ = [
    ("staff_certified", [], 0, 0, 0, None),
    ("staff_certified", people("P1", "P1", "M1"), 3, 3, 0, None),
    ("staff_certified", people("P2", "T1"), 0, 0, 0, None),
    ("staff_certified", people("P1", ended=True), 0, 0, 1, None),
    ("staff_certified", [fact(K.CERTIFICATE, 9, person=1, code="P1")], 0, 0, 1, None),
    (
        "staff_certified",  # both codes count for one role; one person counts once
        [*people("P1"), fact(K.CERTIFICATE, 50, person=1, until=-9, code="M1")],
        1,
        1,
        1,
        None,
    ),
    (
        "staff_certified",  # ended yesterday
        [fact(K.EMPLOYMENT, 200, person=1), fact(K.CERTIFICATE, 730, person=1, until=1, code="P1")],
        0,
        0,
        1,
        None,
    ),
    ("staff_senior", people("P2", "P3", "S1", "P1"), 3, 3, 0, None),
    ("staff_developer", people("T1", "T2"), 1, 1, 0, None),
    ("staff_solution", people("T1", "T2"), 1, 1, 0, None),
    ("training_hours_per_head_12m", [], 0, 0, 0, None),
    (
        "training_hours_per_head_12m",  # 12 of the employed two; somebody else's and last year's don't count
        [
            *people("P1", "P1"),
            fact(K.TRAINING, 10, person=1, hours=8),
            fact(K.TRAINING, 20, person=2, hours=4),
            fact(K.TRAINING, 20, person=3, hours=40),
            fact(K.TRAINING, 366, person=1, hours=40),
        ],
        6,
        2,
        0,
        None,
    ),
    ("cases_published_24m", of(K.CASE_PUBLISHED, CLIENTS[:3]), 3, 3, 0, 3),
    (
        "cases_published_24m",
        [*of(K.CASE_PUBLISHED, CLIENTS[:2]), *of(K.CASE_PUBLISHED, CLIENTS[:3], 731)],
        2,
        2,
        3,
        2,
    ),
    (
        "cases_published_24m",
        of(K.CASE_PUBLISHED, ["a"] * 4 + ["b"]),
        3,
        3,
        2,
        3,
    ),  # two fifths of five are two
    (
        "cases_named_public_24m",
        of(K.CASE_PUBLISHED, [{"client": "a", "named": True}, {"client": "b", "named": False}]),
        1,
        1,
        0,
        1,
    ),
    ("outcomes_attested_12m", of(K.OUTCOME_ATTESTED, CLIENTS[:3]), 3, 3, 0, 3),
    ("outcomes_attested_12m", of(K.OUTCOME_ATTESTED, CLIENTS[:3], 365.5), 0, 0, 3, 0),
    (
        "outcome_attainment_median",
        of(
            K.OUTCOME_ATTESTED,
            [{"client": c, "attainment": a} for c, a in zip("abcd", (0.2, 0.9, 0.7, None), strict=True)],
        ),
        0.7,
        3,
        0,
        3,
    ),
    ("reviews_bayes_18m", [], 0, 0, 0, 0),
    ("reviews_bayes_18m", of(K.REVIEW, [{"client": "a", "rating": 5}]), 4.25, 1, 0, 1),  # (3·4 + 5) / 4
    ("reviews_bayes_18m", of(K.REVIEW, [{"client": c, "rating": 1} for c in "abc"]), 2.5, 3, 0, 3),
    (
        "reviews_bayes_18m",  # of ten reviews one client may make up four
        of(
            K.REVIEW,
            [{"client": "a", "rating": 5}] * 8 + [{"client": "b", "rating": 1}, {"client": "c", "rating": 1}],
        ),
        round((12 + 4 * 5 + 2) / 9, 4),
        6,
        4,
        6,
    ),
    ("renewal_rate_24m", of(K.RENEWAL, [{"renewed": r} for r in (True, True, True, False)]), 0.75, 4, 0, 4),
    ("response_sla_rate_90d", of(K.RESPONSE, [{"in_time": n < 7} for n in range(8)]), 0.875, 8, 0, 8),
    ("response_sla_rate_90d", of(K.RESPONSE, [{"in_time": True}] * 8, 91), 0, 0, 0, 0),
    ("maturity_verified", [], 0, 0, 0, None),
    (
        "maturity_verified",
        [fact(K.MATURITY_VERIFIED, 90, score=80), fact(K.MATURITY_VERIFIED, 9, score=50)],
        50,
        1,
        0,
        None,
    ),
    ("maturity_verified", [fact(K.MATURITY_VERIFIED, 400, until=35, score=80)], 0, 0, 0, None),
    ("products_reviewed_valid", of(K.PRODUCT_REVIEWED, ["x", "x", "y"], name="product"), 2, 2, 0, None),
    ("products_reviewed_valid", [fact(K.PRODUCT_REVIEWED, 740, until=10, product="x")], 0, 0, 0, None),
    ("platform_integrations", of(K.INTEGRATION, ["x", "x", "y"], name="platform"), 2, 2, 0, None),
    ("solutions_published", of(K.SOLUTION_PUBLISHED, [1, 2], name="solution_id"), 2, 2, 0, None),
    ("live_customers_90d", of(K.LIVE_CUSTOMER, ["a", "a", "b"]), 2, 2, 0, None),
    ("live_customers_90d", of(K.LIVE_CUSTOMER, ["a", "b"], 91), 0, 0, 0, None),
    ("support_in_sla_rate_90d", of(K.SUPPORT, [{"in_time": n < 3} for n in range(6)]), 0.5, 6, 0, 6),
    (
        "critical_vuln_fix_rate_12m",
        of(K.VULNERABILITY, [{"fixed_in_days": d} for d in (3, 15, 16, None)]),
        0.5,
        4,
        0,
        4,
    ),
    ("openness_checklist_10", [fact(K.OPENNESS, 9, items=7)], 7, 1, 0, None),
]


@pytest.mark.parametrize(("key", "facts", "value", "counted", "left", "sample"), READ)
def test_each_reader(key, facts, value, counted, left, sample):
    m = metric(key, facts)
    assert (m.value, len(m.counted), len(m.not_counted), m.sample) == (value, counted, left, sample)


def test_every_reader_is_in_the_table_and_in_the_programme():
    assert {key for key, *_ in READ} == set(READERS)
    assert {m["key"] for family in FAMILIES.values() for m in family["metrics"]} == set(READERS)
    assert set(RULES["metrics"]["names"]) == set(READERS)


def test_a_flaw_is_fixed_in_time_by_the_days_of_the_level():
    facts = of(K.VULNERABILITY, [{"fixed_in_days": 5}])
    assert [metric("critical_vuln_fix_rate_12m", facts, stars).value for stars in (3, 4, 5)] == [1, 1, 0]


def test_what_did_not_count_says_why():
    facts = [
        *people("P1", "P1"),
        fact(K.CERTIFICATE, 90, person=1, code="M1"),
        fact(K.CERTIFICATE, 90, person=7, code="P1"),
        fact(K.CERTIFICATE, 90, person=2, until=2, code="M1"),
    ]
    assert sorted(c.why_not for c in metric("staff_certified", facts).not_counted) == [
        "does not work here now",
        "one person counts once in a role",
        "the certificate has ended",
    ]
    reviews = of(K.REVIEW, [{"client": "a", "rating": 5}] * 5) + of(
        K.REVIEW, [{"client": "b", "rating": 5}], 549
    )
    assert {c.why_not for c in metric("reviews_bayes_18m", reviews).not_counted} == {
        "older than the period",
        "one client may make up at most two fifths of the evidence",
    }


@pytest.mark.parametrize(
    ("key", "kind", "days"),
    [
        ("cases_published_24m", K.CASE_PUBLISHED, 730),
        ("outcomes_attested_12m", K.OUTCOME_ATTESTED, 365),
        ("reviews_bayes_18m", K.REVIEW, 548),
        ("renewal_rate_24m", K.RENEWAL, 730),
        ("response_sla_rate_90d", K.RESPONSE, 90),
        ("live_customers_90d", K.LIVE_CUSTOMER, 90),
        ("support_in_sla_rate_90d", K.SUPPORT, 90),
        ("critical_vuln_fix_rate_12m", K.VULNERABILITY, 365),
    ],
)
def test_a_window_ends_at_its_last_moment(key, kind, days):
    value = {
        "client": "a",
        "rating": 5,
        "renewed": True,
        "in_time": True,
        "fixed_in_days": 1,
        "attainment": 1,
    }
    moment = timedelta(microseconds=1) / timedelta(days=1)
    inside, outside = fact(kind, days - moment, **value), fact(kind, days, **value)
    assert len(metric(key, [inside]).counted) == 1
    assert len(metric(key, [outside]).counted) == 0
    assert metric(key, [inside]).counted[0].lapses_at == inside.true_from + timedelta(days=days)


@given(st.lists(st.sampled_from("abcd"), max_size=30))
def test_no_client_makes_up_more_than_its_share(clients):
    facts = of(K.CASE_PUBLISHED, clients)
    counted = [c.label for c in metric("cases_published_24m", facts).counted]
    most = max(1, int(0.4 * len(clients)))
    assert all(counted.count(client) == min(most, clients.count(client)) for client in set(clients))


# ——— Small samples ———


def test_a_small_sample_is_left_out_and_the_others_carry_its_weight():
    few = [f for f in three_stars() if f.kind != K.RENEWAL] + of(K.RENEWAL, [{"renewed": False}] * 2)
    tree = evaluate(few, "operator", 3, NOW, RULES)
    m = tree.metric("renewal_rate_24m")
    assert (m.neutral, m.met, m.points, m.sample) == (True, True, 0, 2)
    rest = [x for x in tree.metrics if not x.neutral]
    assert tree.score == round(100 * sum(x.points for x in rest) / sum(x.weight for x in rest), 2)
    three = evaluate([*few, *of(K.RENEWAL, [{"renewed": False}])], "operator", 3, NOW, RULES)
    assert (three.metric("renewal_rate_24m").neutral, three.metric("renewal_rate_24m").met) == (False, False)


@pytest.mark.parametrize(("stars", "need"), [(3, 3), (4, 8), (5, 20)])
def test_reviews_count_from_their_least_number_on(stars, need):
    def reviews(n):
        return of(K.REVIEW, [{"client": c, "rating": 5} for c in (CLIENTS * 3)[:n]])

    assert [metric("reviews_bayes_18m", reviews(n), stars).met for n in (need - 1, need)] == [False, True]


def test_answers_too_few_to_count_are_no_fault_and_enough_are():
    five = of(K.RESPONSE, [{"in_time": False}] * 5)
    assert metric("response_sla_rate_90d", five[:4]).met
    assert not metric("response_sla_rate_90d", five).met


# ——— Gates and the pass mark ———


def gate(key: str, facts, stars: int = 3, family: str = "operator", **more):
    return next(g for g in evaluate(facts, family, stars, NOW, RULES, **more).gates if g.key == key)


GATES = [
    ("org_verified", "operator", [], 0, False),
    ("org_verified", "operator", [fact(K.ORGANISATION_VERIFIED, 1)], 1, True),
    ("conduct_min", "operator", [], 100, True),
    ("conduct_min", "operator", [fact(K.CONDUCT, 1, delta=-30)], 70, True),
    ("conduct_min", "operator", [fact(K.CONDUCT, 1, delta=-31)], 69, False),
    (
        "complaints_upheld_12m_max",
        "operator",
        [fact(K.COMPLAINT_UPHELD, n, until=n / 2, severity="minor") for n in (1, 2)],
        2,
        True,
    ),
    (
        "complaints_upheld_12m_max",
        "operator",
        [fact(K.COMPLAINT_UPHELD, n, until=n / 2, severity="minor") for n in (1, 2, 3)],
        3,
        False,
    ),
    ("complaints_upheld_12m_max", "operator", [fact(K.COMPLAINT_UPHELD, 366, severity="minor")] * 3, 0, True),
    ("major_open_max", "operator", [fact(K.COMPLAINT_UPHELD, 5, severity="major")], 1, False),
    ("major_open_max", "operator", [fact(K.COMPLAINT_UPHELD, 5, until=1, severity="major")], 0, True),
    ("distinct_clients_24m_min", "operator", [fact(K.REVIEW, 5, client="a", rating=5)], 1, False),
    (
        "distinct_clients_24m_min",
        "operator",
        [fact(K.REVIEW, 5, client="a", rating=5), fact(K.CASE_PUBLISHED, 5, client="b")],
        2,
        True,
    ),
    (
        "distinct_clients_24m_min",
        "operator",
        [fact(K.REVIEW, 731, client=c, rating=5) for c in "ab"],
        0,
        False,
    ),
    ("violations_180d_max", "isv", [fact(K.VIOLATION, 179, reason="")], 1, False),
    ("violations_180d_max", "isv", [fact(K.VIOLATION, 180, reason="")], 0, True),
    ("data_export", "isv", [], 0, False),
    ("data_export", "isv", [fact(K.DATA_EXPORT, 5)], 1, True),
    ("uptime_90d_min", "isv", [fact(K.UPTIME, 50, share=0.9999), fact(K.UPTIME, 5, share=0.99)], 0.99, False),
    ("uptime_90d_min", "isv", [fact(K.UPTIME, 5, share=0.995)], 0.995, True),
]


@pytest.mark.parametrize(("key", "family", "facts", "value", "met"), GATES)
def test_each_gate(key, family, facts, value, met):
    g = gate(key, facts, family=family)
    assert (g.value, g.met) == (value, met)


def test_every_gate_is_in_the_table():
    used = {key for family in FAMILIES.values() for gates in family["hard_gates"].values() for key in gates}
    assert used == {key for key, *_ in GATES} | {"held_4star_days_min"} == set(RULES["metrics"]["gates"])


def test_five_stars_ask_for_half_a_year_at_four():
    def held(*times, stars=4, family="operator"):
        facts = [fact(K.LEVEL, days, until=until, family=family, stars=stars) for days, until in times]
        return gate("held_4star_days_min", facts, 5).value

    assert (held(), held((179, None)), held((180, None))) == (0, 179, 180)
    assert [
        gate("held_4star_days_min", [fact(K.LEVEL, d, family="operator", stars=4)], 5).met for d in (179, 180)
    ] == [
        False,
        True,
    ]
    assert held((200, 90), (90, None)) == 200  # one after the other without a gap, as from four to five
    assert held((200, 91), (90, None)) == 90
    assert held((200, 1)) == held((200, None), stars=3) == held((200, None), family="isv") == 0


@pytest.mark.parametrize(
    "key", [key for key in FAMILIES["operator"]["hard_gates"]["3"] if key != "org_verified"]
)
def test_points_never_make_up_for_a_gate(key):
    broken = {
        "conduct_min": [fact(K.CONDUCT, 1, delta=-40)],
        "complaints_upheld_12m_max": [
            fact(K.COMPLAINT_UPHELD, n, until=n / 2, severity="minor") for n in (1, 2, 3)
        ],
        "major_open_max": [fact(K.COMPLAINT_UPHELD, 1, severity="major")],
        "distinct_clients_24m_min": [],
    }[key]
    facts = three_stars()
    if key == "distinct_clients_24m_min":
        facts = [replace(f, value=f.value | {"client": "one"}) if "client" in f.value else f for f in facts]
    good, bad = (evaluate(f, "operator", 3, NOW, RULES) for f in (three_stars(), facts + broken))
    assert good.met
    assert (bad.met, [g.key for g in bad.gates if not g.met]) == (False, [key])
    if broken:
        assert bad.score == good.score


def test_reaching_only_the_gates_is_not_enough():
    rules = deepcopy(RULES)
    for m in rules["families"]["operator"]["metrics"]:
        m["levels"]["3"] = [m["levels"]["3"][0], m["levels"]["3"][0] * 3]
    tree = evaluate(three_stars(), "operator", 3, NOW, rules)
    assert all(m.met for m in tree.metrics)
    assert all(g.met for g in tree.gates)
    assert (tree.score < tree.pass_score, tree.met) == (True, False)


def test_a_metric_at_zero_is_never_met():
    rules = deepcopy(RULES)
    for m in rules["families"]["operator"]["metrics"]:
        m["levels"]["3"][0] = 0
    tree = evaluate([fact(K.ORGANISATION_VERIFIED, 5)], "operator", 3, NOW, rules)
    assert [m.key for m in tree.metrics if m.met and not m.neutral] == []


@given(st.floats(0, 200), st.integers(3, 5))
def test_points_are_a_share_of_the_weight_and_end_at_the_target(score, stars):
    m = metric("maturity_verified", [fact(K.MATURITY_VERIFIED, 1, score=score)], stars)
    assert m.points == round(m.weight * min(1, score / m.target), 4)
    assert 0 <= m.points <= m.weight
