"""A lesson as the text of its file: written, and read from files that people upload."""

import re
from typing import Any

import yaml

from portal.files.reading import UnreadableFileError
from portal.refusal import mark
from portal.web.html import markdown
from training.lessons.rules import HEADINGS, MOST_MINUTES, MOST_OPTIONS, QUESTIONS
from training.tracks.rules import Lesson, Practice, Section

MOST_BYTES = 100_000
MOST = {"summary": 300, "section": 8000, "ask": 400, "option": 300, "why": 800, "changed": 300}  # characters
_HEADING = re.compile(r"^## ", re.MULTILINE)  # in a block of code, too


def one_line(text: str) -> str:
    return " ".join(text.split())


def block(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def has_heading(text: str) -> bool:
    """A heading of the first or second level, which would begin a section of its own."""
    shown = markdown(text)
    return _HEADING.search(text) is not None or "<h1" in shown or "<h2" in shown


def compose(lesson: Lesson, changed: str = "") -> str:
    """The lesson's file: what `read_lesson` reads."""
    head: dict[str, Any] = {
        "module": lesson.module,
        "version": lesson.version,
        "title": lesson.title,
        "minutes": lesson.minutes,
        "summary": lesson.summary,
    }
    if changed:
        head["changed"] = changed
    head["practice"] = [
        {"ask": p.ask, "options": list(p.options), "answer": p.answer, "why": p.why} for p in lesson.practice
    ]
    front = yaml.safe_dump(head, allow_unicode=True, sort_keys=False, width=float("inf"))
    body = "\n\n".join(f"## {s.title}\n\n{s.text}".strip() for s in lesson.sections)
    return f"---\n{front}---\n\n{body}\n"


class _Plain(yaml.SafeLoader):
    """No references: a few lines of them can stand for gigabytes."""

    def compose_node(self, parent: Any, index: int) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("references")
        return super().compose_node(parent, index)


NO_LESSON = mark("This is no lesson file: it begins with its front matter between two lines of three dashes.")


def read_upload(content: bytes, module: str, language: str, title: str) -> tuple[Lesson, str]:
    """The lesson in an uploaded file and its `changed`; UnreadableFileError with a sentence when it does not fit.

    Its title is the programme's and its version the next one, whatever the file says.
    """
    if len(content) > MOST_BYTES:
        raise UnreadableFileError(mark("The file is larger than 100 KB."))
    try:
        text = block(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise UnreadableFileError(mark("The file is not in UTF-8.")) from None
    parts = re.fullmatch(r"---\n(.*?\n)---\n(.*)", f"{text}\n", re.DOTALL)
    if parts is None:
        raise UnreadableFileError(NO_LESSON)
    try:
        head = yaml.load(parts[1], _Plain)  # noqa: S506  a safe loader without references
    except (yaml.YAMLError, ValueError, RecursionError):
        raise UnreadableFileError(mark("The front matter of the file is no YAML that can be read.")) from None
    if not isinstance(head, dict):
        raise UnreadableFileError(NO_LESSON)
    if str(head.get("module")) != module:
        raise UnreadableFileError(
            mark("The file is of the module %(other)s, not of %(module)s."),
            other=str(head.get("module"))[:40],
            module=module,
        )
    sections = [part.partition("\n") for part in f"\n{parts[2]}".split("\n## ")[1:]]
    titles = tuple(name.strip() for name, _, _ in sections)
    if titles != HEADINGS[language]:
        raise UnreadableFileError(
            mark("The sections of the file are not the five of a lesson in this language: %(five)s."),
            five=" · ".join(HEADINGS[language]),
        )
    lesson = Lesson(
        module,
        0,
        title,
        _minutes(head.get("minutes")),
        _text(head, "summary", "summary"),
        _practice(head.get("practice")),
        tuple(
            Section(name, _fit(block(rest), "section"))
            for name, (_, _, rest) in zip(titles, sections, strict=True)
        ),
    )
    return lesson, _text(head, "changed", "changed")


def _minutes(value: Any) -> int:
    if not isinstance(value, int) or not 1 <= value <= MOST_MINUTES:
        raise UnreadableFileError(mark("The minutes in the file are no whole number from 1 to 240."))
    return value


def _fit(text: str, what: str) -> str:
    if len(text) > MOST[what] or has_heading(text):
        raise UnreadableFileError(
            mark("A text in the file is too long, or a section has a heading of the first or second level.")
        )
    return text


def _text(entry: dict[Any, Any], name: str, what: str) -> str:
    value = entry.get(name, "")
    if not isinstance(value, str | int | float):
        raise UnreadableFileError(mark("“%(name)s” in the front matter is no text."), name=name)
    return _fit(one_line(str(value)), what)


def _practice(entries: Any) -> tuple[Practice, ...]:
    if not isinstance(entries, list) or len(entries) != QUESTIONS:
        raise UnreadableFileError(mark("The file does not have three practice questions."))
    found = []
    for entry in entries:
        options = entry.get("options") if isinstance(entry, dict) else None
        if not isinstance(options, list) or not 1 <= len(options) <= MOST_OPTIONS:
            raise UnreadableFileError(
                mark("A practice question in the file has no options, or more than five.")
            )
        answer = entry.get("answer")
        found.append(
            Practice(
                _text(entry, "ask", "ask"),
                tuple(_text({"option": o}, "option", "option") for o in options),
                answer if isinstance(answer, int) and 1 <= answer <= len(options) else 0,
                _text(entry, "why", "why"),
            )
        )
    return tuple(found)
