"""One form of question for every bank, what makes it whole, and what a reader hands back."""

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from certification.banks.rules import QuestionKind
from portal.files.reading import Sentence
from portal.refusal import mark

MOST_BYTES = 20 * 1024 * 1024  # of a file
MOST_TEXT = 100_000  # characters of one text
MOST_OPTIONS = 100
TRUE_FALSE = [{"zh": "对", "en": "True", "fixed": True}, {"zh": "错", "en": "False", "fixed": True}]
PICTURE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
NO_TEXT = re.compile("[\0-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")  # what neither XML nor PostgreSQL holds
WITH_OPTIONS = (
    QuestionKind.ONE,
    QuestionKind.SEVERAL,
    QuestionKind.TRUE_FALSE,
    QuestionKind.ORDER,
    QuestionKind.MATCH,
)


@dataclass(frozen=True)
class QuestionForm:
    """A question as any bank gives it. Every text in both languages; keys from 1.

    match: `key[i]` is the option that belongs to `prompts[i]`; options may hold more than are needed.
    order: the options stand in their right order, the key counts them. numeric: `accept` holds ranges
    {"low", "high"}, both ends included. short: `accept` holds {"text"}, `case` says whether capitals count.
    long: `rubric` says what earns which points. `markup` "html" is sanitised and shows a picture as
    `<img src="picture:NAME">` with its bytes in `pictures`. `enemies` are codes never asked together with it.
    """

    code: str
    topic: str
    group: str
    level: int
    kind: str
    stem: dict[str, str]
    options: list[dict[str, Any]]
    key: list[int]
    why: dict[str, str]
    prompts: list[dict[str, str]] = field(default_factory=list)
    accept: list[dict[str, Any]] = field(default_factory=list)
    rubric: list[dict[str, Any]] = field(default_factory=list)
    points: int = 1
    markup: str = "plain"
    pictures: dict[str, bytes] = field(default_factory=dict)
    enemies: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    case: bool = False

    @property
    def content_hash(self) -> str:
        """Of everything a candidate or the marking could notice. What later fields leave at rest is not in it."""
        content = asdict(self)
        for name, rest in LATER.items():
            if content[name] == rest:
                del content[name]
        if "pictures" in content:
            content["pictures"] = {n: hashlib.sha256(b).hexdigest() for n, b in self.pictures.items()}
        return hashlib.sha256(
            json.dumps(content, ensure_ascii=False, sort_keys=True).encode(errors="surrogatepass")
        ).hexdigest()

    def texts(self) -> list[dict[str, Any]]:
        """Every text that has two languages."""
        return [self.stem, *self.options, *self.prompts, self.why, *self.rubric]


# Fields that came after the first banks, each at rest. A bank that uses none of them keeps its hashes.
LATER: dict[str, Any] = {
    f.name: f.default_factory() if callable(f.default_factory) else f.default
    for f in fields(QuestionForm)
    if f.name not in ("code", "topic", "group", "level", "kind", "stem", "options", "key", "why")
}


@dataclass(frozen=True)
class Skipped:
    """A question that was found and not read, or something in one that was changed (a remark)."""

    place: Sentence
    reason: Sentence


Remark = Skipped


@dataclass(frozen=True)
class ExamForm:
    blueprint: dict[str, int]
    minutes: int
    pass_marks: int


@dataclass(frozen=True)
class QuestionFile:
    """Questions read and questions skipped are together all that the file holds."""

    questions: list[QuestionForm]
    skipped: list[Skipped]
    exam: ExamForm | None = None  # when the publisher says how its paper is made
    remarks: list[Remark] = field(default_factory=list)


class UnfitError(ValueError):
    """This one question can't be taken; the message says why."""

    def __init__(self, text: str, /, **values: Any) -> None:
        self.sentence = Sentence(text, values)
        super().__init__(str(self.sentence))


def need(holds: object, text: str, /, **values: Any) -> None:
    if not holds:
        raise UnfitError(text, **values)


_NO_KEY = "Its key is not one of its options."


def check(question: QuestionForm) -> None:
    """UnfitError with the first thing that is wrong."""
    kind = QuestionKind(question.kind)
    need(
        question.code.strip() and len(question.code) <= 60,
        mark("It has no code, or one longer than 60 characters."),
    )
    need(
        question.topic.strip() and max(len(question.topic), len(question.group)) <= 40,
        mark("It has no topic, or one longer than 40 characters."),
    )
    need(1 <= question.level <= 9, mark("Its level is not a number from 1 to 9."))
    need(1 <= question.points <= 100, mark("Its points are not a whole number from 1 to 100."))
    need(question.markup in ("plain", "html"), mark("A field is missing or not what it should be."))
    said = [question.stem, *question.options, *question.prompts, *question.rubric]
    need(all(t["zh"].strip() and t["en"].strip() for t in said), mark("A text is empty."))
    every = [t[language] for t in question.texts() for language in ("zh", "en")]
    names = [question.code, question.topic, question.group, *question.tags, *question.enemies]
    every += names
    need(all(len(t) <= MOST_TEXT for t in every), mark("A text is longer than 100,000 characters."))
    need(not any(NO_TEXT.search(t) for t in every), mark("A text holds characters that are no text."))
    need(not any("\n" in n or len(n) > 100 for n in names), mark("A tag or a code is too long for one line."))
    need(
        all(PICTURE_NAME.fullmatch(n) for n in question.pictures),
        mark("A field is missing or not what it should be."),
    )
    need(len(question.accept) <= MOST_OPTIONS, mark("It has more than 100 options."))
    _CHECKS.get(kind, _check_open)(question)
    if kind in WITH_OPTIONS:
        need(not question.accept, mark("Its kind and its answers do not fit."))
    need(kind == QuestionKind.MATCH or not question.prompts, mark("Its kind and its answers do not fit."))
    need(kind == QuestionKind.LONG or not question.rubric, mark("Its kind and its answers do not fit."))


def _check_options(question: QuestionForm) -> None:
    count, key = len(question.options), question.key
    need(count >= 2, mark("It needs at least two options."))
    need(count <= MOST_OPTIONS, mark("It has more than 100 options."))
    for language in ("en", "zh"):
        need(
            len({o[language] for o in question.options}) == count,
            mark("Two of its options are the same."),
        )
    need(key and all(1 <= k <= count for k in key), mark("Its key is not one of its options."))


def _check_choice(question: QuestionForm) -> None:
    _check_options(question)
    need(len(set(question.key)) == len(question.key), _NO_KEY)
    alone = question.kind != QuestionKind.SEVERAL
    need(alone == (len(question.key) == 1), mark("Its kind does not fit the number of its keys."))
    if question.kind == QuestionKind.TRUE_FALSE:
        need(question.options == TRUE_FALSE, mark("Its options are not true and false."))


def _check_order(question: QuestionForm) -> None:
    _check_options(question)
    need(question.key == list(range(1, len(question.options) + 1)), _NO_KEY)


def _check_match(question: QuestionForm) -> None:
    _check_options(question)
    need(len(question.prompts) <= MOST_OPTIONS, mark("It has more than 100 options."))
    need(len(question.key) == len(question.prompts), mark("Not everything on its left has its answer."))


def _check_open(question: QuestionForm) -> None:
    need(not question.options and not question.key, mark("Its kind and its answers do not fit."))


def _check_numeric(question: QuestionForm) -> None:
    _check_open(question)
    need(question.accept, mark("It has no right answer."))
    ends = [(r["low"], r["high"]) for r in question.accept]
    need(
        all(math.isfinite(low) and math.isfinite(high) and low <= high for low, high in ends),
        mark("A range of its answer is not one."),
    )


def _check_short(question: QuestionForm) -> None:
    _check_open(question)
    texts = [a["text"] for a in question.accept]
    need(texts and all(t.strip() for t in texts), mark("It has no right answer."))
    need(
        not any("\n" in t or len(t) > 500 or NO_TEXT.search(t) for t in texts),
        mark("A right answer is longer than a line."),
    )


def _check_long(question: QuestionForm) -> None:
    _check_open(question)
    need(not question.accept, mark("Its kind and its answers do not fit."))
    need(
        question.rubric and question.points == sum(row["points"] for row in question.rubric),
        mark("A long answer needs a rubric whose points add up to its own."),
    )
    need(
        all(0 <= row["points"] <= 100 for row in question.rubric),
        mark("Its points are not a whole number from 1 to 100."),
    )


_CHECKS: Mapping[QuestionKind, Callable[[QuestionForm], None]] = {
    QuestionKind.ONE: _check_choice,
    QuestionKind.SEVERAL: _check_choice,
    QuestionKind.TRUE_FALSE: _check_choice,
    QuestionKind.ORDER: _check_order,
    QuestionKind.MATCH: _check_match,
    QuestionKind.NUMERIC: _check_numeric,
    QuestionKind.SHORT: _check_short,
    QuestionKind.LONG: _check_long,
}
