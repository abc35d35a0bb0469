"""What an answer is worth, by kind; papers; the marks of two people."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certification.marking import rules
from certification.marking.rules import Asked, Given, Key


@pytest.mark.parametrize(
    ("key", "chosen", "right"),
    [
        ([2], [2], True),
        ([2], [1], False),
        ([2], [], False),
        ([2], [1, 2], False),
        ([1, 3], [3, 1], True),
        ([1, 3], [1], False),
        ([1, 3], [1, 2, 3], False),
        ([1, 3], [], False),
    ],
)
@pytest.mark.parametrize("kind", ["one", "several", "true_false"])
def test_all_keys_and_only_the_keys(kind, key, chosen, right):
    assert rules.is_right(Key(kind, tuple(key)), Given(tuple(chosen))) is right


@pytest.mark.parametrize("kind", ["order", "match"])
def test_an_order_and_a_match_are_right_as_a_whole(kind):
    key = Key(kind, (1, 2, 3), points=3)
    assert rules.score(key, Given((1, 2, 3))) == 3
    assert rules.score(key, Given((1, 3, 2))) == 0
    assert rules.score(key, Given((1, 2, 0))) == 0
    assert rules.score(key, Given()) == 0


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3.5", "3.5"),
        ("３．５", "3.5"),
        ("1,200", "1200"),
        ("1,200,000.5", "1200000.5"),
        ("3,14", "3.14"),
        ("−4", "-4"),
        (" 12 500 ", "12500"),
        ("1e3", "1000"),
        ("", None),
        ("twelve", None),
        ("12万", None),
        ("nan", None),
        ("Infinity", None),
        ("1e999999999", None),
        ("1" * 60, None),
    ],
)
def test_numbers_as_people_type_them(text, number):
    found = rules.number_in(text)
    assert (None if found is None else format(found.normalize(), "f")) == number


def test_a_number_within_its_tolerance_is_right():
    key = Key("numeric", accept=[{"low": 9.9, "high": 10.1}, {"low": 20.0, "high": 20.0}])
    right = {t: rules.is_right(key, Given(text=t)) for t in ("9.9", "10.1", "10.11", "9.89", "20", "ten")}
    assert right == {"9.9": True, "10.1": True, "10.11": False, "9.89": False, "20": True, "ten": False}


def test_short_texts_are_compared_without_width_case_and_space():
    key = Key("short", accept=[{"text": "企业微信"}, {"text": "WeCom"}])
    assert [
        rules.is_right(key, Given(text=t)) for t in ("企业微信。", " wecom ", "ＷｅＣｏｍ", "微信", "")
    ] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert not rules.is_right(Key("short", accept=[{"text": "WeCom"}], case=True), Given(text="wecom"))


def test_a_star_stands_for_any_characters():
    assert rules.fits("a*b*c", "axxbyyc")
    assert not rules.fits("a*b*c", "axxbyy")
    assert not rules.fits("ab*ba", "aba")
    started = time.perf_counter()
    rules.fits("*a" * 200 + "b", "a" * 20_000)
    assert time.perf_counter() - started < 1


def test_a_long_answer_is_never_right_by_rule():
    assert rules.score(Key("long", points=10), Given(text="x")) == 0


_one = st.builds(
    lambda topic, of, share: Asked(topic[0], topic, round(of * share), of),
    st.sampled_from(["A/1", "A/2", "B/1"]),
    st.integers(1, 20),
    st.floats(0, 1),
)


@given(st.lists(_one, max_size=40))
def test_points_add_up(asked):
    marked = rules.mark_paper(asked)
    assert (marked.score, marked.of) == (sum(a.score for a in asked), sum(a.of for a in asked))
    for table in (marked.topics, marked.groups):
        assert (sum(h for h, _ in table.values()), sum(o for _, o in table.values())) == (
            marked.score,
            marked.of,
        )


@pytest.mark.parametrize(
    ("marks", "points"),
    [
        ([], None),
        ([[50, 20]], None),
        ([[50, 20], [40, 20]], 65),
        ([[50, 20], [50, 35]], 78),  # 15 apart: their mean, a half up
        ([[50, 20], [50, 36]], None),  # 16 apart: a third is wanted
        ([[50, 20], [50, 40], [50, 22]], 71),
        ([[50, 20], [50, 40], [50, 39]], 90),
        ([[10, 0], [90, 0], [50, 0]], 70),  # as far from one as from the other: in the candidate's favour
    ],
)
def test_two_people_agree_or_a_third_decides(marks, points):
    assert rules.agreed(marks, 100) == points
