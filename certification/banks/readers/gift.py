"""GIFT: questions as text with answers in braces, titles between ::, categories, identifiers and tags in comments.

Written after the format's public description; escapes are \\~ \\= \\# \\{ \\} \\: \\\\ and \\n.
"""

import math
import re
from dataclasses import dataclass, field

from certification.banks.build import NO_TOPIC, Collected, Draft, choose
from certification.banks.form import MOST_OPTIONS, QuestionFile, UnfitError, need
from certification.banks.markup import Text, looks_like_html, text_of, text_of_markdown, tidy
from certification.banks.readers.category import topic_and_group
from certification.banks.rules import QuestionKind
from portal.files.reading import Sentence
from portal.refusal import mark

# Each escaped character rests as a private character while the marks around it are looked for.
_ESCAPES = {"~": "\ue001", "=": "\ue002", "#": "\ue003", "{": "\ue004", "}": "\ue005", ":": "\ue006"}
_BACK = {"\ue007": "\\", "\ue008": "\n"} | {rest: char for char, rest in _ESCAPES.items()}
_FORMAT = re.compile(r"\s{0,99}\[(html|moodle|plain|markdown)\]", re.IGNORECASE)
_ID = re.compile(r"\[id:([^\[\]]{1,100})\]")
_TAG = re.compile(r"\[tag:([^\[\]]{1,100})\]")
_WEIGHT = re.compile(r"\s{0,99}%(-?\d{1,3}(?:\.\d{1,9})?)%")
_TRUE_FALSE = {"T": 1, "TRUE": 1, "F": 2, "FALSE": 2}
_GAP = "_____"


def read_gift(text: str) -> QuestionFile:
    found = Collected()
    topic, group = NO_TOPIC, ""
    for block in _blocks(text):
        place = Sentence(mark("line %(n)s"), {"n": block.line})
        if block.category:
            topic, group = topic_and_group(block.category)
            continue

        def read(
            block: _Block = block, place: Sentence = place, at: tuple[str, str] = (topic, group)
        ) -> Draft:
            draft = _question(block, place)
            draft.topic, draft.group = at
            return draft

        found.read(place, read)
    return found.file()


@dataclass
class _Block:
    line: int
    text: str = ""
    ids: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    category: str = ""


def _blocks(text: str) -> list[_Block]:
    """Between empty lines; an empty line inside braces that are closed later ends nothing."""
    text = re.sub("[\ue001-\ue008]", "", tidy(text))
    text = re.sub(
        r"\\([\\~=#{}:n])", lambda m: {"\\": "\ue007", "n": "\ue008"}.get(m[1]) or _ESCAPES[m[1]], text
    )
    blocks: list[_Block] = []
    lines: list[str] = []
    ids: list[str] = []
    tags: list[str] = []
    start = opened = 0

    def close() -> None:
        nonlocal lines, start, ids, tags, opened
        if lines:
            blocks.append(_Block(start, "\n".join(lines).strip(), ids, tags))
            lines, ids, tags = [], [], []
        start = opened = 0

    rows = text.split("\n")
    # For each line: which brace comes next after it?
    following, ahead = "", [""] * len(rows)
    for n in range(len(rows) - 1, -1, -1):
        ahead[n] = following
        if not rows[n].lstrip().startswith("//"):
            braces = re.findall(r"[{}]", rows[n])
            following = braces[0] if braces else following
    for n, row in enumerate(rows):
        said = row.strip()
        if said.startswith("//"):
            ids += [restored(i) for i in _ID.findall(_raw(said))]
            tags += [restored(t) for t in _TAG.findall(_raw(said))]
        elif not said:
            if not (opened > 0 and ahead[n] == "}"):
                close()
        elif said.upper().startswith("$CATEGORY:") and not opened:
            close()
            blocks.append(_Block(n + 1, category=restored(said[10:]).strip() or NO_TOPIC))
        else:
            start = start or n + 1
            lines.append(row.rstrip() if opened or row.startswith(" ") else row)
            opened += row.count("{") - row.count("}")
    close()
    return blocks


def _raw(comment: str) -> str:
    return comment.replace(_ESCAPES[":"], ":")


def restored(text: str) -> str:
    for rest, char in _BACK.items():
        text = text.replace(rest, char)
    return text


def _text(raw: str, inherited: str) -> Text:
    """A text with its [format] or the question's."""
    found = _FORMAT.match(raw)
    how = found[1].lower() if found else inherited
    said = restored(raw[found.end() :] if found else raw).strip()
    if how == "markdown":
        return text_of_markdown(said)
    if how == "html":
        return text_of(said, html=True)
    if how != "plain" and looks_like_html(said):
        return text_of(said.replace("\n", "<br>"), html=True)
    return text_of(said)


def _question(block: _Block, place: Sentence) -> Draft:
    title, body = "", block.text
    if body.startswith("::"):
        end = body.find("::", 2)
        need(end > 0, mark("Its title is not closed."))
        title, body = restored(body[2:end]).strip(), body[end + 2 :].lstrip()
    said = _FORMAT.match(body)
    how = said[1].lower() if said else "moodle"
    body = body[said.end() :] if said else body
    opening = body.find("{")
    if opening < 0:
        need("}" not in body, mark("A brace is not closed, or none is open."))
        raise UnfitError(mark("It asks nothing: a text between questions."))
    closing = body.find("}", opening)
    before, inside, after = body[:opening], body[opening + 1 : closing], body[closing + 1 :]
    need(
        closing > 0 and not set("{}") & set(before + inside + after),
        mark("A brace is not closed, or none is open."),
    )
    if after.strip(" .\n"):
        before = f"{before.rstrip(' ')} {_GAP} {after.lstrip(' ')}"
    draft = Draft(
        place,
        QuestionKind.LONG,
        _text(before, how),
        code=block.ids[-1].strip() if block.ids else "",
        title=title,
        tags=block.tags,
    )
    _answers(draft, inside, how)
    return draft


def _answers(draft: Draft, inside: str, how: str) -> None:
    inside, marked, general = inside.partition("####")
    if marked:
        draft.why = _text(general, how)
    inside = inside.strip()
    if not inside:
        return
    if inside.startswith("#"):
        _numeric(draft, inside[1:])
        return
    word, hash_, _ = inside.partition("#")
    if word.strip().upper() in _TRUE_FALSE:
        draft.kind, draft.key = QuestionKind.TRUE_FALSE, [_TRUE_FALSE[word.strip().upper()]]
        _lose_feedback(draft, bool(hash_))
        return
    answers = _split(draft, inside)
    if any(a.sign == "~" for a in answers):
        draft.options = [_text(a.text, how) for a in answers]
        alone = any(a.sign == "=" for a in answers)
        weights = {n: a.weight for n, a in enumerate(answers, 1)}
        choose(draft, weights, several=False if alone else None)
    elif answers and all("->" in a.text for a in answers):
        _match(draft, answers, how)
    else:
        _short(draft, answers)
    _lose_feedback(draft, any(a.feedback for a in answers))


def _lose_feedback(draft: Draft, was_there: bool) -> None:
    if was_there:
        draft.remark(mark("Remarks on single answers are not kept."))


@dataclass
class _Answer:
    sign: str
    weight: float
    text: str
    feedback: str


def _split(draft: Draft, inside: str) -> list[_Answer]:
    parts = re.split(r"([~=])", inside)
    head = parts[0].strip()
    need(len(parts) <= 2 * MOST_OPTIONS + 1, mark("It has more than 100 options."))
    if len(parts) == 1:
        text, _, feedback = head.partition("#")
        return [_Answer("=", 100.0, text.strip(), feedback.strip())]
    if head:
        draft.remark(
            mark("Something before its first answer was left out: %(text)s."), text=restored(head)[:40]
        )
    answers = []
    for sign, raw in zip(parts[1::2], parts[2::2], strict=True):
        text, _, feedback = raw.partition("#")
        found = _WEIGHT.match(text)
        weight = float(found[1]) if found else 100.0 if sign == "=" else 0.0
        answers.append(
            _Answer(sign, weight, (text[found.end() :] if found else text).strip(), feedback.strip())
        )
    return answers


def _match(draft: Draft, answers: list[_Answer], how: str) -> None:
    draft.kind = QuestionKind.MATCH
    names: list[str] = []
    for answer in answers:
        left, _, right = answer.text.partition("->")
        name = restored(right).strip()
        need(name, mark("A text is empty."))
        if name not in names:
            names.append(name)
            draft.options.append(text_of(name))
        found = _FORMAT.match(left)
        if (left[found.end() :] if found else left).strip():
            draft.prompts.append(_text(left, how))
            draft.key.append(names.index(name) + 1)


def _short(draft: Draft, answers: list[_Answer]) -> None:
    draft.kind = QuestionKind.SHORT
    texts = [a.text[found.end() :] if (found := _FORMAT.match(a.text)) else a.text for a in answers]
    accept_texts(
        draft, [(" ".join(restored(t).split()), a.weight) for t, a in zip(texts, answers, strict=True)]
    )


def accept_texts(draft: Draft, answers: list[tuple[str, float]]) -> None:
    """The fully right ones. A star stands for any letters, here as there; \\* is one of its own, not kept."""
    top = max((weight for _, weight in answers), default=0.0)
    need(top > 0, mark("It has no right answer."))
    right = [text for text, weight in answers if weight == top]
    if any(0 < weight < top for _, weight in answers):
        draft.remark(mark("Answers that are half right are not kept."))
    if not draft.own:
        need(not all(set(text) <= {"*"} for text in right), mark("Every answer would be right."))
        kept = [text for text in right if "\\*" not in text and set(text) - {"*"}]
        need(kept, mark("A star of its own can't be told from one that stands for any letters."))
        if len(kept) < len(right):
            draft.remark(mark("Answers with a star of their own, or of stars alone, are not kept."))
        right = kept
    draft.accept = [{"text": text} for text in dict.fromkeys(right)]


def _numeric(draft: Draft, inside: str) -> None:
    draft.kind = QuestionKind.NUMERIC
    answers = _split(draft, inside.strip())
    _lose_feedback(draft, any(a.feedback for a in answers))
    right = [a for a in answers if a.weight > 0 and a.text.strip() not in ("", "*")]
    top = max((a.weight for a in right), default=0.0)
    if any(a.weight < top for a in right):
        draft.remark(mark("Answers that are half right are not kept."))
    draft.accept = [number_range(restored(a.text)) for a in right if a.weight == top]


def number_range(said: str) -> dict[str, float]:
    """5, 5:0.1 (either side) or 4.9..5.1."""
    said = said.strip()
    try:
        if ".." in said:
            low, _, high = said.partition("..")
            ends = float(low), float(high)
        else:
            middle, _, width = said.partition(":")
            centre, either = float(middle), abs(float(width or 0))
            ends = _steady(centre - either), _steady(centre + either)
    except ValueError:
        raise UnfitError(mark("Its answer is not a number: %(text)s."), text=said[:40]) from None
    need(all(map(math.isfinite, ends)), mark("A range of its answer is not one."))
    return {"low": min(ends), "high": max(ends)}


def _steady(number: float) -> float:
    """Without the dust of binary fractions: 3.1415 + 0.0005 is 3.142."""
    return float(f"{number:.15g}")
