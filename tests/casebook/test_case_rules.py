"""What a case must hold, how it moves, what its outcomes are worth: no database."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebook.cases.rules import (
    EDITABLE,
    MOVES,
    STATUS_NAMES,
    UNITS,
    Draft,
    Kind,
    Line,
    Status,
    attainment,
    missing_of_outcome,
    names_client,
    normal_client,
    read_unit,
    what_is_missing,
    why_not_address,
)
from portal.refusal import Refused, checked_move

NUMBER = st.floats(-1e9, 1e9, allow_nan=False)
LINE = Line(
    1,
    "Repeat purchases",
    Kind.RATE,
    1.12,
    3.04,
    "a year",
    date(2025, 9, 1),
    date(2025, 11, 30),
    "One phone number",
    "Shop system",
)
DRAFT = Draft(
    "沐光烘焙（上海）有限公司",
    False,
    "华东一家烘焙连锁",
    "bakery",
    "growth",
    ["membership"],
    "First we mailed everybody at once and nobody opened it.",
    ["Cakes", "before", "done"],
    [LINE],
)


def test_every_move_leads_somewhere_and_every_state_can_be_left_or_is_the_end() -> None:
    moves = {"send", "recall", "confirm", "dispute", "submit", "approve", "ask", "reject", "retract"}
    table = {(state.value, move): MOVES.get((state, move)) for state in Status for move in moves}
    for (state, move), after in table.items():
        if after is None:
            with pytest.raises(Refused):
                checked_move(MOVES, state, move)
        else:
            assert checked_move(MOVES, state, move) == after
    assert {state for state in Status if not any(s is state for s, _ in MOVES)} == {Status.RETRACTED}
    assert set(STATUS_NAMES) == set(Status)


def test_only_the_review_desk_publishes() -> None:
    assert [key for key, after in MOVES.items() if after is Status.PUBLISHED] == [
        (Status.SUBMITTED, "approve")
    ]


def test_nothing_is_edited_while_somebody_else_reads_it() -> None:
    assert set(EDITABLE) == {Status.DRAFT, Status.CHANGES_ASKED, Status.DISPUTED}


def test_a_whole_case_lacks_nothing() -> None:
    assert what_is_missing(DRAFT) == {}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"industry": ""}, "industry"),
        ({"stage": ""}, "stage"),
        ({"capabilities": []}, "capabilities"),
        ({"failed_first": "too short"}, "failed_first"),
        ({"failed_first": " " * 40}, "failed_first"),
        ({"failed_first": ""}, "failed_first"),
        ({"client_alias": ""}, "client_alias"),
        ({"outcomes": []}, "o1_name"),
        ({"public_texts": ["What we did for 沐光烘焙"]}, "client_named"),
        ({"client_alias": "沐光烘焙 of Shanghai"}, "client_named"),
    ],
)
def test_what_a_case_lacks(change: dict, field: str) -> None:
    draft = replace(DRAFT, client_name="沐光烘焙有限公司") if field == "client_named" else DRAFT
    assert list(what_is_missing(replace(draft, **change))) == [field]


def test_a_named_client_may_stand_in_the_text_and_needs_no_other_name() -> None:
    assert (
        what_is_missing(replace(DRAFT, client_named=True, client_alias="", public_texts=[DRAFT.client_name]))
        == {}
    )


@pytest.mark.parametrize(
    ("change", "lacks"),
    [
        ({"name": ""}, "name"),
        ({"kind": None}, "kind"),
        ({"baseline": None}, "baseline"),
        ({"value": None}, "value"),
        ({"unit": ""}, "unit"),
        ({"period_from": None}, "period"),
        ({"period_until": None}, "period"),
        ({"definition": ""}, "definition"),
        ({"source": ""}, "source"),
    ],
)
def test_what_an_outcome_lacks(change: dict, lacks: str) -> None:
    line = replace(LINE, **change)
    assert missing_of_outcome(line) == [lacks]
    assert list(what_is_missing(replace(DRAFT, outcomes=[line]))) == ["o1_name"]
    assert list(what_is_missing(replace(DRAFT, outcomes=[LINE, replace(line, nth=2)]))) == ["o2_name"]


def test_zero_is_a_number_and_a_target_is_not_needed() -> None:
    assert missing_of_outcome(replace(LINE, baseline=0.0, value=0.0)) == []


@pytest.mark.parametrize(
    ("kind", "typed", "unit"),
    [
        (Kind.SHARE, "", "%"),
        (Kind.SHARE, "％", "%"),
        (Kind.GROWTH, "percent", "%"),
        (Kind.PP_CHANGE, "个百分点", "pp"),
        (Kind.PP_CHANGE, "", "pp"),
        (Kind.MULTIPLE, "倍", "×"),
        (Kind.AMOUNT, "万元", "万元"),
        (Kind.COUNT, " 人 ", "人"),
        (Kind.RATE, "次/年", "次/年"),
        (Kind.COUNT, "", ""),
    ],
)
def test_units(kind: Kind, typed: str, unit: str) -> None:
    assert read_unit(kind, typed) == unit


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        (Kind.SHARE, "pp"),
        (Kind.GROWTH, "百分点"),
        (Kind.PP_CHANGE, "%"),
        (Kind.AMOUNT, "%"),
        (Kind.COUNT, "pp"),
        (Kind.RATE, "％"),
        (Kind.MULTIPLE, "%"),
        (Kind.SHARE, "元"),
    ],
)
def test_percent_and_percentage_points_are_never_mixed(kind: Kind, typed: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_unit(kind, typed)


@given(st.sampled_from(Kind), st.text(max_size=20))
def test_a_unit_that_is_read_fits_its_kind_and_reads_the_same_again(kind: Kind, typed: str) -> None:
    try:
        unit = read_unit(kind, typed)
    except ValueError:
        return
    assert unit == UNITS.get(kind, unit)
    assert (unit == "%") == (UNITS.get(kind) == "%")
    assert (unit == "pp") == (UNITS.get(kind) == "pp")
    assert read_unit(kind, unit) == unit


@pytest.mark.parametrize(
    ("baseline", "value", "target", "share"),
    [
        (1, 3, 3, 1.0),
        (1, 2, 3, 0.5),
        (1, 9, 3, 1.5),
        (1, 0, 3, 0.0),
        (10, 5, 0, 0.5),
        (10, 0, 5, 1.5),
        (1, 3, None, None),
        (2, 3, 2, None),
        (None, 3, 4, None),
        (1, None, 4, None),
    ],
)
def test_attainment(
    baseline: float | None, value: float | None, target: float | None, share: float | None
) -> None:
    assert attainment(baseline, value, target) == share


@given(NUMBER, NUMBER, NUMBER)
def test_attainment_stays_in_its_bounds(baseline: float, value: float, target: float) -> None:
    share = attainment(baseline, value, target)
    assert (share is None) == (baseline == target)
    assert share is None or 0 <= share <= 1.5


@given(NUMBER, NUMBER)
def test_who_reaches_the_target_has_all_and_who_stays_has_none(baseline: float, target: float) -> None:
    if baseline != target:
        assert attainment(baseline, target, target) == 1
        assert attainment(baseline, baseline, target) == 0


@pytest.mark.parametrize(
    "name", ["沐光烘焙有限公司", "沐光烘焙", "沐光 烘焙 股份有限公司", "沐光烘焙有限责任公司", "沐光・烘焙"]
)
def test_one_client_has_one_name(name: str) -> None:
    assert normal_client(name) == "沐光烘焙"


def test_scripts_width_and_case_do_not_matter() -> None:
    assert normal_client("ＡＢＣ 寵糧 Co., Ltd.") == normal_client("abc 宠粮")


@given(st.text(min_size=1))
def test_a_client_always_has_some_name(name: str) -> None:
    assert normal_client(name) or not name.strip()


@given(st.text(alphabet="宠粮社群abc ", min_size=3))
def test_a_name_is_found_in_any_text_around_it(around: str) -> None:
    assert names_client("沐光烘焙有限公司", [f"{around}沐光 烘焙{around}"])
    assert not names_client("沐光烘焙有限公司", [around])


@pytest.mark.parametrize(
    ("email", "refused"),
    [
        ("li@client.example", False),
        ("own@mail.example", True),
        ("OWN@mail.example", True),
        ("x@provider.example", True),
        ("x@mail.provider.example", True),
        ("x@notprovider.example", False),
        ("x@example", True),
    ],
)
def test_the_client_confirms_at_an_address_of_its_own(email: str, refused: bool) -> None:
    assert (
        bool(
            why_not_address(email, website="https://www.provider.example/about", members=["own@mail.example"])
        )
        is refused
    )
