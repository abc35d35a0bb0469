"""Every lesson file is complete, and the two languages say the same."""

import pytest
import yaml

from portal.programme.actions import DEFAULT
from portal.programme.rules import Programme, stringed
from training.tracks import rules
from training.tracks.rules import MOVES, State

PROGRAMME = Programme(1, "test", stringed(yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))))
P1 = [
    f"{code}/{n}"
    for code, count in (("TRK-01", 6), ("TRK-02", 8), ("TRK-11", 4))
    for n in range(1, count + 1)
]
TRACKS = (
    ("TRK-03", 6),
    ("TRK-04", 5),
    ("TRK-05", 6),
    ("TRK-06", 4),
    ("TRK-07", 6),
    ("TRK-08", 10),
    ("TRK-09", 6),
    ("TRK-10", 5),
)
WRITTEN = P1 + [f"{code}/{n}" for code, count in TRACKS for n in range(1, count + 1)]
HEADINGS = {
    "zh": ["为什么学", "怎么做", "算一遍", "哪里会出错", "检查清单"],
    "en": ["What it is for", "How it is done", "A worked example", "What goes wrong", "Checklist"],
}


def test_the_lessons_written_are_all_there():
    assert rules.modules_written() == set(WRITTEN)
    assert len(P1) == 18


@pytest.mark.parametrize("key", WRITTEN)
def test_a_lesson_is_complete_in_both_languages(key: str):
    zh, en = rules.lesson(key, "zh"), rules.lesson(key, "en")
    for language, lesson in (("zh", zh), ("en", en)):
        assert lesson.module == key
        assert [s.title for s in lesson.sections] == HEADINGS[language]
        assert all(s.text for s in lesson.sections)
        assert lesson.title
        assert lesson.summary
        assert len(lesson.practice) == 3
        for question in lesson.practice:
            assert 1 <= question.answer <= len(question.options)
            assert len(set(question.options)) == len(question.options) >= 3
            assert question.ask
            assert question.why
    assert (zh.version, zh.minutes) == (en.version, en.minutes)
    assert [(p.answer, len(p.options)) for p in zh.practice] == [
        (p.answer, len(p.options)) for p in en.practice
    ]


def test_a_title_is_that_of_the_programme():
    titles = {f"{t['code']}/{n}": m for t in PROGRAMME["tracks"] for n, m in enumerate(t["modules"], 1)}
    assert {k: rules.lesson(k, "zh").title for k in WRITTEN} == {k: titles[k]["zh"] for k in WRITTEN}
    assert {k: rules.lesson(k, "en").title for k in WRITTEN} == {k: titles[k]["en"] for k in WRITTEN}


def test_hours_of_a_track_are_shared_by_its_modules():
    assert {code: rules.module_hours(PROGRAMME.track(code)) for code in ("TRK-01", "TRK-02", "TRK-11")} == {
        "TRK-01": 8 / 6,
        "TRK-02": 1.5,
        "TRK-11": 1.0,
    }


def test_moves():
    table = {(s, m): MOVES.get((s, m)) for s in State for m in ("practise", "finish")}
    assert table == {
        (State.OPEN, "practise"): State.PRACTISED,
        (State.OPEN, "finish"): None,
        (State.PRACTISED, "practise"): State.PRACTISED,
        (State.PRACTISED, "finish"): State.FINISHED,
        (State.SHORTENED, "practise"): State.SHORTENED,
        (State.SHORTENED, "finish"): State.FINISHED,
        (State.FINISHED, "practise"): State.FINISHED,
        (State.FINISHED, "finish"): State.FINISHED,
    }


@pytest.mark.parametrize(
    ("answers", "missing"),
    [([], [1, 2, 3]), ([1, 2, 3], []), ([0, 4, 5], [1, 3]), ([1], [2, 3]), ([-1, 1, 1, 9], [1])],
)
def test_unanswered(answers: list[int], missing: list[int]):
    assert rules.unanswered(rules.lesson("TRK-01/1", "en").practice, answers) == missing


def test_a_path_is_open_when_all_its_lessons_are_written():
    written = {p.code: p.written for p in rules.paths_of(PROGRAMME, {})}
    assert written == {
        "P1": True,
        "P2": True,
        "P3": True,
        "T1": True,
        "T2": True,
        "M1": True,
        "S1": True,
    }


def test_the_next_lesson():
    states: dict[str, State] = {}
    assert rules.module_after(PROGRAMME, "TRK-01/1", {"TRK-01/1": State.FINISHED}).key == "TRK-01/2"
    for key in P1:
        following = rules.open_paths(PROGRAMME, states)[0].next
        assert following.key == key
        states[key] = State.FINISHED
    path = rules.open_paths(PROGRAMME, states)[0]
    assert (path.next, path.finished, path.share, path.hours, round(path.hours_finished, 6)) == (
        None,
        18,
        1.0,
        24.0,
        24.0,
    )
    assert rules.module_after(PROGRAMME, "TRK-11/4", states) is None
    left = {**states, "TRK-01/3": State.PRACTISED}
    assert rules.module_after(PROGRAMME, "TRK-11/4", left).key == "TRK-01/3"
    assert rules.module_after(PROGRAMME, "TRK-08/1", states).key == "TRK-08/2"
    assert (
        rules.module_after(PROGRAMME, "TRK-05/1", states).key == "TRK-05/2"
    )  # of no certificate, yet a track
