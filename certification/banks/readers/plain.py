"""Aiken, and the published pools of the American amateur-radio examiners as text: lines and nothing else."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from certification.banks.build import Collected, Draft, choose
from certification.banks.form import QuestionFile, UnfitError, need
from certification.banks.markup import text_of, tidy
from certification.banks.rules import QuestionKind
from portal.files.reading import Sentence
from portal.refusal import mark

_OPTION = re.compile(r"([A-Z])[.)]\s?(.*)", re.DOTALL)
_ANSWER = re.compile(r"ANSWER\s{0,9}:\s{0,9}(.*)", re.IGNORECASE)
POOL_HEAD = re.compile(r"([A-Z]\d[A-Z]\d\d)\s{1,9}\(([A-D])\)\s{0,9}(.*)")


def line(number: int) -> Sentence:
    return Sentence(mark("line %(n)s"), {"n": number})


def read_aiken(text: str) -> QuestionFile:
    """Question, options A to Z, ANSWER: one letter. A question ends with its ANSWER; what has none is listed."""
    found = Collected()
    stem: list[str] = []
    options: list[str] = []
    start = 0

    def close(answer: str | None) -> None:
        nonlocal stem, options, start
        lines, letters = stem, options
        found.read(line(start), lambda: _aiken(line(start), lines, letters, answer))
        stem, options, start = [], [], 0

    for number, raw in enumerate(tidy(text).split("\n"), 1):
        said = raw.strip()
        if not said:
            continue
        answer, option = _ANSWER.fullmatch(said), _OPTION.fullmatch(said)
        if not answer and not option and options:  # a new question, and the last has no answer
            close(None)
        start = start or number
        if answer:
            close(answer[1].strip())
        elif option and (stem or options):
            options.append(said)
        else:
            stem.append(said)
    if start:
        close(None)
    return found.file()


def _aiken(place: Sentence, stem: list[str], options: list[str], answer: str | None) -> Draft:
    need(stem, mark("An answer or an option stands without a question."))
    need(answer is not None, mark("No line ANSWER: follows its options."))
    need(len(options) >= 2, mark("It needs at least two options."))
    parts = [m for m in map(_OPTION.fullmatch, options) if m]
    letters = "".join(m[1] for m in parts)
    need(
        letters == "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: len(letters)],
        mark("Its options are not A, B, C … in order."),
    )
    right = [letters.find(letter) + 1 for letter in re.split(r"[\s,;]+", (answer or "").upper()) if letter]
    need(right and all(right), mark("Its key is not one of its options."))
    draft = Draft(
        place, QuestionKind.ONE, text_of("\n".join(stem)), options=[text_of(m[2].strip()) for m in parts]
    )
    choose(draft, dict.fromkeys(right, 1.0), several=None)
    return draft


def read_pool_text(text: str, read: Callable[[Mapping[str, Any]], Any]) -> Collected:
    """T1A01 (C) [97.1], the question, four lines A to D. `read` takes the row that the other forms give."""
    found = Collected()
    block: list[str] = []
    start = 0

    def close() -> None:
        nonlocal block, start
        lines, at = block, start
        if lines:
            found.read(line(at), lambda: read(_row(lines)))
        block, start = [], 0

    for number, raw in enumerate(tidy(text).split("\n"), 1):
        said = raw.strip()
        if not said or said == "~~":
            close()
        else:
            if POOL_HEAD.fullmatch(said):
                close()
            start = start or number
            block.append(said)
    close()
    return found


def _row(lines: list[str]) -> dict[str, Any]:
    head = POOL_HEAD.fullmatch(lines[0])
    if head is None:
        raise UnfitError(mark("Its code names no subelement and group, as T1A01 does."))
    options = [m for m in map(_OPTION.fullmatch, lines[1:]) if m]
    stem = [said for said in lines[1:] if not _OPTION.fullmatch(said)]
    need("".join(m[1] for m in options) == "ABCD", mark("Its options are not A, B, C … in order."))
    return {
        "id": head[1],
        "correct": "ABCD".index(head[2]),
        "refs": head[3],
        "question": " ".join(stem),
        "answers": [m[2].strip() for m in options],
    }
