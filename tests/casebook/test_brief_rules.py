"""Briefs: moves, the coach, contacts in texts, the order of display."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebook.briefs import rules
from casebook.briefs.rules import BriefStatus, IntroductionStatus
from casebook.matching.rules import CERTIFIED, DECLARED, PROVEN
from portal.refusal import Refused, checked_move
from tests.casebook.test_matching_rules import MATCHING

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
FULL = {
    "title": "复购",
    "need": "字" * 100,
    "industry": "pet-food",
    "must_have": ["community"],
    "wished": ["membership"],
    "stage": "growth",
    "scale": "s3",
    "budget_low": 1,
    "budget_high": 2,
    "province": "shanghai",
    "start_by": NOW.date(),
    "systems": [],
    "no_systems": True,
    "contact_name": "程颐",
    "contact_phone": "13800138000",
    "contact_email": "",
}


@pytest.mark.parametrize("moves", [rules.BRIEF_MOVES, rules.INTRODUCTION_MOVES])
def test_a_move_that_is_not_in_the_table_is_refused(moves: dict) -> None:
    states = {state for state, _ in moves} | set(moves.values())
    for state in states:
        for move in {move for _, move in moves}:
            if (state, move) in moves:
                assert checked_move(moves, state, move) == moves[state, move]
            else:
                with pytest.raises(Refused):
                    checked_move(moves, state, move)


def test_every_state_is_reached_and_named() -> None:
    assert (
        set(rules.BRIEF_MOVES.values()) | {BriefStatus.DRAFT}
        == set(BriefStatus)
        == set(rules.BRIEF_STATUS_NAMES)
    )
    assert set(rules.INTRODUCTION_MOVES.values()) | {IntroductionStatus.OFFERED} == set(IntroductionStatus)
    assert set(rules.INTRODUCTION_STATUS_NAMES) == set(IntroductionStatus)
    assert set(rules.NOT_SHOWN_REASONS) == {*MATCHING["hard_filters"], rules.OUTSCORED}


def test_contacts_open_only_by_the_brands_yes_after_the_providers() -> None:
    opening = {
        (state, move)
        for (state, move), to in rules.INTRODUCTION_MOVES.items()
        if rules.contacts_are_open(to) and not rules.contacts_are_open(state)
    }
    assert opening == {(IntroductionStatus.ACCEPTED, "open_contacts")}


def test_the_coach_counts_to_a_hundred() -> None:
    assert sum(rules.WEIGHTS.values()) == 100
    assert set(rules.WEIGHTS) == set(rules.COACH) == set(rules.FIELD_NAMES)
    assert rules.total(rules.completeness(FULL)) == 100
    assert rules.why_not_publish(rules.completeness(FULL), 70) is None


@pytest.mark.parametrize(
    ("field", "value", "lost"),
    [
        ("title", "", 5),
        ("need", "字" * 99, 10),
        ("need", "字" * 39, 20),
        ("industry", "", 10),
        ("must_have", [], 15),
        ("wished", [], 5),
        ("stage", "", 5),
        ("scale", "", 5),
        ("province", "", 5),
        ("start_by", None, 5),
        ("no_systems", False, 5),
        ("contact_name", "", 5),
        ("contact_phone", "", 5),
    ],
)
def test_each_gap_costs_its_points(field: str, value: object, lost: int) -> None:
    assert rules.total(rules.completeness(FULL | {field: value})) == 100 - lost


def test_what_matching_cannot_do_without_is_needed_whatever_the_points() -> None:
    for field in ("title", "need", "industry", "must_have", "contact_name"):
        facets = rules.completeness(FULL | {field: [] if field == "must_have" else ""})
        assert rules.total(facets) >= 70
        assert "are needed before publishing" in (rules.why_not_publish(facets, 70) or "")
    few = FULL | {"need": "字" * 40, "wished": [], "stage": "", "scale": "", "province": "", "start_by": None}
    assert (
        rules.total(rules.completeness(few)),
        rules.why_not_publish(rules.completeness(few), 70) is None,
    ) == (65, False)


@given(st.dictionaries(st.sampled_from(list(FULL)), st.none() | st.just("") | st.just([])))
def test_any_gaps_give_between_none_and_all(gaps: dict) -> None:
    facets = rules.completeness(FULL | gaps)
    assert all(0 <= facet.points <= facet.of for facet in facets)
    assert rules.total(rules.completeness({})) == 0


def test_three_systems_for_the_same_work_raise_a_warning() -> None:
    systems = [{"area": "scrm", "name": "a"}, {"area": "scrm", "name": "b"}, {"area": "cdp", "name": "c"}]
    assert rules.overlapping(systems) == []
    assert rules.overlapping([*systems, {"area": "scrm", "name": "d"}]) == ["scrm"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("请打 13800138000", True),
        ("138-0013-8000", True),
        ("+86 138 0013 8000", True),
        ("021-62345678", True),
        ("yi@maitian.example", True),
        ("微信：maitian_2020", True),
        ("wechat: abcdef1", True),
        ("预算每月 80000 元，会员 13800138 人", False),
        ("2026 年复购从 1.8 到 2.9", False),
        ("企业微信社群 3 个", False),
        ("", False),
    ],
)
def test_contacts_in_a_text_are_found(text: str, found: bool) -> None:
    assert rules.names_a_contact(text) == found


@pytest.mark.parametrize(
    ("confirmed", "taken", "left"),
    [(NOW - timedelta(days=30), 1, 2), (NOW - timedelta(days=31), 0, 0), (None, 0, 0), (NOW, 5, 0)],
)
def test_capacity_that_was_not_confirmed_lately_does_not_count(
    confirmed: datetime | None, taken: int, left: int
) -> None:
    assert rules.capacity_left(3, confirmed, taken, now=NOW, days=30) == left


def test_a_level_certifies_the_areas_of_its_family_and_a_case_proves() -> None:
    area_of = {"community": "results", "scrm": "tools", "membership": "strategy"}
    known = rules.known_capabilities(
        ["community", "scrm", "membership"], ["membership", "pos"], ["operator"], area_of
    )
    assert known == {"community": CERTIFIED, "scrm": DECLARED, "membership": PROVEN, "pos": PROVEN}


@given(st.sets(st.integers(1, 10**6)), st.text(), st.integers())
def test_the_order_is_the_same_each_time_and_loses_nobody(ids: set, seed: str, viewer: int) -> None:
    order = rules.display_order(ids, seed, viewer)
    assert order == rules.display_order(sorted(ids), seed, viewer)
    assert set(order) == ids


def test_another_viewer_sees_another_order() -> None:
    assert len({tuple(rules.display_order(range(5), "seed", viewer)) for viewer in range(50)}) > 20


def test_the_decision_needs_a_reason_that_fits() -> None:
    rules.check_decision("7", "price", MATCHING)
    rules.check_decision("none", "no-budget", MATCHING)
    for chosen, reason in (("7", "no-budget"), ("none", "capability"), ("none", "other-provider"), ("7", "")):
        with pytest.raises(Refused):
            rules.check_decision(chosen, reason, MATCHING)


@pytest.mark.parametrize(
    ("scale", "segment", "hours"), [("s1", "smb", 24), ("s3", "growth", 24), ("s4", "ka", 8), ("", "smb", 24)]
)
def test_key_accounts_are_answered_sooner(scale: str, segment: str, hours: float) -> None:
    assert rules.segment_of(scale) == segment
    assert rules.answer_hours(segment, MATCHING) == hours


def test_the_strip_fills_the_width() -> None:
    parts = [
        {"key": key, "weight": weight, "points": weight / 2} for key, weight in MATCHING["weights"].items()
    ]
    slots = rules.strip(parts)
    assert slots[-1].x + slots[-1].width == pytest.approx(100)
    assert (round(slots[0].width, 2), round(slots[1].x, 2), round(slots[0].value, 2)) == (23.88, 24.38, 11.94)


def test_a_brand_that_lets_briefs_lapse_loses_reliability() -> None:
    assert [rules.reliability(n, MATCHING) for n in (0, 4, 5, 99)] == [100, 60, 50, 0]
