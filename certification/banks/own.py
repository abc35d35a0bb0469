"""What our own exports say beside a format: an element in our namespace for all that the format has no place for."""

from dataclasses import dataclass, field

from lxml import etree

from certification.banks.form import QuestionForm
from certification.banks.markup import Text, escaped
from certification.banks.rules import QuestionKind
from portal.files.xml import Element, children

NAMESPACE = "urn:yuqiao:question:1"


@dataclass
class Own:
    kind: QuestionKind
    code: str
    topic: str
    group: str
    level: int
    markup: str
    points: int
    case: bool
    fixed: set[int]
    order: list[int]  # of the options as written: their numbers in the bank
    tags: list[str] = field(default_factory=list)
    enemies: list[str] = field(default_factory=list)
    rubric: list[tuple[Text, int]] = field(default_factory=list)


def own_element(form: QuestionForm, *, order: list[int] | None = None) -> Element:
    element = etree.Element(f"{{{NAMESPACE}}}question", nsmap={"yq": NAMESPACE})
    for name in ("code", "topic", "group", "level", "kind", "markup", "points", "case"):
        element.set(name, str(getattr(form, name)).lower() if name == "case" else str(getattr(form, name)))
    element.set("fixed", " ".join(str(n) for n, o in enumerate(form.options, 1) if o.get("fixed")))
    element.set("order", " ".join(map(str, order or [])))
    for name, texts in (("tag", form.tags), ("enemy", form.enemies)):
        for text in texts:
            etree.SubElement(element, f"{{{NAMESPACE}}}{name}").text = text
    for row in form.rubric:
        criterion = etree.SubElement(element, f"{{{NAMESPACE}}}criterion", points=str(row["points"]))
        for language in ("zh", "en"):
            text = row[language] if form.markup == "html" else escaped(row[language])
            etree.SubElement(criterion, f"{{{NAMESPACE}}}{language}").text = text
    return element


def own_of(element: Element | None) -> Own | None:
    """What such an element in it says; None without one, or with one that is not whole (the format alone counts)."""
    found = None
    if element is not None:
        found = next(element.iter(f"{{{NAMESPACE}}}question"), None)
    if found is None:
        return None
    try:
        return Own(
            QuestionKind(found.get("kind", "")),
            found.get("code", ""),
            found.get("topic", ""),
            found.get("group", ""),
            int(found.get("level", "1")),
            {"plain": "plain", "html": "html"}[found.get("markup", "")],
            int(found.get("points", "1")),
            found.get("case") == "true",
            {int(n) for n in found.get("fixed", "").split()},
            [int(n) for n in found.get("order", "").split()],
            [e.text or "" for e in children(found, "tag")],
            [e.text or "" for e in children(found, "enemy")],
            [_criterion(e) for e in children(found, "criterion")],
        )
    except (KeyError, ValueError, AttributeError):
        return None


def _criterion(element: Element) -> tuple[Text, int]:
    zh, en = (
        "".join(text for part in children(element, language) for text in part.itertext())
        for language in ("zh", "en")
    )
    return Text(zh, en, html=True), int(element.get("points", "0"))
