"""The tables of moves, the course of the score, and the cap on late answers."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certification.conduct import texts
from certification.conduct.rules import (
    BACK,
    MOVES,
    OTHER_REASONS,
    QUARTER,
    SANCTION_MOVES,
    Kind,
    Measure,
    SanctionStatus,
    Status,
    appeal_until,
    at_once,
    course,
    lapses,
    require_fresh,
    require_heard,
    require_second,
    whole_again,
)
from certification.standing.evidence import conduct
from portal.refusal import Refused
from tests.certification.ledger import RULES, K, fact

START = datetime(2026, 3, 2, 4, tzinfo=UTC)
DAY = timedelta(days=1)


def test_every_kind_has_its_points_and_everything_its_words():
    assert set(RULES["conduct"]["deductions"]) - {"response_lapse", "response_lapse_cap_90d"} == set(Kind)
    assert set(texts.STATES) == set(texts.STAFF_STATES) == set(Status)
    assert (set(texts.MEASURES), set(texts.SANCTION_STATES)) == (set(Measure), set(SanctionStatus))
    assert set(texts.CLASSES) == {*RULES["lifecycle"]["suspension_immediate_for"], *OTHER_REASONS}


@pytest.mark.parametrize(
    ("moves", "first", "counts", "second"),
    [
        (MOVES, Status.ASKED, {Status.UPHELD, Status.REMEDIED}, "confirm"),
        (SANCTION_MOVES, SanctionStatus.PROPOSED, {SanctionStatus.CONFIRMED}, "confirm"),
    ],
)
def test_no_way_to_what_counts_but_through_a_second_person(moves, first, counts, second):
    reached, waiting = set(), [first]
    while waiting:
        state = waiting.pop()
        reached.add(state)
        waiting += [
            to for (at, move), to in moves.items() if at is state and move != second and to not in reached
        ]
    assert reached & counts == set()
    assert set(moves.values()) | {first, SanctionStatus.WORKING} >= {state for state, _ in moves}


def test_who_may_not():
    require_second(1, 2)
    require_fresh(1, (2, None, 3))
    for refused in (lambda: require_second(1, 1), lambda: require_fresh(3, (2, None, 3))):
        with pytest.raises(Refused):
            refused()
    require_heard(Status.HEARD, START, START - DAY)
    require_heard(Status.ASKED, START, START)
    with pytest.raises(Refused):
        require_heard(Status.ASKED, START, START - DAY)
    assert appeal_until(START, None, 14) == START + 14 * DAY
    assert appeal_until(START, START, 14) is None
    assert appeal_until(None, None, 14) is None


@pytest.mark.parametrize("measure", list(Measure))
@pytest.mark.parametrize("reason", ["bribery", "other"])
def test_only_suspensions_for_named_reasons_work_at_once(measure, reason):
    immediate = at_once(measure, reason, RULES["lifecycle"]["suspension_immediate_for"])
    assert immediate == (reason == "bribery" and measure in (Measure.SUSPEND, Measure.SUSPEND_LEVEL))
    assert set(BACK) == {Measure.SUSPEND, Measure.SUSPEND_LEVEL}


DEDUCTIONS = st.lists(st.tuples(st.integers(0, 400), st.sampled_from([1, 5, 20, 30, 50])), max_size=8)


@settings(max_examples=60, deadline=None)
@given(DEDUCTIONS, st.integers(0, 900))
def test_the_course_ends_where_the_level_looks(deductions, days):
    now = START + days * DAY
    rows = sorted((START + d * DAY, -float(points), "x", ("", 0)) for d, points in deductions if d <= days)
    steps = course(rows, now, RULES)
    facts = [fact(K.CONDUCT, 0, at=when, delta=delta) for when, delta, *_ in rows]
    score = conduct(facts, now, RULES)
    assert (steps[-1].score if steps else 100.0) == score
    assert [s.at for s in steps] == sorted(s.at for s in steps)
    whole = whole_again(rows, RULES, now)
    if whole is None:
        assert score == 100.0
    else:
        assert conduct(facts, whole, RULES) == 100.0
        assert conduct(facts, whole - DAY / 2, RULES) < 100.0


def test_a_course_step_by_step():
    rows = [
        (START, -5.0, "complaint_minor", ("complaint", 1)),
        (START + 70 * DAY, -1.0, "response_lapse", ("", 0)),
    ]
    steps = course(rows, START + 131 * DAY, RULES)
    assert [((s.at - START).days, s.change, s.score) for s in steps] == [
        (0, -5.0, 95.0),
        (30, 2.0, 97.0),
        (60, 2.0, 99.0),
        (70, -1.0, 98.0),
        (100, 2.0, 100.0),
    ]
    assert whole_again(rows, RULES, START + 71 * DAY) == START + 100 * DAY
    assert whole_again(rows, RULES, START + 131 * DAY) is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 300), max_size=40), st.integers(0, 40))
def test_late_answers_never_cost_more_than_the_cap(days, first):
    """In whatever order they come to be known."""
    misses = [(n, START + d * DAY) for n, d in enumerate(days)]
    noted = lapses(misses[:first], [], 1, 10)
    noted += lapses(misses, noted, 1, 10)
    assert lapses(misses, noted, 1, 10) == []
    assert len({fact_id for fact_id, *_ in noted}) == len(noted)
    for _, end, _ in noted:
        assert sum(cost for _, when, cost in noted if end - QUARTER < when <= end) <= 10
    if len(days) <= 10:
        assert len(noted) == len(days)
