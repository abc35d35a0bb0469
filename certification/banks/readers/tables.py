"""Rows: our own YAML, our own columns as CSV, and the examiners' pools as CSV, JSON, YAML or text."""

import base64
import binascii
import csv
import io
import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from certification.banks.build import ALL_OF_THESE, Collected, option
from certification.banks.form import (
    MOST_BYTES,
    MOST_OPTIONS,
    TRUE_FALSE,
    ExamForm,
    QuestionFile,
    QuestionForm,
    UnfitError,
    need,
)
from certification.banks.markup import Laundry, Text, settle, tidy
from certification.banks.pictures import is_picture
from certification.banks.readers.plain import line, read_pool_text
from certification.banks.rules import QuestionKind
from portal.files.reading import Sentence, UnreadableFileError
from portal.refusal import mark

POOL_CODE = re.compile(r"([A-Z]\d)([A-Z])\d\d")  # T1A01: subelement T1, group T1A
_NO_LIST = mark("No list of questions was found.")
csv.field_size_limit(MOST_BYTES)  # a cell may hold a picture

__all__ = ["ALL_OF_THESE", "read_columns", "read_own", "read_pool"]


def numbered(n: int) -> Sentence:
    return Sentence(mark("question %(n)s"), {"n": n})


def rows_of_yaml(text: str) -> list[Any]:
    """Aliases are refused, for a few lines of them unfold without end; so is what is nested deeply."""
    try:
        depth = 0
        for event in yaml.parse(text, Loader=_Loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if isinstance(event, yaml.AliasEvent):
                raise UnreadableFileError(mark("The file uses YAML aliases, which are not read."))
            if depth > _DEEPEST:
                raise UnreadableFileError(mark("This is not well-formed YAML."))
        rows = yaml.load(text, Loader=_Loader)  # noqa: S506  a safe loader
    except UnreadableFileError:
        raise
    except (yaml.YAMLError, ValueError, RecursionError, TypeError):
        raise UnreadableFileError(mark("This is not well-formed YAML.")) from None
    if not isinstance(rows, list):
        raise UnreadableFileError(_NO_LIST)
    return rows


_DEEPEST = 10
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_own(text: str) -> QuestionFile:
    """Our own files: a list of questions in both languages."""
    found = Collected()
    for n, row in enumerate(rows_of_yaml(text), 1):
        found.read(numbered(n), lambda row=row: _own_question(row))  # type: ignore[misc]
    return found.file()


def _both(value: Mapping[str, Any]) -> dict[str, str]:
    return {"zh": str(value["zh"]), "en": str(value["en"])}


def _own_question(row: Mapping[str, Any]) -> QuestionForm:
    kind = QuestionKind(row["kind"])
    options = [option(str(o["zh"]), str(o["en"])) for o in row.get("options", [])]
    if kind == QuestionKind.TRUE_FALSE:
        options = [dict(o) for o in TRUE_FALSE]
    key = [int(k) for k in row.get("key", [])]
    if kind == QuestionKind.ORDER:
        options = [{"zh": o["zh"], "en": o["en"]} for o in options]
        key = key or list(range(1, len(options) + 1))
    code = str(row["id"])
    need(code.strip(), mark("It has no code, or one longer than 60 characters."))
    return QuestionForm(
        code,
        str(row["topic"]),
        str(row["group"]),
        int(row["level"]),
        kind.value,
        _both(row["stem"]),
        options,
        key,
        _both(row["why"]),
        prompts=[_both(p) for p in row.get("prompts", [])],
        accept=[_accepted(kind, a) for a in row.get("accept", [])],
        rubric=[{**_both(r), "points": int(r["points"])} for r in row.get("rubric", [])],
        points=int(row.get("points", 1)),
        enemies=[str(e) for e in row.get("enemies", [])],
        tags=[str(t) for t in row.get("tags", [])],
        case=bool(row.get("case", False)),
    )


def _accepted(kind: QuestionKind, given: Any) -> dict[str, Any]:
    if kind == QuestionKind.NUMERIC:
        if isinstance(given, Mapping):
            return {"low": float(given["low"]), "high": float(given["high"])}
        return {"low": float(given), "high": float(given)}
    return {"text": str(given["text"] if isinstance(given, Mapping) else given)}


# ——— Our own columns ———

_GUARDED = re.compile(r"'+[=+\-@\t]")
_RANGE = re.compile(r"(\S{1,40}?)(?:\.\.(\S{1,40}))?")


def csv_rows(text: str) -> "csv.DictReader[str]":
    text = tidy(text)
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=separator)
    try:
        reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
    except csv.Error:
        raise UnreadableFileError(mark("This is not well-formed CSV.")) from None
    return reader


def read_columns(text: str) -> QuestionFile:
    """CSV with columns of ours (docs/questions.md); a text has two columns, _zh and _en, or one for both."""
    reader = csv_rows(text)
    names = set(reader.fieldnames or ())
    if not names & {"stem", "stem_zh", "stem_en"}:
        raise UnreadableFileError(mark("The first line must name the columns; stem or stem_zh is missing."))
    found = Collected()
    try:
        for row in reader:
            cells = {
                name: (value[1:] if _GUARDED.match(value) else value)
                for name, value in row.items()
                if name and isinstance(value, str)
            }
            if any(value.strip() for value in cells.values()):
                found.read(line(reader.line_num), lambda cells=cells: _from_cells(cells))  # type: ignore[misc]
    except csv.Error:
        raise UnreadableFileError(mark("This is not well-formed CSV.")) from None
    return found.file()


def _cell(cells: Mapping[str, str], name: str) -> Text | None:
    alone = cells.get(name, "")
    zh, en = (cells.get(f"{name}_{language}", "") or alone for language in ("zh", "en"))
    return (
        Text(zh or en, en or zh, cells.get("markup", "").strip() == "html")
        if zh.strip() or en.strip()
        else None
    )


def _texts(cells: Mapping[str, str], name: str) -> list[Text]:
    found = [_cell(cells, f"{name}_{n}") for n in range(1, MOST_OPTIONS + 1)]
    last = max((n for n, text in enumerate(found, 1) if text), default=0)
    need(all(found[:last]), mark("A text is empty."))
    return [text for text in found[:last] if text]


def _lines(cells: Mapping[str, str], name: str) -> list[str]:
    return [said.strip() for said in cells.get(name, "").split("\n") if said.strip()]


def _numbers(cell: str) -> list[int]:
    """1 3, 1,3 or A C."""
    parts = [p for p in re.split(r"[\s,;|]+", cell.strip().upper()) if p]
    return [ord(p) - 64 if len(p) == 1 and "A" <= p <= "Z" else int(p) for p in parts]


def _from_cells(cells: Mapping[str, str]) -> QuestionForm:
    stem = _cell(cells, "stem")
    need(stem, mark("A text is empty."))
    options, prompts, criteria = (_texts(cells, n) for n in ("option", "prompt", "rubric"))
    key = _numbers(cells.get("key", ""))
    kind = QuestionKind(cells.get("kind", "").strip() or ("several" if len(key) > 1 else "one"))
    laundry = Laundry(lambda _: None, _pictures(cells))
    why = _cell(cells, "why") or Text("", "")
    html = cells.get("markup", "").strip() == "html"
    said = settle(
        [stem or why, why, *options, *prompts, *criteria], laundry, markup="html" if html else "plain"
    )[1]
    shown = said[2 : 2 + len(options)]
    rest = said[2 + len(options) :]
    fixed = set(_numbers(cells["fixed"])) if "fixed" in cells else None
    topic = cells.get("topic", "").strip()
    return QuestionForm(
        cells.get("code", "").strip(),
        topic,
        cells.get("group", "").strip() or topic,
        int(cells.get("level", "").strip() or 1),
        kind.value,
        said[0],
        [dict(o) for o in TRUE_FALSE]
        if kind == QuestionKind.TRUE_FALSE
        else [
            option(o["zh"], o["en"], n in fixed if fixed is not None else None)
            for n, o in enumerate(shown, 1)
        ],
        list(range(1, len(shown) + 1)) if kind == QuestionKind.ORDER and not key else key,
        said[1],
        prompts=rest[: len(prompts)],
        accept=[_range(a) if kind == QuestionKind.NUMERIC else {"text": a} for a in _lines(cells, "accept")],
        rubric=[
            {**text, "points": int(cells.get(f"rubric_{n}_points", "").strip() or 1)}
            for n, text in enumerate(rest[len(prompts) :], 1)
        ],
        points=int(cells.get("points", "").strip() or 1),
        markup="html" if html else "plain",
        pictures=laundry.pictures,
        enemies=_lines(cells, "enemies"),
        tags=_lines(cells, "tags"),
        case=cells.get("case", "").strip().lower() in ("1", "yes", "true", "是"),
    )


def _pictures(cells: Mapping[str, str]) -> dict[str, bytes]:
    pictures = {}
    for said in _lines(cells, "pictures"):
        name, _, data = said.partition(":")
        try:
            content = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            content = b""
        need(is_picture(content), mark("A picture is too large, or neither PNG, JPEG, GIF nor WebP."))
        pictures[name] = content
    return pictures


def _range(said: str) -> dict[str, Any]:
    found = _RANGE.fullmatch(said.replace(" ", ""))
    if found is None:
        raise UnfitError(mark("A range of its answer is not one."))
    return {"low": float(found[1]), "high": float(found[2] or found[1])}


# ——— The examiners' pools ———


def read_pool(text: str) -> QuestionFile:
    """CSV with the columns id, correct, question, a, b, c, d; the same as JSON or YAML; or their text."""
    start = text.lstrip()[:1]
    if re.search(r"^[A-Z]\d[A-Z]\d\d\s{1,9}\([A-D]\)", text, re.MULTILINE):
        return _with_paper(read_pool_text(text, _pool_question).file())
    if start in ("[", "{"):
        return _with_paper(_pool_rows(_rows_of_json(text)))
    if start == "-":
        return _with_paper(_pool_rows(rows_of_yaml(text)))
    reader = csv_rows(text)
    if not {"id", "correct", "question", "a", "b", "c", "d"} <= set(reader.fieldnames or ()):
        raise UnreadableFileError(
            mark("The first line must name the columns id, correct, question, a, b, c and d.")
        )
    found = Collected()
    try:
        for row in reader:
            whole = {**row, "answers": [row.get(letter) for letter in "abcd"]}
            found.read(line(reader.line_num), lambda whole=whole: _pool_question(whole))  # type: ignore[misc]
    except csv.Error:
        raise UnreadableFileError(mark("This is not well-formed CSV.")) from None
    return _with_paper(found.file())


def _rows_of_json(text: str) -> list[Any]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableFileError(mark("This is not well-formed JSON.")) from None
    if not isinstance(rows, list):
        raise UnreadableFileError(_NO_LIST)
    return rows


def _pool_rows(rows: list[Any]) -> QuestionFile:
    found = Collected()
    for n, row in enumerate(rows, 1):
        found.read(numbered(n), lambda row=row: _pool_question(row))  # type: ignore[misc]
    return found.file()


def _pool_question(row: Mapping[str, Any]) -> QuestionForm:
    """The pools count their keys from 0 and name them by letter too; both must agree."""
    place = POOL_CODE.fullmatch(row["id"])
    if place is None:
        raise UnfitError(mark("Its code names no subelement and group, as T1A01 does."))
    correct = int(row["correct"])
    need(0 <= correct < len("ABCD"), mark("Its key is not one of its options."))
    if (row.get("correct_letter") or "ABCD"[correct]) != "ABCD"[correct]:
        raise UnfitError(mark("Its key by number and its key by letter differ."))
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
        [option(a.strip(), a.strip()) for a in row["answers"]],
        [correct + 1],
        {"zh": refs, "en": refs},
    )


def _with_paper(read: QuestionFile) -> QuestionFile:
    """The examiners' paper: one question a group, one hour, passed with 74 per cent."""
    groups = {q.group: q.topic for q in read.questions}
    blueprint = {topic: sum(t == topic for t in groups.values()) for topic in sorted(set(groups.values()))}
    exam = ExamForm(blueprint, 60, -(-len(groups) * 74 // 100))
    return QuestionFile(read.questions, read.skipped, exam, read.remarks)
