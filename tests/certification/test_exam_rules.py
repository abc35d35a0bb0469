"""Exam rules: the draw, the marking, the clock, the moves, and when an exam may be sat."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from certification.exams import rules
from certification.exams.rules import MOVES, Asked, Attempt, Item, Place, SittingStatus
from portal.organisations.rules import Trust
from portal.programme.actions import DEFAULT
from portal.programme.rules import Programme, stringed
from portal.refusal import Refused, checked_move

PROGRAMME = Programme(1, "test", stringed(yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))))
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
P1_TOPICS = {"TRK-01": 6, "TRK-02": 8, "TRK-11": 4}

# ——— The paper ———


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


# ——— Marks ———


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
def test_all_keys_and_only_the_keys(key, chosen, right):
    assert rules.is_right(key, chosen) is right


_answers = st.lists(st.integers(1, 5), unique=True, max_size=5).map(tuple)


@given(
    st.lists(
        st.builds(
            Asked,
            topic=st.sampled_from("AB"),
            group=st.sampled_from(["A/1", "A/2", "B/1"]),
            key=_answers.filter(bool),
            chosen=_answers,
        ),
        max_size=40,
    )
)
def test_marks_add_up(asked):
    marked = rules.mark_paper(asked)
    assert marked.score == sum(set(a.key) == set(a.chosen) for a in asked)
    assert marked.of == len(asked)
    for table in (marked.topics, marked.groups):
        assert (sum(r for r, _ in table.values()), sum(n for _, n in table.values())) == (
            marked.score,
            marked.of,
        )
        assert all(0 <= r <= n for r, n in table.values())


# ——— Clock, revisions, moves ———


def test_the_clock():
    end = rules.end_of(NOW, 60)
    assert end == NOW + timedelta(hours=1)
    assert rules.end_of(NOW, 60, 1.5) == NOW + timedelta(minutes=90)
    assert [rules.is_late(end, end + timedelta(seconds=s)) for s in (-1, 0, 30, 31)] == [
        False,
        False,
        False,
        True,
    ]
    assert [rules.seconds_left(end, end + timedelta(seconds=s)) for s in (-90, 0, 5)] == [90, 0, 0]


@pytest.mark.parametrize(
    ("stored", "sent", "same", "stale"),
    [
        (0, 1, False, False),
        (3, 4, False, False),
        (3, 9, False, False),
        (3, 3, True, False),
        (3, 3, False, True),
        (3, 2, False, True),
        (3, 2, True, True),
    ],
)
def test_an_older_revision_is_stale(stored, sent, same, stale):
    assert rules.is_stale(stored, sent, same=same) is stale


def test_every_move():
    s = SittingStatus
    allowed = {
        (s.OPEN, "hand_in"): s.HANDED_IN,
        (s.OPEN, "time_out"): s.TIMED_OUT,
        (s.HANDED_IN, "mark"): s.MARKED,
        (s.TIMED_OUT, "mark"): s.MARKED,
        (s.OPEN, "void"): s.VOIDED,
        (s.HANDED_IN, "void"): s.VOIDED,
        (s.TIMED_OUT, "void"): s.VOIDED,
        (s.MARKED, "void"): s.VOIDED,
    }
    for state in SittingStatus:
        for move in ("hand_in", "time_out", "mark", "void"):
            if (state, move) in allowed:
                assert checked_move(MOVES, state, move) == allowed[state, move]
            else:
                with pytest.raises(Refused):
                    checked_move(MOVES, state, move)


# ——— May it be sat? ———


@dataclass(frozen=True)
class At:
    """An organisation as far as rights ask."""

    trust: str
    stars: int = 0


def why_not(**changes):
    values = {
        "terms": rules.terms_of(PROGRAMME, "P1", P1_TOPICS, 1, 1),
        "certificate": "P1",
        "programme": PROGRAMME,
        "holder": At(Trust.VERIFIED),
        "unfinished": 0,
        "lessons": 18,
        "needs": {},
        "held": {},
        "attempts": [],
        "bank": 126,
        "renewal_opens": timedelta(days=60),
        "now": NOW,
    }
    return rules.why_not_start(**values | changes)


def texts(**changes):
    return [w.text.partition(".")[0].partition(":")[0] for w in why_not(**changes)]


def test_terms_follow_the_programme():
    terms = rules.terms_of(PROGRAMME, "P1", P1_TOPICS, 1, 1)
    assert (
        terms.questions,
        terms.minutes,
        terms.pass_marks,
        terms.attempts,
        terms.cooldown,
        terms.bank_min,
        terms.blueprint,
    ) == (40, 60, 30, 3, timedelta(days=7), 120, {"TRK-01": 13, "TRK-02": 18, "TRK-11": 9})
    own = rules.terms_of(PROGRAMME, None, {"T1": 6, "T2": 3}, 20, 7)
    assert (own.questions, own.minutes, own.pass_marks, own.bank_min, own.blueprint) == (
        9,
        20,
        7,
        9,
        {"T1": 6, "T2": 3},
    )


def test_nothing_stands_in_the_way():
    assert why_not() == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"holder": None}, "Certificate exams are open to people of a verified organisation"),
        ({"holder": At(Trust.PROVISIONAL)}, "This opens once your organisation is verified"),
        ({"holder": At(Trust.FROZEN)}, "Your organisation was frozen after 30 days without verification"),
        ({"holder": At(Trust.SUSPENDED)}, "Your organisation is suspended"),
        ({"holder": At(Trust.CLOSED)}, "Your organisation has left the programme"),
        ({"bank": 119}, "The questions for this exam are still being written"),
        ({"unfinished": 1}, "Finish the lessons first"),
        ({"needs": {"P0": False}}, "Certificate %(code)s comes first"),
        ({"held": {"P1": NOW + timedelta(days=61)}}, "You hold this certificate"),
        ({"held": {"P1": None}}, "You hold this certificate, and it does not run out"),
        (
            {
                "attempts": [
                    Attempt(NOW - timedelta(days=7), NOW - timedelta(days=7) + timedelta(minutes=1), False)
                ]
            },
            "After a sitting that was not passed there is a pause of %(days)s days",
        ),
    ],
)
def test_each_reason_by_itself(changes, sentence):
    assert texts(**changes) == [sentence]


def test_what_does_not_stand_in_the_way():
    assert texts(needs={"P0": True}) == []
    assert texts(held={"P2": None}) == []
    assert texts(held={"P1": NOW + timedelta(days=60)}) == []  # the renewal window is open
    assert texts(attempts=[Attempt(NOW - timedelta(days=8), NOW - timedelta(days=7), False)]) == []
    assert texts(attempts=[Attempt(NOW - timedelta(days=1), NOW, False, voided=True)]) == []
    assert texts(certificate=None, holder=None) == []
    assert texts(certificate=None, holder=At(Trust.PROVISIONAL)) == []


def test_three_sittings_in_thirty_days():
    days = [29, 20, 8]
    attempts = [
        Attempt(NOW - timedelta(days=d), NOW - timedelta(days=d) + timedelta(hours=1), False) for d in days
    ]
    (why,) = why_not(attempts=attempts)
    assert (why.values, why.until) == ({"n": 3}, NOW + timedelta(days=1))
    assert why_not(attempts=attempts[1:]) == []
    assert rules.opens_again([why]) == NOW + timedelta(days=1)


def test_all_reasons_at_once_and_when_waiting_is_enough():
    failed = NOW - timedelta(days=1)
    whys = why_not(holder=At(Trust.PROVISIONAL), unfinished=3, attempts=[Attempt(failed, failed, False)])
    assert [w.path for w in whys] == ["/my/verification", "/my/learning", ""]
    assert rules.opens_again(whys) is None
    assert rules.opens_again([w for w in whys if w.until]) == failed + timedelta(days=7)
    assert rules.opens_again([]) is None
