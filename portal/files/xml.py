"""XML of strangers: no entities, no document type with content, nothing fetched, a bounded depth."""

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from portal.files.reading import UnreadableFileError
from portal.refusal import mark

# ASCII stands for itself in all of these, so a document type can't hide.
_ENCODINGS = re.compile(
    rb"(utf-?8|us-ascii|ascii|iso-?8859-\d+|windows-125\d|gb18030|gbk|gb2312|big5|euc-(jp|kr)|shift_jis)",
    re.IGNORECASE,
)
_DECLARED = re.compile(rb"""<\?xml[^<>]{0,200}?\bencoding\s{0,9}=\s{0,9}["']([^"'<>]{1,40})["']""")
_SUBSET = re.compile(rb"""<!DOCTYPE(?:[^"'\[>]|"[^"]*"|'[^']*')*\[""")

Element = Any  # of lxml, which brings no types


def parse_xml(content: bytes) -> Element:
    """The root. UnreadableFileError when it is not well-formed, nested deeper than 256, or brings entities."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            text = content.decode("utf-16")
        except UnicodeDecodeError:
            raise UnreadableFileError(NOT_XML) from None
        content = re.sub(r"^\s*<\?xml[^<>]*\?>", "", text).encode("utf-8", "replace")
    content = content.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    if b"\0" in content:
        raise UnreadableFileError(NOT_XML)
    declared = _DECLARED.match(content)
    if declared and not _ENCODINGS.fullmatch(declared[1]):
        raise UnreadableFileError(mark("The file's encoding is not read. Please save it as UTF-8."))
    if _brings_entities(content):
        raise UnreadableFileError(
            mark("The file declares a document type with entities of its own, which is not read.")
        )
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError):
        raise UnreadableFileError(NOT_XML) from None
    if root is None:
        raise UnreadableFileError(NOT_XML)
    return root


NOT_XML = mark("This is not well-formed XML, or it is nested too deeply.")


def _brings_entities(content: bytes) -> bool:
    """A document type with an internal subset, looked for where alone it may stand: before the root."""
    at = 0
    while True:
        while content[at : at + 1].isspace():
            at += 1
        if content.startswith(b"<!DOCTYPE", at):
            return bool(_SUBSET.match(content, at))
        end = b"?>" if content.startswith(b"<?", at) else b"-->" if content.startswith(b"<!--", at) else b""
        found = content.find(end, at + 2) if end else -1
        if found < 0:
            return False
        at = found + len(end)


def local(element: Element) -> str:
    """The name in one spelling for all versions: `qti-simple-choice` and `simpleChoice` → `simplechoice`."""
    name = element.tag if isinstance(element.tag, str) else ""
    return name.rpartition("}")[2].removeprefix("qti-").replace("-", "").replace("_", "").lower()


def attribute(element: Element, name: str, default: str = "") -> str:
    """By its name without hyphens, small letters: `responseIdentifier`, `response-identifier`."""
    for key, value in element.attrib.items():
        if str(key).rpartition("}")[2].replace("-", "").lower() == name:
            return str(value)
    return default


def within(element: Element, *names: str) -> Iterator[Element]:
    """Descendants of those names (as `local` spells them), in the order of the file."""
    return (e for e in element.iter(etree.Element) if e is not element and local(e) in names)


def children(element: Element, *names: str) -> list[Element]:
    return [e for e in element if isinstance(e.tag, str) and (not names or local(e) in names)]


def first(element: Element | None, *names: str) -> Element | None:
    return next(within(element, *names), None) if element is not None else None


def words(element: Element | None) -> str:
    """All text in it, white space as single spaces."""
    return " ".join("".join(str(t) for t in element.itertext()).split()) if element is not None else ""


def line_of(element: Element) -> int:
    return int(element.sourceline or 0)
