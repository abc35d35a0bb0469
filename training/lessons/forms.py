"""What an author types, made into both languages of a lesson; every wrong field gets its sentence."""

from typing import Annotated, Any

from pydantic import Field

from portal.i18n import gettext
from portal.refusal import mark
from portal.web.forms import SENTENCES, Form, Input, whole
from training.lessons.rules import HEADINGS, MOST_MINUTES, MOST_OPTIONS, QUESTIONS, Pair
from training.lessons.source import MOST, block, has_heading, one_line
from training.tracks.rules import LANGUAGES, Lesson, Practice, Section

Titles = dict[str, str]  # by language, as the programme has them


class Move(Input):
    reason: Annotated[str, Field(max_length=500)] = ""


def read_editor(form: Form, module: str, titles: Titles) -> tuple[Pair, dict[str, str], dict[str, str]]:
    """(the lesson in both languages, what changed, sentences by field). A draft may have gaps; its page lists them."""
    errors: dict[str, str] = {}
    minutes = whole(form["minutes"].strip())
    if not 1 <= minutes <= MOST_MINUTES:
        errors["minutes"] = gettext(mark("Please write a whole number from 1 to 240."))

    def text(name: str, what: str) -> str:
        value = block(form[name]) if what == "section" else one_line(form[name])
        if len(value) > MOST[what]:
            errors[name] = gettext(SENTENCES["string_too_long"], max_length=MOST[what])
        elif what == "section" and has_heading(value):
            errors[name] = gettext(
                mark("The headings of a lesson are fixed; inside a section begin one with ###.")
            )
        return value

    pair: dict[str, Lesson] = {}
    for language in LANGUAGES:
        pair[language] = Lesson(
            module,
            0,
            titles[language],
            minutes,
            text(f"summary-{language}", "summary"),
            tuple(_question(form, n, language, text) for n in range(1, QUESTIONS + 1)),
            tuple(
                Section(title, text(f"section-{n}-{language}", "section"))
                for n, title in enumerate(HEADINGS[language], 1)
            ),
        )
    changed = {x: said for x in LANGUAGES if (said := text(f"changed-{x}", "changed"))}
    return pair, changed, errors


def _question(form: Form, n: int, language: str, text: Any) -> Practice:
    """Rows that are empty in both languages do not count."""
    rows = [
        m for m in range(1, MOST_OPTIONS + 1) if any(form[f"option-{n}-{m}-{x}"].strip() for x in LANGUAGES)
    ]
    right = whole(form[f"answer-{n}"])
    return Practice(
        text(f"ask-{n}-{language}", "ask"),
        tuple(text(f"option-{n}-{m}-{language}", "option") for m in rows),
        rows.index(right) + 1 if right in rows else 0,
        text(f"why-{n}-{language}", "why"),
    )


def filled(pair: Pair, changed: dict[str, str], revision: int) -> Form:
    """The editor's fields for a draft that is there."""
    values: dict[str, Any] = {"minutes": pair["zh"].minutes, "revision": revision}
    for language, lesson in pair.items():
        values[f"summary-{language}"] = lesson.summary
        values[f"changed-{language}"] = changed.get(language, "")
        for n, section in enumerate(lesson.sections, 1):
            values[f"section-{n}-{language}"] = section.text
        for n, question in enumerate(lesson.practice, 1):
            values |= {
                f"ask-{n}-{language}": question.ask,
                f"why-{n}-{language}": question.why,
                f"answer-{n}": question.answer,
            }
            for m, option in enumerate(question.options, 1):
                values[f"option-{n}-{m}-{language}"] = option
    return Form.of(values)
