"""The texts of QTI items: XML with two languages side by side → HTML to be sanitised."""

import html
from collections.abc import Iterable

from certification.banks.markup import VOID, Text, tidy
from certification.banks.rendering import TAGS
from portal.files.xml import Element, attribute, local

STEM = "yq-stem"  # how our own export marks a block that is there for QTI alone
GAP = "\ue010"  # stands where an interaction stood
_BLOCKS = {"div", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "section", "dl", "dt", "dd", "prompt"}
_KEPT = TAGS | _BLOCKS | {"a", "audio", "video", "object", "svg", "math", "iframe"}
_DROPPED = {"rubricblock", "stylesheet", "feedbackblock", "feedbackinline", "catalog", "cataloginfo"}


def html_of(parts: Iterable[Element], *, language: str = "", gaps: Iterable[Element] = ()) -> str:
    """The inside of the elements as HTML; of neighbours in two languages the one in `language`."""
    out: list[str] = []
    for part in parts:
        _inside(part, out, language, set(gaps))
    return "".join(out)


def text_from(parts: list[Element], *, gaps: Iterable[Element] = ()) -> Text:
    """Both languages. A gap at the very end is no part of the text; one in it becomes a line."""
    zh, en = (_without_gap(html_of(parts, language=language, gaps=gaps)) for language in ("zh", "en"))
    return Text(tidy(zh), tidy(en), html=True)


def _without_gap(said: str) -> str:
    before, found, after = said.partition(GAP)
    if not found:
        return said
    rest = after
    for tag in ("</p>", "</div>", "</prompt>", "<br>", "<p>", "<div>"):
        rest = rest.replace(tag, "")
    line = "" if not rest.strip(" \n\t.") else "_____"
    return before + line + after.replace(GAP, "_____")


def _inside(element: Element, out: list[str], language: str, gaps: set[Element]) -> None:
    out.append(html.escape(element.text or "", quote=False))
    spoken = {_language(e) for e in element if isinstance(e.tag, str)} & {"zh", "en"}
    for child in element:
        if not isinstance(child.tag, str):
            out.append(html.escape("".join(str(t) for t in child.itertext()), quote=False))
        elif child in gaps:
            out.append(GAP)
        elif child.get("class") == STEM or (
            len(spoken) == 2 and _language(child) == language and local(child) in ("div", "span")
        ):
            _inside(child, out, language, gaps)
        elif len(spoken) < 2 or not language or not _language(child):
            _element(child, out, language, gaps)
        out.append(html.escape(child.tail or "", quote=False))


def _language(element: Element) -> str:
    said = element.get("{http://www.w3.org/XML/1998/namespace}lang", "").lower()
    return "zh" if said.startswith("zh") else "en" if said.startswith("en") else ""


def _element(element: Element, out: list[str], language: str, gaps: set[Element]) -> None:
    name = local(element)
    if name in _DROPPED or name.endswith("interaction"):
        return
    if name == "object" and attribute(element, "type").startswith("image/"):
        out.append(_img(attribute(element, "data"), " ".join("".join(map(str, element.itertext())).split())))
        return
    if name == "img":
        out.append(_img(attribute(element, "src"), attribute(element, "alt")))
        return
    shown = name if name in _KEPT else "span"
    more = "".join(
        f' {key}="{element.get(key)}"'
        for key in ("scope", "colspan", "rowspan")
        if element.get(key, "").isalnum()
    )
    out.append(f"<{shown}{more}>")
    if shown not in VOID:
        _inside(element, out, language, gaps)
        out.append(f"</{shown}>")


def _img(source: str, alt: str) -> str:
    return f'<img src="{html.escape(source)}" alt="{html.escape(alt)}">'
