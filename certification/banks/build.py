"""From what a reader found to questions: codes, one markup, checks; what is changed on the way is remarked."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from certification.banks.form import (
    TRUE_FALSE,
    QuestionFile,
    QuestionForm,
    Remark,
    Skipped,
    UnfitError,
    check,
    need,
)
from certification.banks.markup import Laundry, Text, settle
from certification.banks.own import Own
from certification.banks.rules import QuestionKind
from portal.files.reading import Sentence
from portal.refusal import mark

ALL_OF_THESE = re.compile(
    r"\s*((all|none|both|neither) (of )?(these|the above)\b|以上)", re.IGNORECASE
)  # stays last
NO_TOPIC = "general"
WHOLE_FILE = Sentence(mark("the file"))
NOTHING = Text("", "")
AS_A_WHOLE = Text("答案整体", "The answer as a whole")


@dataclass
class Draft:
    """One question as its file gives it. `code` is its own; a title is only as good as it is unique."""

    place: Sentence
    kind: QuestionKind
    stem: Text
    code: str = ""
    title: str = ""
    topic: str = NO_TOPIC
    group: str = ""
    options: list[Text] = field(default_factory=list)
    fixed: set[int] | None = None  # options, from 1; None: those that say "all of these"
    key: list[int] = field(default_factory=list)
    prompts: list[Text] = field(default_factory=list)
    why: Text = NOTHING
    accept: list[dict[str, Any]] = field(default_factory=list)
    rubric: list[tuple[Text, int]] = field(default_factory=list)
    points: int = 1
    case: bool = False
    tags: list[str] = field(default_factory=list)
    find: Callable[[str], bytes | None] = lambda _: None  # the address of a picture → its bytes
    remarks: list[Sentence] = field(default_factory=list)
    own: Own | None = None  # what our own export says beside the format

    def remark(self, text: str, /, **values: Any) -> None:
        said = Sentence(text, values)
        if said not in self.remarks:
            self.remarks.append(said)


@dataclass
class Collected:
    """What a reader has found so far, in the order of the file: a question or why it is none, and where."""

    found: list[tuple[Sentence, Draft | QuestionForm | Sentence]] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)

    def read(self, place: Sentence, reading: Callable[[], Draft | QuestionForm]) -> None:
        """One more entry: read, or listed with the reason."""
        self.found.append((place, _or_reason(reading)))

    def skip(self, place: Sentence, text: str, /, **values: Any) -> None:
        self.found.append((place, Sentence(text, values)))

    def remark(self, place: Sentence, text: str, /, **values: Any) -> None:
        self.remarks.append(Remark(place, Sentence(text, values)))

    def file(self) -> QuestionFile:
        """Everything found, each either a question or a line."""
        remarks = list(self.remarks)
        made: list[Made] = []
        for place, found in self.found:
            form = found
            if isinstance(found, Draft):
                form = _or_reason(lambda draft=found: _form(draft))  # type: ignore[misc]
            if isinstance(form, QuestionForm):
                made.append((place, found.title if isinstance(found, Draft) else "", form))
                remarks += [Remark(place, said) for said in getattr(found, "remarks", [])]
            elif isinstance(form, Sentence):
                made.append(Skipped(place, form))
        return _named(made, remarks)


Made = tuple[Sentence, str, QuestionForm] | Skipped


def _or_reason(reading: Callable[[], Draft | QuestionForm]) -> Draft | QuestionForm | Sentence:
    try:
        made = reading()
        if isinstance(made, QuestionForm):
            check(made if made.code else replace(made, code="-"))
    except UnfitError as problem:
        return problem.sentence
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError):
        return Sentence(mark("A field is missing or not what it should be."))
    return made


def _form(draft: Draft) -> QuestionForm:
    own = draft.own
    laundry = Laundry(draft.find)
    two = draft.kind == QuestionKind.TRUE_FALSE
    options = [] if two else draft.options
    rubric = own.rubric if own and own.rubric else draft.rubric
    if draft.kind == QuestionKind.LONG and not rubric:
        rubric = [(AS_A_WHOLE, draft.points)]
        draft.remark(mark("It had no rubric; all of its points are given for the answer as a whole."))
    texts = [draft.stem, draft.why, *options, *draft.prompts, *(text for text, _ in rubric)]
    markup, settled = settle(texts, laundry, markup=own.markup if own else None)
    stem, why, rest = settled[0], settled[1], settled[2:]
    said, rest = rest[: len(options)], rest[len(options) :]
    prompts, criteria = rest[: len(draft.prompts)], rest[len(draft.prompts) :]
    for sentence in laundry.left_out:
        draft.remark(sentence.text, **sentence.values)
    topic, group = (
        (own.topic, own.group) if own else (_short(draft.topic), _short(draft.group or draft.topic))
    )
    if not own and (topic, group) != (draft.topic, draft.group or draft.topic):
        draft.remark(mark("The name of its topic was shortened to 40 characters."))
    key, fixed, shown = draft.key, draft.fixed, said
    if own and own.order:
        shown, key = _reordered(said, key, own.order)
    if own and own.fixed is not None:
        fixed = own.fixed
    chosen = draft.kind in (QuestionKind.ONE, QuestionKind.SEVERAL)
    return QuestionForm(
        draft.code.strip() or (own.code if own else ""),
        topic,
        group,
        own.level if own else 1,
        draft.kind.value,
        stem,
        [dict(o) for o in TRUE_FALSE]
        if two
        else [
            option(o["zh"], o["en"], n in fixed if fixed is not None else None if chosen else False)
            for n, o in enumerate(shown, 1)
        ],
        key,
        why,
        prompts=prompts,
        accept=draft.accept,
        rubric=[{**text, "points": points} for text, (_, points) in zip(criteria, rubric, strict=True)],
        points=draft.points,
        markup=markup,
        pictures=laundry.pictures,
        enemies=own.enemies if own else [],
        tags=list(dict.fromkeys(t.strip() for t in draft.tags if t.strip())),
        case=draft.case,
    )


def _reordered(
    options: list[dict[str, str]], key: list[int], order: list[int]
) -> tuple[list[dict[str, str]], list[int]]:
    """Options as they stand in the bank: `order` names, for each shown option, its number there."""
    need(
        sorted(order) == list(range(1, len(options) + 1)),
        mark("A field is missing or not what it should be."),
    )
    return [options[order.index(n)] for n in range(1, len(order) + 1)], [order[k - 1] for k in key]


def option(zh: str, en: str, fixed: bool | None = None) -> dict[str, Any]:
    """fixed None: when it says "all of these"."""
    if fixed is None:
        fixed = bool(ALL_OF_THESE.match(en) or ALL_OF_THESE.match(zh))
    return {"zh": zh, "en": en} | ({"fixed": True} if fixed else {})


def _short(name: str) -> str:
    """At most 40 characters; what is cut still differs."""
    name = " ".join(name.split())
    if len(name) <= 40:
        return name
    return f"{name[:30].rstrip()}… {hashlib.sha256(name.encode()).hexdigest()[:8]}"[:40]


def _named(listed: list[Made], remarks: list[Remark]) -> QuestionFile:
    """Codes for those without: a title that no other has, else their own content. Two of one code: the first."""
    titles = Counter(_code_of(m[1]) for m in listed if not isinstance(m, Skipped) and not m[2].code)
    own = {m[2].code for m in listed if not isinstance(m, Skipped) and m[2].code}
    questions: dict[str, QuestionForm] = {}
    skipped: list[Skipped] = []
    nameless = 0
    for one in listed:
        if isinstance(one, Skipped):
            skipped.append(one)
            continue
        place, title, form = one
        if not form.code:
            nameless += 1
            code = _code_of(title)
            digest = form.content_hash[:8]
            if not code:
                code = f"q-{digest}"
            elif titles[code] > 1 or code in own:
                code = f"{code[:51]}-{digest}"
            form = replace(form, code=code)
        if form.code in questions:
            same = form.content_hash == questions[form.code].content_hash
            skipped.append(
                Skipped(
                    place,
                    Sentence(mark("The same question stands in this file already."))
                    if same
                    else Sentence(mark("Its code stands in this file already.")),
                )
            )
        else:
            questions[form.code] = form
    if nameless:
        remarks.insert(
            0,
            Remark(
                WHOLE_FILE,
                Sentence(
                    mark("Questions without a code of their own, named by title, identifier or text: %(n)s."),
                    {"n": nameless},
                ),
            ),
        )
    return QuestionFile(list(questions.values()), skipped, None, remarks)


def _code_of(title: str) -> str:
    name = " ".join(title.split())
    return name if len(name) <= 60 else ""


def plain_text(raw: str) -> Text:
    return Text(raw, raw)


def best(weights: Mapping[int, float]) -> list[int]:
    """Those with the highest weight, when it is positive."""
    top = max(weights.values(), default=0.0)
    return [n for n, weight in weights.items() if weight == top] if top > 0 else []


def is_true_false(options: list[Text]) -> list[int]:
    """For two options that say true and false: the places of true and false, from 1; else nothing."""
    said = [o.en.strip().strip(".").lower() for o in options]
    for true, false in (("true", "false"), ("t", "f"), ("对", "错"), ("正确", "错误")):
        if sorted(said) == sorted((true, false)):
            return [said.index(true) + 1, said.index(false) + 1]
    return []


def choose(draft: Draft, weights: Mapping[int, float], *, several: bool | None) -> None:
    """Key and kind from weights by option. several None: as many as the weights say."""
    right = [n for n, weight in sorted(weights.items()) if weight > 0]
    need(right, mark("None of its options is right."))
    partial = len({w for w in weights.values() if w > 0}) > 1
    top = best(weights)
    if several is False and len(top) == 1:
        draft.key, draft.kind = top, QuestionKind.ONE
    else:
        if several is False:
            draft.remark(
                mark("Several options were fully right, any one of them; it now asks for all of them.")
            )
            right = top
        draft.key = right
        draft.kind = QuestionKind.SEVERAL if len(right) > 1 else QuestionKind.ONE
    if partial:
        draft.remark(mark("Weights of single options are not kept."))
    words = is_true_false(draft.options)
    if draft.kind == QuestionKind.ONE and words and not draft.own:
        draft.kind = QuestionKind.TRUE_FALSE
        draft.key = [words.index(draft.key[0]) + 1]
