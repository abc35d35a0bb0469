"""Maturity: caps, what is verified, gaps and what to do, over-claims, quarters, gains."""

from datetime import UTC, datetime, timedelta

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from portal.programme.actions import DEFAULT
from portal.programme.rules import stringed
from training.maturity.quarters import Quarter, last_of_each, quarter_of, read_quarter, valid_until
from training.maturity.questions import Instrument, dimension_of, dimensions, names
from training.maturity.rules import (
    EDITABLE,
    MOVES,
    OPEN,
    Accepted,
    ProofStatus,
    claimed,
    counted,
    gain,
    over_claims,
    overall,
    proved_score,
    score,
    suggestions,
    verified,
)
from training.tracks.rules import modules_written

MATURITY = stringed(yaml.safe_load(DEFAULT.read_text(encoding="utf-8")))["maturity"]
SEVEN = MATURITY["seven_onlines"]
RESTS_ON = SEVEN["prerequisites"]
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def answers(instrument: Instrument) -> st.SearchStrategy[dict[str, int]]:
    return st.fixed_dictionaries({name: st.integers(0, 4) for name in names(instrument)})


scores = st.fixed_dictionaries({key: st.integers(0, 1000).map(lambda n: n / 10) for key in SEVEN["order"]})


def test_the_questionnaires_are_those_of_the_programme():
    assert [d.key for d in dimensions(Instrument.SEVEN)] == SEVEN["order"]
    assert {d.key: d.name["zh"] for d in dimensions(Instrument.SEVEN)} == SEVEN["zh"]
    assert {d.key: d.name["zh"] for d in dimensions(Instrument.RISES)} == {
        key: rise["zh"] for key, rise in MATURITY["five_rises"].items()
    }
    assert {d.key: d.name["zh"] for d in dimensions(Instrument.FORCES)} == MATURITY["four_forces"]


@pytest.mark.parametrize("instrument", list(Instrument))
def test_every_item_says_what_can_be_seen_and_what_teaches_it(instrument):
    for d in dimensions(instrument):
        assert len(d.items) == SEVEN["items_per_dimension"]
        for item in d.items:
            texts = [item.text, item.action, *item.seen.values()]
            assert all(text["zh"].strip() and text["en"].strip() and text["en"].isascii() for text in texts)
            assert sorted(item.seen) == [0, 2, 4]
            assert len({text["zh"] for text in item.seen.values()}) == 3
            assert item.module in modules_written()
    assert len({i.action["zh"] for d in dimensions(instrument) for i in d.items}) == len(names(instrument))


def test_an_example_worked_by_hand():
    said = dict(zip(SEVEN["order"], (40.0, 90.0, 60.0, 50.0, 70.0, 60.0, 95.0), strict=True))
    result = counted(said, RESTS_ON)
    assert (result["employee"], result["customer"], overall(result)) == (40.0, 53.3, 53.3)


@given(scores)
def test_the_caps_hold_of_all_scores(said):
    """Claimed and verified pass through the same function."""
    result = counted(said, RESTS_ON)
    others = [value for key, value in result.items() if key != "customer"]
    assert list(result) == list(said)
    assert result["employee"] == min(said["employee"], said["owner"])
    assert result["customer"] <= sum(others) / 6 + 1e-9
    assert result["customer"] in (said["customer"], pytest.approx(sum(others) / 6, abs=0.1))
    assert {k: v for k, v in result.items() if k not in RESTS_ON} == {
        k: v for k, v in said.items() if k not in RESTS_ON
    }


@given(scores, st.sampled_from(SEVEN["order"]), st.integers(0, 1000))
def test_a_better_dimension_never_lowers_what_counts(said, key, more):
    better = said | {key: max(said[key], more / 10)}
    before, after = counted(said, RESTS_ON), counted(better, RESTS_ON)
    assert all(after[k] >= before[k] for k in said)


@given(st.sampled_from(Instrument).flatmap(lambda i: st.tuples(st.just(i), answers(i))))
def test_each_item_below_three_yields_something_to_do_and_no_other(taken):
    instrument, given_answers = taken
    rests_on = RESTS_ON if instrument is Instrument.SEVEN else {}
    found = suggestions(instrument, given_answers, rests_on)
    assert {s.item for s in found} == {name for name, level in given_answers.items() if level < 3}
    assert [s.effect for s in found] == sorted((s.effect for s in found), reverse=True)
    assert all(s.effect >= 0 and s.title["zh"] and s.module in modules_written() for s in found)


def test_the_effect_of_an_item_is_on_what_counts():
    given_answers = dict.fromkeys(names(Instrument.SEVEN), 4) | {"owner_1": 0, "employee_1": 0}
    by = {s.item: s for s in suggestions(Instrument.SEVEN, given_answers, RESTS_ON)}
    # Owner and employees stand at 80: the owner's item lifts the owner's 20; employees' own 80 keeps them, customers are
    # capped at the mean of six, 93.3, and rise to 96.6: (20 + 3.3) / 7. The employees' item lifts nothing: capped at 80.
    assert (by["owner_1"].effect, by["employee_1"].effect) == (3.3, 0.0)
    assert [s.item for s in suggestions(Instrument.SEVEN, given_answers, RESTS_ON)] == [
        "owner_1",
        "employee_1",
    ]


def accepted(dimension: str, value: float, at: int, until: int) -> Accepted:
    return Accepted(dimension, value, NOW + timedelta(days=at), NOW + timedelta(days=until))


def test_verified_is_what_was_accepted_last_and_holds():
    rows = [accepted("owner", 80, -200, -10), accepted("owner", 60, -5, 90), accepted("product", 40, -5, 90)]
    nothing = dict.fromkeys(SEVEN["order"], 0.0)
    assert verified(Instrument.SEVEN, [], NOW) == nothing
    assert verified(Instrument.SEVEN, rows, NOW) == nothing | {"owner": 60, "product": 40}
    assert verified(Instrument.SEVEN, rows, NOW - timedelta(days=20)) == nothing | {"owner": 80}
    assert verified(Instrument.SEVEN, rows, NOW + timedelta(days=90)) == nothing
    lower = [*rows, accepted("owner", 20, -1, 90)]
    assert verified(Instrument.SEVEN, lower, NOW)["owner"] == 20


def test_the_score_that_a_level_counts():
    assert proved_score({}, SEVEN) == 0
    assert proved_score({"owner": 70.0}, SEVEN) == 10
    assert proved_score({"employee": 100.0, "customer": 100.0}, SEVEN) == 0  # both rest on what is not there
    assert proved_score(dict.fromkeys(SEVEN["order"], 70.0), SEVEN) == 70


@pytest.mark.parametrize(
    ("said", "proved", "flags"),
    [(20, 0, []), (21, 0, ["owner"]), (70, 50, []), (71, 50, ["owner"]), (20.1, 0, ["owner"]), (0, 90, [])],
)
def test_the_flag_fires_at_21_and_not_at_20(said, proved, flags):
    assert over_claims({"owner": said}, {"owner": proved}, MATURITY["over_claim"]) == flags


def test_scores_of_a_dimension():
    assert [score([n] * 5) for n in range(5)] == [0, 25, 50, 75, 100]
    assert claimed(Instrument.FORCES, dict.fromkeys(names(Instrument.FORCES), 3)) == dict.fromkeys(
        MATURITY["four_forces"], 75.0
    )
    assert dimension_of(Instrument.RISES, "owner") is None


def test_every_move_of_evidence():
    assert {state for state, _ in MOVES} == set(OPEN)
    assert {state for state, move in MOVES if move == "send"} == set(EDITABLE)
    assert {(state, MOVES[state, move]) for state, move in MOVES if move == "approve"} == {
        (ProofStatus.SENT, ProofStatus.ACCEPTED)
    }


# ——— Quarters and gains ———


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)), st.integers(-40, 40))  # noqa: DTZ001
def test_every_moment_lies_in_one_quarter(at, n):
    quarter = quarter_of(at)
    assert quarter.start <= at < quarter.end == quarter.plus(1).start
    assert quarter.plus(n).plus(-n) == quarter == read_quarter(str(quarter))


def test_quarters_are_those_of_china():
    eve = datetime(2026, 9, 30, 15, 59, tzinfo=UTC)  # 23:59 in China
    assert (quarter_of(eve), quarter_of(eve + timedelta(minutes=1))) == (Quarter(2026, 3), Quarter(2026, 4))
    assert [read_quarter(text) for text in ("2026Q5", "26Q1", "", "2026q1")] == [None] * 4
    assert valid_until(NOW, 2) == Quarter(2027, 3).start  # the rest of 2026Q4, and two whole quarters


def test_the_last_measurement_of_a_quarter_counts():
    rows = [(NOW, "c"), (NOW - timedelta(days=2), "b"), (NOW - timedelta(days=100), "a"), (NOW, "d")]
    assert last_of_each(rows) == {Quarter(2026, 3): "a", Quarter(2026, 4): "d"}


cohorts = st.dictionaries(st.integers(1, 8), scores, max_size=8)


@given(cohorts, cohorts, st.sets(st.integers(1, 8)))
def test_the_gain_of_a_cohort_is_the_difference_of_its_means(before, after, cohort):
    result = gain(cohort, before, after)
    both = cohort & set(before) & set(after)
    assert result.organisations == len(both)
    if not both:
        assert result.by == {}
        return
    for key in SEVEN["order"]:
        first = sum(before[one][key] for one in both) / len(both)
        second = sum(after[one][key] for one in both) / len(both)
        assert result.by[key] == pytest.approx(second - first, abs=0.011)
        assert result.by[key] == pytest.approx(result.after[key] - result.before[key], abs=1e-6)
    assert result.by[""] == pytest.approx(result.after[""] - result.before[""], abs=1e-6)


def test_a_gain_worked_by_hand():
    before = {
        1: {"owner": 20.0, "product": 0.0},
        2: {"owner": 40.0, "product": 10.0},
        3: {"owner": 99.0, "product": 99.0},
    }
    after = {
        1: {"owner": 60.0, "product": 0.0},
        2: {"owner": 50.0, "product": 30.0},
        4: {"owner": 1.0, "product": 1.0},
    }
    result = gain({1, 2, 3, 4}, before, after)
    assert (result.organisations, result.by) == (2, {"owner": 25.0, "product": 10.0, "": 17.5})
