"""QTI 1.2: single items, the exports of Canvas, Common Cartridge and, as far as they are plain, Blackboard.

The structure decides what a question is; `question_type`, `cc_profile` and the like only name what is not read.
"""

import math
import posixpath
import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from certification.banks.build import NO_TOPIC, Collected, Draft, choose
from certification.banks.form import MOST_OPTIONS, QuestionFile, UnfitError, need
from certification.banks.markup import Text, escaped, text_of
from certification.banks.readers.moodle import around
from certification.banks.readers.qti import stars
from certification.banks.rules import QuestionKind
from portal.files.reading import Sentence
from portal.files.xml import Element, attribute, children, first, line_of, local, within, words
from portal.refusal import mark

_NOT_READ = mark("Questions of this kind are not read: %(kind)s.")
_RESPONSES = ("responselid", "responsestr", "responsenum", "responsegrp", "responsexy", "responseextension")
_NOT_QUESTIONS = {
    "calculated_question",
    "file_upload_question",
    "fill_in_multiple_blanks_question",
    "multiple_dropdowns_question",
    "hot_spot_question",
}


def read_interop(root: Element) -> QuestionFile:
    found = Collected()
    read_items(found, root)
    return found.file()


def read_items(
    found: Collected, root: Element, *, path: str = "", files: Mapping[str, bytes] | None = None
) -> int:
    """Every item of a file, its assessment and section as topic; how many there are."""
    items = list(within(root, "item"))
    for number, item in enumerate(items, 1):
        values = {"n": number, "line": line_of(item)}
        place = (
            Sentence(mark("%(file)s, question %(n)s at line %(line)s"), {"file": path, **values})
            if path
            else Sentence(mark("question %(n)s at line %(line)s"), values)
        )
        found.read(place, lambda item=item, place=place: _item(item, place, path, files or {}))  # type: ignore[misc]
    return len(items)


def _titles(item: Element) -> list[str]:
    """Of the assessment or bank and of the sections that it stands in, from the outside."""
    above = [e for e in item.iterancestors() if local(e) in ("assessment", "objectbank", "section")]
    said = [
        attribute(e, "title") or ("" if local(e) == "section" else _metadata(e).get("bank_title", ""))
        for e in above
    ]
    return [t for t in reversed(said) if t and t.lower() != "root section"]


def _metadata(element: Element) -> dict[str, str]:
    found = {
        words(first(f, "fieldlabel")).lower(): words(first(f, "fieldentry"))
        for f in within(element, "qtimetadatafield")
    }
    return found | {local(e): words(e) for e in within(element, "bbmdquestiontype")}


def _finder(path: str, files: Mapping[str, bytes]) -> Callable[[str], bytes | None]:
    """Addresses as Canvas and Common Cartridge write them: from the folder web_resources, or beside the file."""

    def find(source: str) -> bytes | None:
        name = unquote(source).partition("?")[0]
        if "$IMS-CC-FILEBASE$" in name:
            name = "web_resources/" + name.partition("$IMS-CC-FILEBASE$")[2].lstrip("/").removeprefix("../")
            return files.get(posixpath.normpath(name))
        return files.get(posixpath.normpath(posixpath.join(posixpath.dirname(path), name)))

    return find


def _item(item: Element, place: Sentence, path: str, files: Mapping[str, bytes]) -> Draft:
    said = _metadata(item)
    kind = said.get("question_type") or said.get("cc_profile") or said.get("bbmdquestiontype", "")
    if kind in _NOT_QUESTIONS or kind.startswith("cc.pattern_match"):
        raise UnfitError(_NOT_READ, kind=kind[:60])
    presentation = first(item, "presentation")
    if presentation is None or kind == "text_only_question":
        raise UnfitError(mark("It asks nothing: a text between questions."))
    responses = [r for r in within(presentation, *_RESPONSES) if not list(within(r, *_RESPONSES))]
    need(responses or kind, mark("It asks nothing: a text between questions."))
    need(responses, _NOT_READ, kind=kind[:60])
    odd = next((r for r in responses if local(r) not in _RESPONSES[:3]), None)
    need(odd is None, _NOT_READ, kind=(kind or (local(odd) if odd is not None else ""))[:60])
    titles = _titles(item)
    draft = Draft(
        place,
        QuestionKind.LONG,
        _material(presentation),
        title=attribute(item, "ident") or attribute(item, "title"),
        topic=next(iter(titles), NO_TOPIC),
        group="/".join(titles),
        find=_finder(path, files),
    )
    points = said.get("points_possible", said.get("qmd_absolutescore_max", ""))
    if points.replace(".0", "").isdecimal() and 1 <= float(points) <= 100:
        draft.points = int(float(points))
    for feedback in within(item, "itemfeedback"):
        if attribute(feedback, "ident").lower() in ("general_fb", "solution", "general"):
            draft.why = _material(feedback)
        elif _material(feedback):
            draft.remark(mark("Remarks on single answers are not kept."))
    _read(draft, item, responses, kind)
    return draft


def _read(draft: Draft, item: Element, responses: list[Element], kind: str) -> None:
    conditions = _conditions(item)
    one = responses[0]
    if all(local(r) == "responselid" for r in responses):
        if len(responses) > 1:
            _match(draft, responses, conditions)
        elif attribute(one, "rcardinality").lower() == "ordered":
            _order(draft, one, conditions)
        else:
            _choice(draft, one, conditions)
        return
    fields = [f for r in responses for f in (list(within(r, "renderfib")) or [r])]
    need(len(fields) == 1, mark("It asks for %(n)s answers at once, which is not read."), n=len(fields))
    need(
        len(list(within(one, "responselabel"))) < 2,
        mark("It asks for %(n)s answers at once, which is not read."),
        n=len(list(within(one, "responselabel"))),
    )
    number = local(one) == "responsenum" or attribute(fields[0], "fibtype").lower() in ("integer", "decimal")
    if number or kind in ("numerical_question", "Numeric"):
        _numeric(draft, attribute(one, "ident"), conditions)
    elif any(c.score > 0 for c in conditions) and "essay" not in kind.lower():
        _short(draft, attribute(one, "ident"), conditions)
    # else: nothing is right by itself, a person reads it


# ——— Texts ———


def _material(element: Element | None) -> Text:
    """The material in it, without what belongs to its responses."""
    out: list[str] = []
    rich = False

    def walk(part: Element) -> None:
        nonlocal rich
        for child in part:
            name = local(child)
            if name in _RESPONSES:
                continue
            if name in ("mattext", "matformattedtext"):
                raw = "".join(str(t) for t in child.itertext())
                html = attribute(child, "texttype", attribute(child, "type")).lower() in ("text/html", "html")
                rich = rich or html
                out.append(raw if html else escaped(re.sub(r"\s+", " ", raw)))
            elif name == "matimage":
                rich = True
                source = attribute(child, "uri") or attribute(child, "embedded")
                out.append(f'<img src="{source}" alt="{attribute(child, "label")}">')
            elif name == "matbreak":
                out.append("<br>")
            else:
                walk(child)
                if name in ("material", "flow", "flowmat"):
                    out.append(" ")

    if element is not None:
        walk(element)
    return text_of("".join(out).strip(), html=True)


# ——— Marking ———


class _Condition:
    """What must hold, and what it adds to the score."""

    def __init__(self, element: Element) -> None:
        self.said = first(element, "conditionvar")
        scores = [
            s for s in children(element, "setvar") if attribute(s, "action", "Set").lower() != "subtract"
        ]
        values = [_score(words(s)) for s in scores]
        self.score = max(values, default=0.0)
        if not values and attribute(element, "title").lower() in ("correct", "correct_answer"):
            self.score = 1.0
        self.adds = any(attribute(s, "action").lower() == "add" for s in scores)

    def right(self, identifier: str = "") -> list[str]:
        """What must be chosen or written (not what must not), of one response or of any."""
        if self.said is None:
            return []
        return [
            words(e)
            for e in within(self.said, "varequal")
            if not any(local(a) == "not" for a in e.iterancestors())
            and (not identifier or attribute(e, "respident") == identifier)
        ]


def _score(said: str) -> float:
    if said.upper().endswith(".MAX"):
        return 100.0
    try:
        value = float(said)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) else 0.0


def _conditions(item: Element) -> list[_Condition]:
    return [_Condition(e) for e in within(item, "respcondition")]


def _labels(response: Element) -> dict[str, Text]:
    labels = list(within(response, "responselabel"))
    need(len(labels) <= MOST_OPTIONS, mark("It has more than 100 options."))
    return {attribute(e, "ident"): _material(e) for e in labels}


def _choice(draft: Draft, one: Element, conditions: list[_Condition]) -> None:
    labels = _labels(one)
    names = list(labels)
    draft.options = list(labels.values())
    shuffled = [attribute(e, "rshuffle").lower() == "no" for e in within(one, "responselabel")]
    draft.fixed = {n for n, stays in enumerate(shuffled, 1) if stays} or None
    several = attribute(one, "rcardinality").lower() == "multiple"
    weights: dict[int, float] = {}
    for condition in conditions:
        right = condition.right(attribute(one, "ident"))
        need(set(right) <= set(names), mark("Its key is not one of its options."))
        if condition.score > 0:
            for name in right:
                n = names.index(name) + 1
                weights[n] = max(weights.get(n, 0.0), condition.score)
    choose(draft, weights, several=None if several else False)


def _order(draft: Draft, one: Element, conditions: list[_Condition]) -> None:
    draft.kind = QuestionKind.ORDER
    labels = _labels(one)
    right = next((c.right() for c in conditions if c.score > 0), [])
    need(sorted(right) == sorted(labels), mark("It does not say the right order of all its options."))
    draft.options = [labels[name] for name in right]
    draft.key = list(range(1, len(right) + 1))


def _match(draft: Draft, responses: list[Element], conditions: list[_Condition]) -> None:
    """Several choices out of the same options, each with its own text."""
    draft.kind = QuestionKind.MATCH
    need(len(responses) <= MOST_OPTIONS, mark("It has more than 100 options."))
    known: list[Text] = []
    for response in responses:
        labels = _labels(response)
        prompt = _material(next((m for m in children(response, "material")), None))
        need(
            prompt and all(labels.values()),
            mark("It asks for %(n)s answers at once, which is not read."),
            n=len(responses),
        )
        known += [text for text in labels.values() if text not in known]
        right = [name for c in conditions if c.score > 0 for name in c.right(attribute(response, "ident"))]
        need(len(set(right)) == 1 and right[0] in labels, mark("Not everything on its left has its answer."))
        draft.prompts.append(prompt)
        draft.key.append(known.index(labels[right[0]]) + 1)
    draft.options = known


def _short(draft: Draft, identifier: str, conditions: list[_Condition]) -> None:
    draft.kind = QuestionKind.SHORT
    good = [c for c in conditions if c.score > 0]
    partial = [
        c for c in good if c.said is not None and first(c.said, "varsubstring", "varsubset") is not None
    ]
    need(not partial, mark("A part of the answer is enough, which is not read."))
    top = max((c.score for c in good), default=0.0)
    if any(c.score < top for c in good):
        draft.remark(mark("Answers that are half right are not kept."))
    best = [c for c in good if c.score == top]
    texts = [text for c in best for text in c.right(identifier)]
    draft.case = any(
        attribute(e, "case").lower() == "yes"
        for c in best
        if c.said is not None
        for e in within(c.said, "varequal")
    )
    draft.accept = [{"text": text} for text in dict.fromkeys(texts)]
    stars(draft)


def _numeric(draft: Draft, identifier: str, conditions: list[_Condition]) -> None:
    draft.kind = QuestionKind.NUMERIC
    top = max((c.score for c in conditions), default=0.0)
    if any(0 < c.score < top for c in conditions):
        draft.remark(mark("Answers that are half right are not kept."))
    for condition in conditions:
        if condition.score == top > 0 and condition.said is not None:
            draft.accept += _ranges(condition.said)
    whole = [r for r in draft.accept if r["low"] < r["high"]]
    # Canvas writes the number and the range about it; the range says both.
    draft.accept = [
        r
        for r in draft.accept
        if r in whole or not any(w["low"] <= r["low"] and r["high"] <= w["high"] for w in whole)
    ]
    need(identifier or draft.accept, mark("It has no right answer."))


def _ranges(said: Element) -> list[dict[str, float]]:
    found: list[dict[str, float]] = []
    low = high = None
    for part in children(said):
        name = local(part)
        if name in ("or", "and"):
            found += _ranges(part)
        elif name == "varequal":
            found.append(around(words(part), ""))
        elif name in ("vargte", "vargt"):
            value = around(words(part), "")["low"]
            low = math.nextafter(value, math.inf) if name == "vargt" else value
        elif name in ("varlte", "varlt"):
            value = around(words(part), "")["low"]
            high = math.nextafter(value, -math.inf) if name == "varlt" else value
    if low is not None or high is not None:
        need(low is not None and high is not None, mark("A range of its answer is not one."))
        found.append({"low": low or 0.0, "high": high or 0.0})
    return found
