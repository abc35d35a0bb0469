"""Matching: the ten parts, the filters, and the five promises of the shortlist (I1 to I5)."""

import math
import random
from dataclasses import replace
from datetime import date

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from casebook.matching import rules
from casebook.matching.rules import Account, Brief, Candidate, Corpus
from portal.programme.actions import DEFAULT
from portal.programme.rules import stringed

MATCHING = stringed(yaml.safe_load(DEFAULT.read_text(encoding="utf-8")))["matching"]
WEIGHTS = MATCHING["weights"]

BRIEF = Brief(
    industry="pet-food",
    industry_group="pets",
    siblings=frozenset({"pet-goods", "pet-care"}),
    must_have=("community",),
    wished=("membership",),
    budget_low=50_000,
    budget_high=80_000,
    province="shanghai",
    city="上海",
    languages=frozenset({"zh"}),
    size=0.5,
    brand_id=900,
)
FIT = Candidate(
    1,
    accepting=True,
    stars=4,
    capacity=2,
    capabilities={"community": 1.0, "membership": 0.8},
    industries={"pet-food": 1.0},
    price_low=60_000,
    price_high=90_000,
    languages=frozenset({"zh"}),
    province="shanghai",
    city="上海",
    ratings=(5, 4),
    outcomes_verified=3,
    outcomes_unverified=1,
    client_sizes=(0.5,),
    offered=10,
    in_time=9,
    likeness=0.7,
    likeness_title="会员社群",
)


def test_the_weights_are_those_of_the_parts_and_add_up_to_a_hundred() -> None:
    assert tuple(WEIGHTS) == rules.PARTS
    assert sum(WEIGHTS.values()) == 100
    assert set(MATCHING["hard_filters"]) == {*rules.FILTERS, "minimum_score"}


# The filters, each failed alone

FAILS = {
    "certified_and_accepting": (BRIEF, replace(FIT, accepting=False)),
    "capacity_left": (BRIEF, replace(FIT, capacity=0)),
    "must_have_capability": (BRIEF, replace(FIT, capabilities={"membership": 1.0})),
    "language": (replace(BRIEF, languages=frozenset({"zh", "en"})), FIT),
    "region_if_on_site": (replace(BRIEF, on_site=True), replace(FIT, province="zhejiang")),
    "price_floor": (BRIEF, replace(FIT, price_low=120_001)),
    "start_date": (replace(BRIEF, start_by=date(2026, 3, 1)), replace(FIT, can_start=date(2026, 3, 2))),
    "provider_refusals": (BRIEF, replace(FIT, refused_industries=frozenset({"pets"}))),
    "blocked_by_brand": (replace(BRIEF, blocked=frozenset({1})), FIT),
    "level_gate": (BRIEF, replace(FIT, stars=2)),
    "minimum_score": (
        BRIEF,
        Candidate(
            1,
            accepting=True,
            stars=3,
            capacity=1,
            capabilities={"community": 0.5},
            price_low=120_000,
            price_high=900_000,
            languages=frozenset({"zh"}),
        ),
    ),
}


@pytest.mark.parametrize("reason", MATCHING["hard_filters"])
def test_each_filter_says_its_own_reason(reason: str) -> None:
    assert rules.first_failed_filter(BRIEF, FIT, MATCHING) is None
    assert rules.first_failed_filter(*FAILS[reason], MATCHING) == reason


def test_the_first_reason_in_the_programmes_order_is_given() -> None:
    assert rules.first_failed_filter(BRIEF, replace(FIT, capacity=0, stars=2), MATCHING) == "capacity_left"


@pytest.mark.parametrize(
    ("candidate", "refuses"),
    [
        (replace(FIT, min_budget=80_000), False),
        (replace(FIT, min_budget=80_001), True),
        (replace(FIT, conflicts=frozenset({900})), True),
        (replace(FIT, conflicts=frozenset({901})), False),
        (replace(FIT, refused_industries=frozenset({"pet-food"})), True),
        (replace(FIT, refused_industries=frozenset({"cars"})), False),
    ],
)
def test_a_provider_refuses_small_budgets_industries_and_conflicts(
    candidate: Candidate, refuses: bool
) -> None:
    assert (rules.first_failed_filter(BRIEF, candidate, MATCHING) == "provider_refusals") == refuses


@pytest.mark.parametrize(
    ("segment", "on_site", "stars"),
    [("smb", False, 3), ("ka", True, 3), ("strategic_co_creation", False, 4), ("?", False, 0)],
)
def test_the_level_that_a_brief_needs(segment: str, on_site: bool, stars: int) -> None:
    assert rules.stars_needed(replace(BRIEF, segment=segment, on_site=on_site), MATCHING) == stars


# The parts


@pytest.mark.parametrize(
    ("part", "change", "share"),
    [
        ("capability", {"capabilities": {"community": 1.0}}, 1 / 1.5),
        ("capability", {"capabilities": {"community": 0.5, "membership": 0.8}}, 0.9 / 1.5),
        ("capability", {"capabilities": {}}, 0.0),
        ("similar_case", {"likeness": 0.7}, 0.7),
        ("industry", {"industries": {"pet-food": 1.0}}, 1.0),
        ("industry", {"industries": {"pets": 0.7}}, 0.7),
        ("industry", {"industries": {"pet-goods": 1.0}}, 0.4),
        ("industry", {"industries": {"cars": 1.0}}, 0.0),
        ("price", {"price_low": 80_000, "price_high": 90_000}, 1.0),
        ("price", {"price_low": 80_000 * 10**0.2, "price_high": 400_000}, math.exp(-1)),
        ("price", {"price_low": 1, "price_high": 50_000 / 10**0.6}, math.exp(-1)),
        ("price", {"price_low": None}, 0.5),
        ("reviews", {"ratings": ()}, 0.5),
        ("reviews", {"ratings": (5, 5, 5)}, 0.75),
        ("certification", {"stars": 3}, 0.5),
        ("certification", {"stars": 4}, 0.75),
        ("certification", {"stars": 5}, 1.0),
        ("certification", {"stars": 2}, 0.0),
        ("region_language", {}, 1.0),
        ("region_language", {"city": "嘉定"}, 0.8),
        ("region_language", {"province": "zhejiang", "remote": True}, 0.6),
        ("region_language", {"province": "zhejiang", "remote": False}, 0.2),
        ("evidence", {"outcomes_verified": 0, "outcomes_unverified": 0}, 0.0),
        ("evidence", {"outcomes_verified": 3, "outcomes_unverified": 2}, 1 - math.exp(-1)),
        ("size_fit", {"client_sizes": (0.1, 0.3)}, 0.7),
        ("size_fit", {"client_sizes": ()}, 0.5),
        ("responsiveness", {"offered": 0, "in_time": 0}, 0.75),
        ("responsiveness", {"offered": 2, "in_time": 0}, 0.6),
    ],
)
def test_the_share_of_a_part(part: str, change: dict, share: float) -> None:
    assert rules.shares(BRIEF, replace(FIT, **change), MATCHING)[part] == pytest.approx(share)


money = st.none() | st.integers(0, 10**8)
keys = st.sampled_from(["community", "membership", "erp", "scrm"])
leaves = st.sampled_from(["pet-food", "pets", "pet-goods", "cars", ""])
briefs = st.builds(
    Brief,
    industry=leaves,
    industry_group=leaves,
    siblings=st.frozensets(leaves),
    must_have=st.lists(keys, max_size=3).map(tuple),
    wished=st.lists(keys, max_size=3).map(tuple),
    budget_low=money,
    budget_high=money,
    province=st.sampled_from(["", "shanghai"]),
    city=st.sampled_from(["", "上海"]),
    on_site=st.booleans(),
    languages=st.frozensets(st.sampled_from(["zh", "en"])),
    start_by=st.none() | st.dates(),
    size=st.none() | st.floats(0, 1),
    segment=st.sampled_from(["smb", "ka", ""]),
    brand_id=st.integers(0, 3),
    blocked=st.frozensets(st.integers(0, 3)),
    mean_rating=st.floats(1, 5),
)
candidates = st.builds(
    Candidate,
    id=st.integers(0, 3),
    accepting=st.booleans(),
    stars=st.integers(0, 5),
    capacity=st.integers(-1, 3),
    capabilities=st.dictionaries(keys, st.sampled_from([0.5, 0.8, 1.0])),
    industries=st.dictionaries(leaves, st.sampled_from([0.7, 1.0])),
    price_low=money,
    price_high=money,
    min_budget=money,
    refused_industries=st.frozensets(leaves),
    conflicts=st.frozensets(st.integers(0, 3)),
    languages=st.frozensets(st.sampled_from(["zh", "en"])),
    province=st.sampled_from(["", "shanghai"]),
    city=st.sampled_from(["", "上海"]),
    remote=st.booleans(),
    can_start=st.none() | st.dates(),
    ratings=st.lists(st.integers(1, 5), max_size=5).map(tuple),
    outcomes_verified=st.integers(0, 50),
    outcomes_unverified=st.integers(0, 50),
    client_sizes=st.lists(st.floats(0, 1), max_size=3).map(tuple),
    offered=st.integers(0, 50),
    in_time=st.integers(0, 50),
    likeness=st.floats(0, 1),
)


@settings(max_examples=300, deadline=None)
@given(briefs, candidates)
def test_any_data_gives_ten_parts_within_their_weights_with_words(brief: Brief, candidate: Candidate) -> None:
    found = rules.parts(brief, candidate, MATCHING)
    assert [part.key for part in found] == list(rules.PARTS)
    assert all(0 <= part.points <= part.weight for part in found)
    assert sum(part.points for part in found) == pytest.approx(rules.score(brief, candidate, MATCHING))
    for part in found:
        for message, values in part.words:
            assert message % values
    reason = rules.first_failed_filter(brief, candidate, MATCHING)
    assert reason is None or reason in MATCHING["hard_filters"]
    sifted = rules.sift(brief, [candidate], MATCHING)
    assert dict(sifted.failed) == ({candidate.id: reason} if reason else {})
    assert len(sifted.passed) == len(sifted.scores) == (0 if reason else 1)


# Similar cases


def test_a_brief_resembles_itself_most_and_a_case_of_other_words_not_at_all() -> None:
    brief, near, far = ["宠粮", "复购", "会员"], ["宠粮", "会员", "社群", "门店"], ["汽车", "试驾"]
    corpus = Corpus.of([near, far])
    assert rules.alike(brief, brief, corpus) == 1
    assert 0 < rules.alike(brief, near, corpus) < 1
    assert rules.alike(brief, far, corpus) == 0
    assert rules.alike([], near, corpus) == 0


def test_a_rare_word_in_common_counts_more_than_a_frequent_one() -> None:
    corpus = Corpus.of([["会员", "a"], ["会员", "b"], ["会员", "c"], ["宠粮", "d"]])
    brief = ["会员", "宠粮"]
    assert rules.alike(brief, ["宠粮", "x"], corpus) > rules.alike(brief, ["会员", "x"], corpus) > 0


def test_a_case_counts_half_after_its_half_life() -> None:
    assert rules.aged(0.8, 0, MATCHING) == 0.8
    assert rules.aged(0.8, 2 * 365.25, MATCHING) == pytest.approx(0.4)
    assert rules.aged(0.8, -5, MATCHING) == 0.8


# The shortlist

scores = st.dictionaries(st.integers(1, 60), st.floats(35, 100), max_size=40)
ledgers = st.dictionaries(st.integers(1, 60), st.builds(Account, st.floats(0, 50), st.floats(0, 20)))
epsilon, alpha = MATCHING["pool_epsilon"], MATCHING["guarantee_alpha"]


@settings(max_examples=400, deadline=None)
@given(scores, ledgers)
def test_i1_everybody_shown_is_near_enough_to_the_last_by_score(scored: dict, ledger: dict) -> None:
    result = rules.shortlist(scored, ledger, MATCHING)
    ids = [p.id for p in result.places]
    assert len(ids) == len(set(ids)) == min(5, len(scored))
    assert [p.place for p in result.places] == list(range(1, len(ids) + 1))
    assert set(ids) <= result.qualified <= set(scored)
    assert all(p.score == scored[p.id] >= (1 - epsilon) * result.kth_score for p in result.places)
    assert [p.kind for p in result.places].count("fair") <= 1
    assert all(p.kind == "merit" for p in result.places[:4])
    assert all(p.kind == "merit" for p in result.places) or len(result.qualified) > len(ids)


@settings(max_examples=400, deadline=None)
@given(scores.filter(bool), ledgers)
def test_i2_the_brand_loses_at_most_what_the_formula_says(scored: dict, ledger: dict) -> None:
    shown = sorted((p.score for p in rules.shortlist(scored, ledger, MATCHING).places), reverse=True)
    discount = [1 / math.log2(i + 2) for i in range(len(shown))]
    best = sum(s * d for s, d in zip(sorted(scored.values(), reverse=True), discount, strict=False))
    kept = sum(s * d for s, d in zip(shown, discount, strict=True)) / best
    assert kept >= 1 - epsilon * discount[-1] / sum(discount) - 1e-9


@settings(max_examples=200, deadline=None)
@given(scores, ledgers)
def test_the_ledger_grows_by_the_lottery_and_by_who_was_shown(scored: dict, ledger: dict) -> None:
    result = rules.shortlist(scored, ledger, MATCHING)
    assert set(result.ledger) == result.qualified
    shown = {p.id for p in result.places}
    gained = 0.0
    for i, account in result.ledger.items():
        before = ledger.get(i, Account())
        gained += account.share - before.share
        assert account.intro == before.intro + (i in shown)
    assert gained == pytest.approx(len(shown))


@settings(max_examples=200, deadline=None)
@given(scores, ledgers)
def test_i4_without_a_fair_place_it_is_the_best_by_score(scored: dict, ledger: dict) -> None:
    plain = {**MATCHING, "places": {"merit": 5, "fair": 0}}
    assert [p.id for p in rules.shortlist(scored, ledger, plain).places] == rules.by_score(scored)[:5]


@settings(max_examples=100, deadline=None)
@given(scores, ledgers, st.randoms())
def test_i5_the_same_inputs_give_the_same_list_in_any_order(
    scored: dict, ledger: dict, chance: random.Random
) -> None:
    mixed = list(scored.items())
    chance.shuffle(mixed)
    assert rules.shortlist(dict(mixed), ledger, MATCHING) == rules.shortlist(scored, ledger, MATCHING)


def test_ties_go_by_id() -> None:
    assert [p.id for p in rules.shortlist(dict.fromkeys([9, 3, 7, 1, 5, 2], 60.0), {}, MATCHING).places] == [
        1,
        2,
        3,
        5,
        7,
    ]


def test_the_fair_place_goes_to_the_most_owed_once_a_whole_introduction_is_due() -> None:
    scored = {i: 80.0 - i for i in range(1, 10)}
    ledger = {i: Account(5 * 20, 20) for i in range(1, 10)} | {7: Account(10, 1.5), 9: Account(20, 1.0)}
    fair = rules.shortlist(scored, ledger, MATCHING).places[-1]
    assert (fair.id, fair.kind, fair.place) == (9, "fair", 5)


def test_nobody_overdue_the_best_of_those_owed_takes_it() -> None:
    scored = {i: 80.0 - i for i in range(1, 10)}
    ledger = {i: Account(0, 5) for i in range(1, 10)} | {7: Account(2, 0), 9: Account(4, 0)}
    assert rules.shortlist(scored, ledger, MATCHING).places[-1].id == 7


def test_nobody_owed_the_place_returns_to_merit() -> None:
    scored = {i: 80.0 - i for i in range(1, 10)}
    last = rules.shortlist(scored, {i: Account(0, 5) for i in range(1, 10)}, MATCHING).places[-1]
    assert (last.id, last.kind) == (5, "merit")


def test_far_below_the_fifth_is_not_qualified_however_much_is_owed() -> None:
    scored = {1: 90.0, 2: 90.0, 3: 90.0, 4: 90.0, 5: 80.0, 6: 59.9, 7: 60.0}
    result = rules.shortlist(scored, {6: Account(100, 0)}, MATCHING)
    assert 6 not in result.qualified
    assert 7 in result.qualified


def _hostile(briefs: int, providers: int, seed: int) -> list[float]:
    """Each brief invites exactly those most owed, and five stars that take every place by score.
    The largest debt after each brief."""
    chance, ledger, worst = random.Random(seed), {}, []
    for n in range(briefs):
        crowd = chance.randint(1, 30) if seed else n % 30 + 1
        owed = sorted(range(6, providers + 6), key=lambda i: -rules.debt(ledger.get(i, Account()), MATCHING))
        scored = dict.fromkeys(range(1, 6), 90.0) | {i: 70.0 + chance.random() for i in owed[:crowd]}
        ledger.update(rules.shortlist(scored, ledger, MATCHING).ledger)
        worst.append(max(rules.debt(account, MATCHING) for account in ledger.values()))
    return worst


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_i3_debts_are_paid_whatever_briefs_come(seed: int) -> None:
    worst = _hostile(3_000, 60, seed)
    assert max(worst) < 2
    assert max(worst[1_500:]) <= max(worst[:1_500]) + 0.25  # it does not grow


def test_shares_and_introductions_fade_alike() -> None:
    assert rules.faded(8, 90, MATCHING) == 4
    assert rules.faded(8, -90, MATCHING) == 16


# Why not shown


def test_the_gap_names_the_parts_that_would_have_closed_it() -> None:
    found = dict.fromkeys(rules.PARTS, 0.5)
    report = rules.gap(found, 60.0, MATCHING)
    assert report.missing == pytest.approx(10)
    assert report.rooms[0] == ("capability", 12.5)
    assert report.enough_alone == ("capability", "similar_case")
    assert rules.gap(found, 40.0, MATCHING).enough_alone == ()


@settings(max_examples=100, deadline=None)
@given(st.fixed_dictionaries({key: st.floats(0, 1) for key in rules.PARTS}), st.floats(0, 100))
def test_the_rooms_are_what_is_missing_to_a_hundred(found: dict, kth: float) -> None:
    report = rules.gap(found, kth, MATCHING)
    assert sum(room for _, room in report.rooms) == pytest.approx(
        100 - sum(WEIGHTS[k] * x for k, x in found.items())
    )
    assert report.missing >= 0
