"""Lesson versions: their states, and what a lesson must have before somebody else looks at it."""

import re
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum

from portal.files.reading import Sentence
from portal.refusal import mark
from training.tracks.rules import LANGUAGES, Lesson, Practice

HEADINGS = {
    "zh": ("为什么学", "怎么做", "算一遍", "哪里会出错", "检查清单"),
    "en": ("What it is for", "How it is done", "A worked example", "What goes wrong", "Checklist"),
}
QUESTIONS, LEAST_OPTIONS, MOST_OPTIONS = 3, 3, 5
LEAST_CHARACTERS, MOST_CHARACTERS = 400, 900  # Chinese ones, in the sections
MOST_MINUTES = 240


class Status(StrEnum):
    DRAFT = "draft"
    IN_REVIEW = "in_review"
    PUBLISHED = "published"  # of several, the highest number is the one shown
    WITHDRAWN = "withdrawn"


STATUSES = {
    Status.DRAFT: mark("draft"),
    Status.IN_REVIEW: mark("in review"),
    Status.PUBLISHED: mark("published"),
    Status.WITHDRAWN: mark("withdrawn"),
}
OPEN = (Status.DRAFT, Status.IN_REVIEW)
MOVES = {
    (Status.DRAFT, "submit"): Status.IN_REVIEW,
    (Status.DRAFT, "withdraw"): Status.WITHDRAWN,
    (Status.IN_REVIEW, "publish"): Status.PUBLISHED,
    (Status.IN_REVIEW, "return"): Status.DRAFT,
    (Status.IN_REVIEW, "withdraw"): Status.WITHDRAWN,
}
BY_AUTHORS = ("submit", "withdraw")  # whoever wrote in it; the other moves are for whoever did not
Pair = Mapping[str, Lesson]  # by language


def moves_open(status: Status, writers: Collection[int], person_id: int) -> list[str]:
    """The steps a person may take: those of its authors, or those of everybody else."""
    own = person_id in writers
    return [move for (state, move) in MOVES if state is status and own == (move in BY_AUTHORS)]


def shown_number(published: Sequence[int], begun: int | None, asked: int) -> int:
    """The version that somebody sees: the one begun, until it is finished; else the one asked for or the newest.

    `published` in rising order and not empty; `begun` is None for who has not begun or has finished.
    """
    if asked in published:
        return asked
    return begun if begun in published else published[-1]  # type: ignore[return-value]


def chinese_characters(lesson: Lesson) -> int:
    return sum(len(re.findall(r"[\u4e00-\u9fff]", s.text)) for s in lesson.sections)


def problems(pair: Pair, changed: Mapping[str, str], earlier: Pair | None) -> list[Sentence]:
    """What stands between a draft and its review; empty when nothing does. `earlier`: the version shown now."""
    found: list[Sentence] = []
    for language in LANGUAGES:
        for n, section in enumerate(pair[language].sections):
            if not section.text:
                found.append(_say(_EMPTY[language], part=HEADINGS[language][n]))
        if not pair[language].summary:
            found.append(_say(_SUMMARY[language]))
    count = chinese_characters(pair["zh"])
    if not LEAST_CHARACTERS <= count <= MOST_CHARACTERS:
        found.append(
            _say(
                mark("The Chinese sections have %(n)s characters; a lesson has %(least)s to %(most)s."),
                n=count,
                least=LEAST_CHARACTERS,
                most=MOST_CHARACTERS,
            )
        )
    for n, (zh, en) in enumerate(zip(pair["zh"].practice, pair["en"].practice, strict=True), 1):
        found += _question(n, zh, en)
    if len(pair["zh"].practice) != QUESTIONS:
        found.append(_say(mark("A lesson has three practice questions.")))
    if earlier is not None:
        if not all(changed.get(language) for language in LANGUAGES):
            found.append(_say(mark("Say in both languages what changed; learners read it.")))
        if all(same(pair[language], earlier[language]) for language in LANGUAGES):
            found.append(_say(mark("Nothing in it differs from the version that is published.")))
    return found


def same(one: Lesson, other: Lesson) -> bool:
    """The same for a reader, whatever their versions."""
    return (one.minutes, one.summary, one.practice, one.sections) == (
        other.minutes,
        other.summary,
        other.practice,
        other.sections,
    )


_EMPTY = {
    "zh": mark("The Chinese section “%(part)s” is empty."),
    "en": mark("The English section “%(part)s” is empty."),
}
_SUMMARY = {
    "zh": mark("The Chinese summary is missing."),
    "en": mark("The English summary is missing."),
}


def _say(text: str, **values: object) -> Sentence:
    return Sentence(text, values)


def _question(n: int, zh: Practice, en: Practice) -> list[Sentence]:
    found = []
    if not (zh.ask and en.ask and zh.why and en.why):
        found.append(_say(mark("Question %(n)s needs its text and its why in both languages."), n=n))
    if len(zh.options) < LEAST_OPTIONS or not all((*zh.options, *en.options)):
        found.append(
            _say(mark("Question %(n)s needs three options or more, each of them in both languages."), n=n)
        )
    elif len(set(zh.options)) < len(zh.options) or len(set(en.options)) < len(en.options):
        found.append(_say(mark("Two options of question %(n)s read the same."), n=n))
    if not 1 <= zh.answer <= len(zh.options):
        found.append(_say(mark("Mark the right option of question %(n)s."), n=n))
    return found
