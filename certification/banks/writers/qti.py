"""A content package of QTI 2.1: an item a question, both languages side by side, our own marks in the manifest.

A text in two languages is two neighbours with `xml:lang`; where both are the same it stands once.
"""

import io
import zipfile
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

from lxml import etree

from certification.banks.form import QuestionForm
from certification.banks.markup import VOID, escaped, rewritten
from certification.banks.own import own_element
from certification.banks.readers.body import STEM
from certification.banks.rules import QuestionKind
from portal.files.xml import Element

QTI = "http://www.imsglobal.org/xsd/imsqti_v2p1"
PACKAGING = "http://www.imsglobal.org/xsd/imscp_v1p1"
_TEMPLATES = "http://www.imsglobal.org/question/qti_v2p1/rptemplates/"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_THEN = (1980, 1, 1, 0, 0, 0)  # the same bank is the same file


def write_qti(questions: Sequence[QuestionForm]) -> bytes:
    manifest = etree.Element(_cp("manifest"), nsmap={None: PACKAGING}, identifier="MANIFEST")
    about = etree.SubElement(manifest, _cp("metadata"))
    etree.SubElement(about, _cp("schema")).text = "QTIv2.1 Package"
    etree.SubElement(about, _cp("schemaversion")).text = "1.0.0"
    etree.SubElement(manifest, _cp("organizations"))
    resources = etree.SubElement(manifest, _cp("resources"))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:

        def put(name: str, content: bytes) -> None:
            archive.writestr(zipfile.ZipInfo(name, _THEN), content, zipfile.ZIP_DEFLATED)

        for n, question in enumerate(questions, 1):
            name = f"items/q{n}.xml"
            resource = etree.SubElement(
                resources, _cp("resource"), identifier=f"Q{n}", type="imsqti_item_xmlv2p1", href=name
            )
            etree.SubElement(resource, _cp("metadata")).append(own_element(question))
            etree.SubElement(resource, _cp("file"), href=name)
            for picture, content in question.pictures.items():
                etree.SubElement(resource, _cp("file"), href=f"items/q{n}/{picture}")
                put(f"items/q{n}/{picture}", content)
            put(name, _bytes(_Item(question, n).root))
        put("imsmanifest.xml", _bytes(manifest))
    return out.getvalue()


def _cp(name: str) -> str:
    return f"{{{PACKAGING}}}{name}"


def _bytes(root: Element) -> bytes:
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


class _Fragment(HTMLParser):
    """Sanitised HTML → elements in the namespace of QTI, into a parent."""

    def __init__(self, parent: Element) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [parent]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = etree.SubElement(self.open[-1], f"{{{QTI}}}{tag}", {k: v or "" for k, v in attrs})
        if tag == "img" and "alt" not in element.attrib:
            element.set("alt", "")
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and len(self.open) > 1:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        last = self.open[-1]
        if len(last):
            last[-1].tail = (last[-1].tail or "") + data
        else:
            last.text = (last.text or "") + data


class _Item:
    def __init__(self, question: QuestionForm, n: int) -> None:
        self.question, self.n = question, n
        self.root = etree.Element(
            f"{{{QTI}}}assessmentItem",
            nsmap={None: QTI},
            identifier=f"Q{n}",
            title=question.code,
            adaptive="false",
            timeDependent="false",
        )
        kind = QuestionKind(question.kind)
        write = {
            QuestionKind.ORDER: self._order,
            QuestionKind.MATCH: self._match,
            QuestionKind.NUMERIC: self._numeric,
            QuestionKind.SHORT: self._short,
            QuestionKind.LONG: self._long,
        }.get(kind, self._choice)
        self.response = self._put(self.root, "responseDeclaration", identifier="RESPONSE")
        for name, base, value in (("SCORE", "float", "0"), ("MAXSCORE", "float", str(question.points))):
            outcome = self._put(
                self.root, "outcomeDeclaration", identifier=name, cardinality="single", baseType=base
            )
            self._put(self._put(outcome, "defaultValue"), "value", value)
        self._put(
            self.root,
            "outcomeDeclaration",
            identifier="FEEDBACK",
            cardinality="single",
            baseType="identifier",
        )
        self.body = self._put(self.root, "itemBody")
        self._text(self._put(self.body, "div", **{"class": STEM}), question.stem)
        write()
        if question.why["zh"] or question.why["en"]:
            shown = {"outcomeIdentifier": "FEEDBACK", "identifier": "WHY", "showHide": "show"}
            self._text(self._put(self.root, "modalFeedback", **shown), question.why)

    def _put(self, parent: Element, name: str, text: str | None = None, **attributes: str) -> Element:
        element = etree.SubElement(parent, f"{{{QTI}}}{name}", attributes)
        element.text = text
        return element

    def _text(self, parent: Element, text: Mapping[str, Any]) -> None:
        html = self.question.markup == "html"
        both = {
            n: rewritten(text[n], lambda p: f"q{self.n}/{p}") if html else escaped(text[n])
            for n in ("zh", "en")
        }
        if both["zh"] == both["en"]:
            _fill(parent, both["en"])
            return
        for n, language in (("en", "en"), ("zh", "zh-CN")):
            _fill(self._put(parent, "div", **{_LANG: language}), both[n])

    def _declare(self, cardinality: str, base: str, right: Sequence[str]) -> None:
        self.response.set("cardinality", cardinality)
        self.response.set("baseType", base)
        if right:
            correct = self._put(self.response, "correctResponse")
            for value in right:
                self._put(correct, "value", value)

    def _process(self, template: str) -> None:
        self._put(self.root, "responseProcessing", template=_TEMPLATES + template)

    def _choice(self) -> None:
        several = self.question.kind == QuestionKind.SEVERAL
        self._declare("multiple" if several else "single", "identifier", [f"O{k}" for k in self.question.key])
        self._options("choiceInteraction", maxChoices="0" if several else "1")
        self._process("match_correct")

    def _order(self) -> None:
        self._declare("ordered", "identifier", [f"O{k}" for k in self.question.key])
        self._options("orderInteraction")
        self._process("match_correct")

    def _options(self, name: str, **more: str) -> None:
        asked = self._put(self.body, name, responseIdentifier="RESPONSE", shuffle="true", **more)
        for n, option in enumerate(self.question.options, 1):
            fixed = "true" if option.get("fixed") else "false"
            self._text(self._put(asked, "simpleChoice", identifier=f"O{n}", fixed=fixed), option)

    def _match(self) -> None:
        pairs = [f"P{n} O{k}" for n, k in enumerate(self.question.key, 1)]
        self._declare("multiple", "directedPair", pairs)
        asked = self._put(
            self.body, "matchInteraction", responseIdentifier="RESPONSE", shuffle="true", maxAssociations="0"
        )
        for letter, texts, most in (("P", self.question.prompts, "1"), ("O", self.question.options, "0")):
            side = self._put(asked, "simpleMatchSet")
            for n, text in enumerate(texts, 1):
                self._text(
                    self._put(side, "simpleAssociableChoice", identifier=f"{letter}{n}", matchMax=most), text
                )
        self._process("match_correct")

    def _numeric(self) -> None:
        self._declare("single", "float", [repr(self.question.accept[0]["low"])])
        self._put(self._put(self.body, "p"), "textEntryInteraction", responseIdentifier="RESPONSE")
        marking = self._put(self._put(self.root, "responseProcessing"), "responseCondition")
        branch = self._put(marking, "responseIf")
        either = self._put(branch, "or")
        for accepted in self.question.accept:
            both = self._put(either, "and")
            for name, value in (("gte", accepted["low"]), ("lte", accepted["high"])):
                compared = self._put(both, name)
                self._put(compared, "variable", identifier="RESPONSE")
                self._put(compared, "baseValue", repr(value), baseType="float")
        outcome = self._put(branch, "setOutcomeValue", identifier="SCORE")
        self._put(outcome, "baseValue", str(self.question.points), baseType="float")

    def _short(self) -> None:
        texts = [a["text"] for a in self.question.accept]
        self._declare("single", "string", texts[:1])
        mapping = self._put(self.response, "mapping", defaultValue="0")
        for text in texts:
            case = "true" if self.question.case else "false"
            self._put(
                mapping, "mapEntry", mapKey=text, mappedValue=str(self.question.points), caseSensitive=case
            )
        self._put(self._put(self.body, "p"), "textEntryInteraction", responseIdentifier="RESPONSE")
        self._process("map_response")

    def _long(self) -> None:
        self._declare("single", "string", [])
        if self.question.rubric:
            block = self._put(self.body, "rubricBlock", view="scorer")
            rows = self._put(block, "ul")
            for row in self.question.rubric:
                item = self._put(rows, "li")
                self._text(item, row)
                self._put(item, "div", f"({row['points']})")
        self._put(self.body, "extendedTextInteraction", responseIdentifier="RESPONSE")


def _fill(parent: Element, said: str) -> None:
    parser = _Fragment(parent)
    parser.feed(said)
    parser.close()
