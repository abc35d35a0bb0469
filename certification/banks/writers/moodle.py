"""Moodle's XML: both languages as multilang spans; what Moodle has no place for in an element of our own."""

import base64
from collections.abc import Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Any

from lxml import etree

from certification.banks.form import QuestionForm
from certification.banks.markup import escaped, pictures_in, rewritten
from certification.banks.own import own_element
from certification.banks.readers.moodle import FILES
from certification.banks.rules import QuestionKind
from portal.files.xml import Element

_TYPES = {
    QuestionKind.ONE: "multichoice",
    QuestionKind.SEVERAL: "multichoice",
    QuestionKind.TRUE_FALSE: "truefalse",
    QuestionKind.ORDER: "ordering",
    QuestionKind.MATCH: "matching",
    QuestionKind.NUMERIC: "numerical",
    QuestionKind.SHORT: "shortanswer",
    QuestionKind.LONG: "essay",
}


def write_moodle(questions: Sequence[QuestionForm]) -> bytes:
    root = etree.Element("quiz")
    at = None
    for question in questions:
        if at != (question.topic, question.group):
            at = (question.topic, question.group)
            category = etree.SubElement(root, "question", type="category")
            path = "/".join(["top", *dict.fromkeys(part.replace("/", "//") for part in at if part)])
            _said(etree.SubElement(category, "category"), f"$course$/{path}")
        root.append(_question(question))
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _said(parent: Element, text: str) -> None:
    etree.SubElement(parent, "text").text = text


def _element(parent: Element, tag: str, text: str, /, **more: str) -> Element:
    element = etree.SubElement(parent, tag, **more)
    element.text = text
    return element


class _Writer:
    def __init__(self, question: QuestionForm, root: Element) -> None:
        self.question, self.root = question, root

    def html(self, text: Mapping[str, str]) -> str:
        both = {n: text[n] if self.question.markup == "html" else escaped(text[n]) for n in ("zh", "en")}
        if both["zh"] == both["en"]:
            return both["en"].replace("{mlang", "&#123;mlang")
        spans = (
            f'<span lang="{lang}" class="multilang">{both[n]}</span>'
            for n, lang in (("en", "en"), ("zh", "zh_cn"))
        )
        return "".join(spans).replace("{mlang", "&#123;mlang")

    def text(self, parent: Element, name: str, text: Mapping[str, str], **more: str) -> Element:
        """The element with its text as HTML and the pictures that it shows."""
        element = etree.SubElement(parent, name, format="html", **more)
        said = self.html(text)
        _said(element, rewritten(said, lambda picture: FILES + picture))
        shown = pictures_in(said) if self.question.markup == "html" else []
        if name == "questiontext":
            options = self.question.options if self.question.kind != QuestionKind.MATCH else []
            marked = [self.question.why, *options, *self.question.prompts]
            elsewhere = {p for t in marked for p in pictures_in(self.html(t))}
            shown += [p for p in self.question.pictures if p not in elsewhere]
        for picture in dict.fromkeys(shown):
            if picture in self.question.pictures:
                data = base64.b64encode(self.question.pictures[picture]).decode()
                _element(element, "file", data, name=picture, path="/", encoding="base64")
        return element


def _question(question: QuestionForm) -> Element:
    kind = QuestionKind(question.kind)
    root = etree.Element("question", type=_TYPES[kind])
    write = _Writer(question, root)
    _said(etree.SubElement(root, "name"), question.code)
    write.text(root, "questiontext", question.stem)
    write.text(root, "generalfeedback", question.why)
    _element(root, "defaultgrade", str(question.points))
    _element(root, "penalty", "0")
    _element(root, "hidden", "0")
    _element(root, "idnumber", question.code)
    order = None
    if kind in (QuestionKind.ONE, QuestionKind.SEVERAL):
        _choices(write, single=kind == QuestionKind.ONE)
    elif kind == QuestionKind.TRUE_FALSE:
        for n, word in ((1, "true"), (2, "false")):
            answer = etree.SubElement(root, "answer", fraction="100" if question.key == [n] else "0")
            _said(answer, word)
    elif kind == QuestionKind.ORDER:
        for n, option in enumerate(question.options, 1):
            write.text(root, "answer", option, fraction=str(n))
    elif kind == QuestionKind.MATCH:
        order = _pairs(write)
    elif kind == QuestionKind.NUMERIC:
        for accepted in question.accept:
            _range(root, accepted)
    elif kind == QuestionKind.SHORT:
        _element(root, "usecase", "1" if question.case else "0")
        for accepted in question.accept:
            answer = etree.SubElement(root, "answer", fraction="100", format="moodle_auto_format")
            _said(answer, accepted["text"])
    else:
        _element(root, "responseformat", "editor")
        listed = "<br>".join(f"{write.html(row)} ({row['points']})" for row in question.rubric)
        _said(etree.SubElement(root, "graderinfo", format="html"), listed)
    tags = etree.SubElement(root, "tags")
    for tag in question.tags:
        _said(etree.SubElement(tags, "tag"), tag)
    root.append(own_element(question, order=order))
    return root


def _choices(write: _Writer, *, single: bool) -> None:
    question, root = write.question, write.root
    _element(root, "single", "true" if single else "false")
    _element(root, "shuffleanswers", "true")
    _element(root, "answernumbering", "abc")
    share = f"{100 / len(question.key):.5f}".rstrip("0").rstrip(".")
    for n, option in enumerate(question.options, 1):
        wrong = "0" if single else "-100"
        write.text(root, "answer", option, fraction=share if n in question.key else wrong)


def _pairs(write: _Writer) -> list[int]:
    """The pairs, then the options that belong to nothing. The options' numbers in the order they stand in."""
    question, root = write.question, write.root
    _element(root, "shuffleanswers", "true")
    spare = [n for n in range(1, len(question.options) + 1) if n not in question.key]
    rows: list[tuple[Mapping[str, str] | None, int]] = [
        *zip(question.prompts, question.key, strict=True),
        *((None, n) for n in spare),
    ]
    for prompt, n in rows:
        pair = write.text(root, "subquestion", prompt or {"zh": "", "en": ""})
        _said(
            etree.SubElement(pair, "answer", format="html"),
            rewritten(write.html(question.options[n - 1]), lambda p: FILES + p),
        )
    return list(dict.fromkeys(n for _, n in rows))


def _range(root: Element, accepted: Mapping[str, Any]) -> None:
    """Middle and tolerance as decimals, which are exact where binary fractions are not."""
    with localcontext() as context:
        context.prec = 700
        low, high = Decimal(repr(accepted["low"])), Decimal(repr(accepted["high"]))
        middle, either = (low + high) / 2, (high - low) / 2
        answer = etree.SubElement(root, "answer", fraction="100")
        _said(answer, f"{middle:f}")
        _element(answer, "tolerance", f"{either:f}")
