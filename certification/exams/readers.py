"""Question files in, one form of question out; what cannot be read is listed with its place, never dropped.

Two kinds of file are read: the project's own YAML (certification/content), and the published pools of the
American amateur-radio examiners as CSV or JSON.
"""

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from certification.banks.rules import QuestionKind

ALL_OF_THESE = re.compile(
    r"\s*((all|none|both|neither) (of )?(these|the above)\b|以上)", re.IGNORECASE
)  # stays last
POOL_CODE = re.compile(r"([A-Z]\d)([A-Z])\d\d")  # T1A01: subelement T1, group T1A


@dataclass(frozen=True)
class QuestionForm:
    """A question as any bank gives it. Options and stem in both languages; keys from 1."""

    code: str
    topic: str
    group: str
    level: int
    kind: str
    stem: dict[str, str]
    options: list[dict[str, Any]]
    key: list[int]
    why: dict[str, str]
    rubric: list[dict[str, Any]] = field(default_factory=list)
    points: int = 1

    @property
    def content_hash(self) -> str:
        """Of everything a candidate or the marking could notice."""
        parts = asdict(self)
        if not self.rubric:
            del parts["rubric"], parts["points"]
        return hashlib.sha256(json.dumps(parts, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Skipped:
    place: str
    reason: str


@dataclass(frozen=True)
class ExamForm:
    blueprint: dict[str, int]
    minutes: int
    pass_marks: int


@dataclass(frozen=True)
class QuestionFile:
    questions: list[QuestionForm]
    skipped: list[Skipped]
    exam: ExamForm | None = None  # when the publisher says how its paper is made


class UnreadableFileError(ValueError):
    """Nothing in it could be read; the message says why."""


def read_questions(path: Path) -> QuestionFile:
    """By its ending: .yaml and .yml our own, .csv and .json a published pool."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise UnreadableFileError("The file is not there, or it is not text in UTF-8.") from None
    reader = {".yaml": read_own, ".yml": read_own, ".csv": read_pool_csv, ".json": read_pool_json}.get(
        path.suffix.lower()
    )
    if reader is None:
        raise UnreadableFileError("This kind of file is not read. Give a .yaml, .csv or .json file.")
    return reader(text)


def read_own(text: str) -> QuestionFile:
    """Our own files: a list of questions in both languages."""
    try:
        rows = yaml.safe_load(text)
    except yaml.YAMLError:
        raise UnreadableFileError("This is not well-formed YAML.") from None
    if not isinstance(rows, list):
        raise UnreadableFileError("No list of questions was found.")
    return _collect(((f"question {n}", row) for n, row in enumerate(rows, 1)), _own_question)


def read_pool_csv(text: str) -> QuestionFile:
    reader = csv.DictReader(io.StringIO(text))
    if not {"id", "correct", "question", "a", "b", "c", "d"} <= set(reader.fieldnames or ()):
        raise UnreadableFileError(
            "The first line must name the columns id, correct, question, a, b, c and d."
        )
    rows = (
        (f"line {reader.line_num}", {**row, "answers": [row.get(letter) for letter in "abcd"]})
        for row in reader
    )
    try:
        return _with_paper(_collect(rows, _pool_question))
    except csv.Error:
        raise UnreadableFileError("This is not well-formed CSV.") from None


def read_pool_json(text: str) -> QuestionFile:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableFileError("This is not well-formed JSON.") from None
    if not isinstance(rows, list):
        raise UnreadableFileError("No list of questions was found.")
    return _with_paper(_collect(((f"question {n}", row) for n, row in enumerate(rows, 1)), _pool_question))


def _collect(
    rows: Iterable[tuple[str, Any]], read: Callable[[Mapping[str, Any]], QuestionForm]
) -> QuestionFile:
    questions: dict[str, QuestionForm] = {}
    skipped = []
    for place, row in rows:
        try:
            question = read(row)
            _check(question)
        except _UnfitError as problem:
            skipped.append(Skipped(place, str(problem)))
        except (KeyError, TypeError, ValueError, AttributeError):
            skipped.append(Skipped(place, "A field is missing or not what it should be."))
        else:
            if question.code in questions:
                skipped.append(Skipped(place, "Its code stands in this file already."))
            else:
                questions[question.code] = question
    return QuestionFile(list(questions.values()), skipped)


class _UnfitError(ValueError):
    pass


def _check(question: QuestionForm) -> None:
    if not question.code or len(question.code) > 60:
        raise _UnfitError("It has no code, or one longer than 60 characters.")
    texts = [question.stem, *question.options]
    if not all(text["zh"].strip() and text["en"].strip() for text in texts):
        raise _UnfitError("A text is empty.")
    if question.kind == QuestionKind.LONG:
        if not question.rubric or question.points != sum(line["points"] for line in question.rubric):
            raise _UnfitError("A long answer needs a rubric whose points add up to its own.")
        return
    if len(question.options) < 2:
        raise _UnfitError("It needs at least two options.")
    if len({o["en"] for o in question.options}) < len(question.options):
        raise _UnfitError("Two of its options are the same.")
    if (
        not question.key
        or len(set(question.key)) < len(question.key)
        or not all(1 <= k <= len(question.options) for k in question.key)
    ):
        raise _UnfitError("Its key is not one of its options.")
    if (question.kind == QuestionKind.ONE) != (len(question.key) == 1):
        raise _UnfitError("Its kind does not fit the number of its keys.")


def _option(zh: str, en: str) -> dict[str, Any]:
    return {"zh": zh, "en": en} | (
        {"fixed": True} if ALL_OF_THESE.match(en) or ALL_OF_THESE.match(zh) else {}
    )


def _own_question(row: Mapping[str, Any]) -> QuestionForm:
    return QuestionForm(
        str(row["id"]),
        str(row["topic"]),
        str(row["group"]),
        int(row["level"]),
        QuestionKind(row["kind"]).value,
        {"zh": str(row["stem"]["zh"]), "en": str(row["stem"]["en"])},
        [_option(str(o["zh"]), str(o["en"])) for o in row.get("options", [])],
        [int(k) for k in row.get("key", [])],
        {"zh": str(row["why"]["zh"]), "en": str(row["why"]["en"])},
        [{"zh": str(r["zh"]), "en": str(r["en"]), "points": int(r["points"])} for r in row.get("rubric", [])],
        int(row.get("points", 1)),
    )


def _pool_question(row: Mapping[str, Any]) -> QuestionForm:
    """The pools count their keys from 0 and name them by letter too; both must agree."""
    place = POOL_CODE.fullmatch(row["id"])
    if place is None:
        raise _UnfitError("Its code names no subelement and group, as T1A01 does.")
    correct = int(row["correct"])
    if not 0 <= correct < len("ABCD"):
        raise _UnfitError("Its key is not one of its options.")
    if (row.get("correct_letter") or "ABCD"[correct]) != "ABCD"[correct]:
        raise _UnfitError("Its key by number and its key by letter differ.")
    stem, figure = row["question"].strip(), (row.get("figure") or "").strip()
    name = figure.rpartition(".")[0].upper() or figure.upper()
    if name and name not in stem.upper():
        stem = f"{stem} (figure {name})"
    refs = (row.get("refs") or "").strip("[] ")
    return QuestionForm(
        row["id"],
        place[1],
        place[1] + place[2],
        1,
        QuestionKind.ONE.value,
        {"zh": stem, "en": stem},
        [_option(a.strip(), a.strip()) for a in row["answers"]],
        [correct + 1],
        {"zh": refs, "en": refs},
    )


def _with_paper(read: QuestionFile) -> QuestionFile:
    """The examiners' paper: one question a group, one hour, passed with 74 per cent."""
    groups = {q.group: q.topic for q in read.questions}
    blueprint = {topic: sum(t == topic for t in groups.values()) for topic in sorted(set(groups.values()))}
    return QuestionFile(read.questions, read.skipped, ExamForm(blueprint, 60, -(-len(groups) * 74 // 100)))
