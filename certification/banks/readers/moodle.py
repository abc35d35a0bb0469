"""Moodle's XML. Read: multichoice, truefalse, shortanswer, numerical, matching, ordering, essay.

Everything else (cloze, gaps to drag into, calculated, descriptions, random, plug-ins) is listed with its place.
"""

import base64
import binascii
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation, localcontext
from urllib.parse import unquote

from certification.banks.build import NO_TOPIC, Collected, Draft, choose
from certification.banks.form import MOST_OPTIONS, MOST_TEXT, QuestionFile, UnfitError, need
from certification.banks.markup import Text, looks_like_html, plain_of, text_of, text_of_markdown
from certification.banks.own import own_of
from certification.banks.readers.category import topic_and_group
from certification.banks.readers.gift import accept_texts
from certification.banks.rules import QuestionKind
from portal.files.reading import Sentence
from portal.files.xml import Element, children, line_of, words
from portal.refusal import mark

FILES = "@@PLUGINFILE@@/"


def read_moodle(root: Element) -> QuestionFile:
    found = Collected()
    topic, group, number = NO_TOPIC, "", 0
    for element in children(root, "question"):
        kind = element.get("type", "").strip().lower()
        if kind == "category":
            topic, group = topic_and_group(words(_child(element, "category")))
            continue
        number += 1
        place = Sentence(mark("question %(n)s at line %(line)s"), {"n": number, "line": line_of(element)})

        def read(
            element: Element = element,
            kind: str = kind,
            place: Sentence = place,
            at: tuple[str, str] = (topic, group),
        ) -> Draft:
            draft = _question(element, kind, place)
            draft.topic, draft.group = at
            return draft

        found.read(place, read)
    return found.file()


def _child(element: Element, name: str) -> Element | None:
    return next(iter(children(element, name)), None)


def _inner(element: Element | None) -> str:
    """The text in <text>, or the element's own."""
    if element is None:
        return ""
    text = _child(element, "text")
    return "".join(str(t) for t in (text if text is not None else element).itertext())


def _text(element: Element | None, default: str = "moodle_auto_format") -> Text:
    raw = _inner(element)
    need(len(raw) <= 4 * MOST_TEXT, mark("A text is longer than 100,000 characters."))
    how = (element.get("format") or default) if element is not None else default
    if how == "html":
        return text_of(raw, html=True)
    if how == "markdown":
        return text_of_markdown(raw)
    if how != "plain_text" and looks_like_html(raw):
        return text_of(raw.strip().replace("\n", "<br>"), html=True)
    return text_of(raw)


def _files(element: Element) -> Callable[[str], bytes | None]:
    """The pictures that came along, by the address the text gives them."""
    kept = {
        (e.get("path", "/").strip("/") + "/" + e.get("name", "")).lstrip("/"): e.text or ""
        for e in element.iter("file")
    }

    def find(source: str) -> bytes | None:
        named = source.startswith((FILES, "picture:"))
        said = kept.get(unquote(source.removeprefix(FILES).removeprefix("picture:"))) if named else None
        try:
            return base64.b64decode(said) if said is not None else None
        except (binascii.Error, ValueError):
            return None

    return find


def _question(element: Element, kind: str, place: Sentence) -> Draft:
    need(kind != "description", mark("It asks nothing: a text between questions."))
    read = _READ.get(kind)
    if read is None:
        raise UnfitError(mark("Questions of this kind are not read: %(kind)s."), kind=kind[:40] or "?")
    draft = Draft(
        place,
        QuestionKind.LONG,
        _text(_child(element, "questiontext")),
        code=_inner(_child(element, "idnumber")).strip(),
        title=plain_of(_inner(_child(element, "name"))),
        why=_text(_child(element, "generalfeedback")),
        tags=[_inner(tag) for tag in element.iter("tag")],
        find=_files(element),
        own=own_of(element),
    )
    for name in ("answer", "subquestion"):
        need(len(children(element, name)) <= MOST_OPTIONS, mark("It has more than 100 options."))
    draft.points = _points(draft, words(_child(element, "defaultgrade")))
    if any(_inner(f).strip() for answer in children(element, "answer") for f in children(answer, "feedback")):
        draft.remark(mark("Remarks on single answers are not kept."))
    if any(_inner(hint).strip() for hint in children(element, "hint")):
        draft.remark(mark("Hints are not kept."))
    read(draft, element)
    return draft


def _points(draft: Draft, said: str) -> int:
    if draft.own:
        return draft.own.points
    try:
        grade = float(said or 1)
    except ValueError:
        grade = 1.0
    points = int(min(max(round(grade), 1), 100))
    if points != grade:
        draft.remark(mark("Its points were rounded to %(n)s."), n=points)
    return points


def _weight(answer: Element) -> float:
    try:
        return float(answer.get("fraction", "0"))
    except ValueError:
        return 0.0


def _choice(draft: Draft, element: Element) -> None:
    answers = children(element, "answer")
    draft.options = [_text(a) for a in answers]
    alone = words(_child(element, "single")).lower() in ("true", "1", "")
    choose(draft, {n: _weight(a) for n, a in enumerate(answers, 1)}, several=False if alone else None)
    if not alone and len(draft.key) == 1 and draft.own is None:
        draft.remark(mark("It allowed several answers and has one right one; it now asks for one."))
    if draft.own and draft.own.kind in (QuestionKind.ONE, QuestionKind.SEVERAL):
        draft.kind = draft.own.kind


def _true_false(draft: Draft, element: Element) -> None:
    draft.kind = QuestionKind.TRUE_FALSE
    right = [_inner(a).strip().lower() for a in children(element, "answer") if _weight(a) > 0]
    need(len(right) == 1 and right[0] in ("true", "false"), mark("None of its options is right."))
    draft.key = [1 if right == ["true"] else 2]


def _short(draft: Draft, element: Element) -> None:
    draft.kind = QuestionKind.SHORT
    draft.case = words(_child(element, "usecase")) == "1"
    accept_texts(draft, [(_inner(a).strip(), _weight(a)) for a in children(element, "answer")])


def _numeric(draft: Draft, element: Element) -> None:
    draft.kind = QuestionKind.NUMERIC
    answers = [a for a in children(element, "answer") if _weight(a) > 0 and _inner(a).strip() != "*"]
    top = max(map(_weight, answers), default=0.0)
    if any(_weight(a) < top for a in answers):
        draft.remark(mark("Answers that are half right are not kept."))
    for answer in answers:
        if _weight(answer) == top:
            draft.accept.append(around(_inner(answer), words(_child(answer, "tolerance"))))
    units = [words(_child(u, "unitname")) for u in element.iter("unit")]
    if any(units):
        draft.remark(
            mark("Units are not kept; the answer is the number alone (%(units)s)."), units=", ".join(units)
        )


def around(middle: str, either: str) -> dict[str, float]:
    """The range about a number, exact: the ends of one that we wrote come back to the last bit."""
    try:
        with localcontext() as context:
            context.prec = 700
            centre, width = Decimal(middle.strip()), abs(Decimal(either.strip() or "0"))
            need(centre.is_finite() and width.is_finite(), mark("A range of its answer is not one."))
            need(
                abs(centre.adjusted()) < 310 and abs(width.adjusted()) < 330,
                mark("A range of its answer is not one."),
            )
            return {"low": float(centre - width), "high": float(centre + width)}
    except InvalidOperation:
        raise UnfitError(mark("Its answer is not a number: %(text)s."), text=middle.strip()[:40]) from None


def _match(draft: Draft, element: Element) -> None:
    draft.kind = QuestionKind.MATCH
    known: list[Text] = []
    for pair in children(element, "subquestion"):
        answer = _child(pair, "answer")
        text = _text(answer, "html" if re.search("multilang", _inner(answer)) else "moodle_auto_format")
        need(text, mark("A text is empty."))
        if text not in known:
            known.append(text)
        left = _text(pair)
        if left:
            draft.prompts.append(left)
            draft.key.append(known.index(text) + 1)
    draft.options = known


def _order(draft: Draft, element: Element) -> None:
    draft.kind = QuestionKind.ORDER
    answers = sorted(children(element, "answer"), key=_weight)
    draft.options = [_text(a) for a in answers]
    draft.key = list(range(1, len(answers) + 1))


def _essay(draft: Draft, element: Element) -> None:
    for_markers = _text(_child(element, "graderinfo"))
    if for_markers and not draft.own:
        draft.rubric = [(for_markers, draft.points)]
    if words(_child(element, "attachmentsrequired")) not in ("", "0"):
        draft.remark(mark("It asked for a file; it now asks for a text."))


_READ: dict[str, Callable[[Draft, Element], None]] = {
    "multichoice": _choice,
    "truefalse": _true_false,
    "shortanswer": _short,
    "numerical": _numeric,
    "matching": _match,
    "ordering": _order,
    "essay": _essay,
}
