"""Lessons written as files and read again; checks, steps and differences."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.lessons.differences import differences, runs
from training.lessons.rules import MOVES, Status, moves_open, problems, shown_number
from training.lessons.source import compose, read_upload
from training.tracks.rules import LANGUAGES, Practice, lesson, modules_written, read_lesson

PAIR = {language: lesson("TRK-01/1", language) for language in LANGUAGES}
LINES = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), max_size=40).map(
    lambda text: " ".join(text.split())
)


@pytest.mark.parametrize("key", sorted(modules_written()))
def test_a_shipped_lesson_passes_the_checks_and_comes_back_as_it_was(key):
    pair = {language: lesson(key, language) for language in LANGUAGES}
    assert problems(pair, {}, None) == []
    assert {x: read_lesson(compose(one)) for x, one in pair.items()} == pair


@settings(max_examples=40, deadline=None)
@given(LINES, LINES, st.lists(LINES, min_size=3, max_size=5), st.integers(0, 5), LINES)
def test_whatever_is_typed_comes_back(summary, ask, options, answer, changed):
    one = replace(PAIR["en"], summary=summary, practice=(Practice(ask, tuple(options), answer, ask),) * 3)
    text = compose(one, changed)
    assert read_lesson(text) == one
    read, said = read_upload(text.encode(), one.module, "en", one.title)
    assert said == changed
    kept = tuple(replace(p, answer=p.answer if p.answer <= len(p.options) else 0) for p in one.practice)
    assert read == replace(one, version=0, practice=kept)


@given(st.text("ab 字，\n", max_size=60), st.text("ab 字，\n", max_size=60))
def test_the_runs_give_both_texts(old, new):
    found = runs(old, new)
    assert "".join(text for kind, text in found if kind != "new") == old
    assert "".join(text for kind, text in found if kind != "gone") == new


def test_a_word_that_changed_is_shown_alone():
    assert runs("占比是38%，偏低。", "占比是40%，偏低。") == [
        ("same", "占比是"),
        ("gone", "38"),
        ("new", "40"),
        ("same", "%，偏低。"),
    ]
    changed = replace(PAIR["zh"], minutes=25)
    assert [p.name for p in differences(PAIR["zh"], changed) if p.differs] == ["Minutes"]
    assert [p.name for p in differences(PAIR["zh"], PAIR["zh"]) if p.differs] == []


def test_moves():
    table = {(s, m): MOVES.get((s, m)) for s in Status for m in ("submit", "publish", "return", "withdraw")}
    assert {k: v for k, v in table.items() if v} == {
        ("draft", "submit"): "in_review",
        ("draft", "withdraw"): "withdrawn",
        ("in_review", "publish"): "published",
        ("in_review", "return"): "draft",
        ("in_review", "withdraw"): "withdrawn",
    }
    assert moves_open(Status.DRAFT, [1], 1) == ["submit", "withdraw"]
    assert moves_open(Status.DRAFT, [1], 2) == []
    assert moves_open(Status.IN_REVIEW, [1], 1) == ["withdraw"]
    assert moves_open(Status.IN_REVIEW, [1], 2) == ["publish", "return"]
    assert moves_open(Status.PUBLISHED, [1], 2) == []


@pytest.mark.parametrize(
    ("begun", "asked", "shown"),
    [(None, 0, 3), (1, 0, 1), (1, 3, 3), (None, 2, 2), (None, 9, 3), (9, 0, 3), (2, 9, 2)],
)
def test_the_version_shown(begun, asked, shown):
    assert shown_number([1, 2, 3], begun, asked) == shown


def test_what_a_lesson_lacks():
    zh, en = PAIR["zh"], PAIR["en"]
    short = replace(zh, sections=tuple(replace(s, text="短。") for s in zh.sections))
    twice = (replace(zh.practice[0], options=("甲", "甲", "乙")), *zh.practice[1:])
    cases = [
        (
            PAIR,
            {"zh": "一", "en": "one"},
            PAIR,
            ["Nothing in it differs from the version that is published."],
        ),
        (
            {"zh": short, "en": en},
            {},
            None,
            ["The Chinese sections have 5 characters; a lesson has 400 to 900."],
        ),
        ({"zh": zh, "en": replace(en, summary="")}, {}, None, ["The English summary is missing."]),
        (
            {"zh": replace(zh, practice=twice), "en": en},
            {},
            None,
            ["Two options of question 1 read the same."],
        ),
        (
            {"zh": replace(zh, minutes=9), "en": en},
            {"zh": "一"},
            PAIR,
            ["Say in both languages what changed; learners read it."],
        ),
    ]
    assert [[str(p) for p in problems(pair, changed, earlier)] for pair, changed, earlier, _ in cases] == [
        sentences for *_, sentences in cases
    ]
