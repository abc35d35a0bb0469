"""The draw of a paper: the blueprint, enemies, what was seen before, pilots, and the order of options."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certification.papers import rules
from certification.papers.rules import Item, Place, Wear

P1_TOPICS = {"TRK-01": 6, "TRK-02": 8, "TRK-11": 4}


@st.composite
def banks(draw):
    """Topics of groups of questions, and a blueprint that they can fill."""
    items, blueprint, number = [], {}, 0
    for t in range(draw(st.integers(1, 4))):
        sizes = draw(st.lists(st.integers(1, 8), min_size=1, max_size=6))
        for g, size in enumerate(sizes):
            for _ in range(size):
                number += 1
                items.append(
                    Item(
                        number,
                        f"T{t}",
                        f"T{t}/{g}",
                        draw(st.integers(2, 6)),
                        (1,) if draw(st.booleans()) else (),
                    )
                )
        blueprint[f"T{t}"] = draw(st.integers(0, sum(sizes)))
    return items, blueprint


@given(banks(), st.text(max_size=8))
def test_a_paper_holds_what_the_blueprint_asks_and_nothing_twice(bank, seed):
    items, blueprint = bank
    paper = rules.draw(blueprint, items, seed)
    topics = {i.id: i.topic for i in items}
    assert len(set(paper)) == len(paper) == sum(blueprint.values())
    assert Counter(topics[i] for i in paper) == Counter(blueprint)


@given(banks(), st.text(max_size=8))
def test_a_topic_is_spread_over_its_groups_as_evenly_as_they_allow(bank, seed):
    items, blueprint = bank
    paper = set(rules.draw(blueprint, items, seed))
    for topic in blueprint:
        sizes = Counter(i.group for i in items if i.topic == topic)
        taken = Counter(dict.fromkeys(sizes, 0)) + Counter(
            i.group for i in items if i.id in paper and i.topic == topic
        )
        most = max((taken[g] for g in sizes), default=0)
        # A group is behind the fullest by more than one only when it has no question left to give.
        assert all(taken[g] >= most - 1 or taken[g] == sizes[g] for g in sizes)


@given(banks(), st.text(max_size=8), st.randoms())
def test_the_seed_alone_decides(bank, seed, shuffler):
    items, blueprint = bank
    mixed = list(items)
    shuffler.shuffle(mixed)
    paper = rules.draw(blueprint, items, seed)
    assert rules.draw(blueprint, mixed, seed) == paper
    assert rules.lay_out(paper, mixed, seed) == rules.lay_out(paper, items, seed)


@given(banks(), st.text(max_size=8))
def test_options_are_shuffled_and_fixed_ones_stay(bank, seed):
    items, blueprint = bank
    known = {i.id: i for i in items}
    for place in rules.lay_out(rules.draw(blueprint, items, seed), items, seed):
        item = known[place.question]
        assert sorted(place.options) == list(range(1, item.options + 1))
        assert all(place.options[n - 1] == n for n in item.fixed)
        for chosen in range(1, item.options + 1):
            assert place.chosen(place.shown([chosen])) == [chosen]


@given(st.integers(1, 30), st.integers(1, 6), st.text(max_size=8))
def test_with_as_many_questions_as_groups_it_is_exactly_one_a_group(groups, each, seed):
    items = [Item(g * 10 + n, "T", f"G{g}", 4) for g in range(groups) for n in range(each)]
    taken = Counter(i // 10 for i in rules.draw({"T": groups}, items, seed))
    assert taken == Counter(range(groups))


def test_different_seeds_give_different_papers():
    items = [Item(n, "T", f"G{n % 6}", 4) for n in range(60)]
    assert len({tuple(rules.draw({"T": 12}, items, str(seed))) for seed in range(50)}) == 50


def test_a_topic_with_too_few_questions_is_an_error():
    with pytest.raises(ValueError, match="topic T has fewer than 2 questions"):
        rules.draw({"T": 2}, [Item(1, "T", "G", 4)], "s")


def test_a_place_that_is_none_is_left_out():
    place = Place(7, (3, 1, 2))
    assert place.chosen([1, 1, 4, 0, -1, 3]) == [2, 3]
    assert place.shown([2, 9]) == [3]


def test_the_blueprint_of_the_first_certificate():
    assert rules.share_out(P1_TOPICS, 40) == {"TRK-01": 13, "TRK-02": 18, "TRK-11": 9}


@given(
    st.dictionaries(st.text(min_size=1, max_size=3), st.integers(1, 40), min_size=1, max_size=8),
    st.integers(0, 200),
)
def test_shares_add_up_and_are_fair(weights, total):
    shares = rules.share_out(weights, total)
    assert sum(shares.values()) == total
    assert all(abs(shares[k] - total * w / sum(weights.values())) < 1 for k, w in weights.items())


# ——— Levels, enemies, wear, pilots ———


def test_a_level_may_have_its_own_number():
    items = [Item(n, "T", "G", 4, level=1 + n % 3) for n in range(30)]
    levels = {i.id: i.level for i in items}
    paper = rules.draw({"T": {"1": 2, "3": 5}}, items, "s")
    assert Counter(levels[i] for i in paper) == {1: 2, 3: 5}


@given(st.text(max_size=6), st.sets(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=6))
def test_enemies_never_stand_together(seed, pairs):
    foes = {
        n: frozenset({b for a, b in pairs if a == n} | {a for a, b in pairs if b == n} - {n})
        for n in range(12)
    }
    items = [Item(n, "T", f"G{n % 3}", 4, enemies=foes[n] - {n}) for n in range(12)]
    paper = rules.draw({"T": 4}, items, seed)
    assert not any(b in foes[a] for a in paper for b in paper if a != b)


def test_a_plan_that_enemies_make_impossible_is_an_error():
    items = [Item(1, "T", "G", 4, enemies=frozenset({2})), Item(2, "T", "G", 4, enemies=frozenset({1}))]
    with pytest.raises(ValueError, match="exclude each other"):
        rules.draw({"T": 2}, items, "s")


@given(st.text(max_size=6), st.sets(st.integers(0, 19), max_size=10))
def test_nothing_seen_before_while_there_is_anything_else(seed, seen):
    items = [Item(n, "T", "G", 4) for n in range(20)]
    paper = set(rules.draw({"T": 8}, items, seed, wear=Wear(frozenset(seen))))
    assert len(paper & seen) == max(0, 8 - (20 - len(seen)))


def test_what_is_asked_too_often_comes_before_what_was_seen():
    items = [Item(n, "T", "G", 4) for n in range(6)]
    paper = rules.draw({"T": 4}, items, "s", wear=Wear(seen=frozenset({0, 1}), often=frozenset({2, 3})))
    assert set(paper) == {2, 3, 4, 5}


def test_pilots_are_mixed_in_and_never_counted_as_the_plan():
    items = [
        *(Item(n, "T", "G", 4) for n in range(5)),
        *(Item(n, "T", "G", 4, pilot=True) for n in range(5, 9)),
    ]
    paper = rules.draw({"T": 5}, items, "s", pilots=2)
    assert len(paper) == 7
    assert {n for n in paper if n < 5} == set(range(5))
    assert {p.question for p in rules.lay_out(paper, items, "s") if p.pilot} == {n for n in paper if n >= 5}


def test_an_exposure_cap_counts_the_latest_papers():
    papers = [[1, 2]] * 6 + [[1, 3]] * 4
    assert rules.worn(papers, 0.5, 10) == {1, 2}
    assert rules.worn(papers, 0.5, 11) == frozenset()


def test_a_plan_scales_with_its_levels():
    assert rules.scaled({"A": {"1": 2, "2": 2}, "B": 4}, 16) == {"A": {"1": 4, "2": 4}, "B": 8}
    assert rules.scaled({"A": 3}, 3) == {"A": 3}


@given(st.sets(st.integers(1, 500)))
def test_ranges_come_back(ids):
    assert rules.in_ranges(rules.ranges(ids)) == ids


# ——— Answers on the page and in the bank ———


def test_places_given_to_lines_come_back():
    place = Place(1, (3, 1, 2), kind="order")
    assert place.chosen([3, 1, 2]) == [1, 2, 3]  # line 3 is third, line 1 first, line 2 second
    assert place.shown([1, 2, 3]) == [3, 1, 2]
    assert place.chosen([0, 0, 0]) == []
    assert place.chosen([9, 1, 0]) == [1, 0, 0]


def test_options_matched_to_prompts_come_back():
    place = Place(1, (2, 3, 1), kind="match")
    assert place.chosen([1, 3, 0]) == [2, 1, 0]
    assert place.shown([2, 1, 0]) == [1, 3, 0]
    assert place.chosen([0, 0]) == []
