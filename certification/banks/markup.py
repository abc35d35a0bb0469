"""Texts of others: two languages taken apart, HTML sanitised, plain text wherever nothing is lost by it."""

import base64
import binascii
import html
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

import nh3
from markdown_it import MarkdownIt

from certification.banks.form import MOST_TEXT, NO_TEXT, need
from certification.banks.pictures import MOST_PICTURES, is_picture, keep
from certification.banks.rendering import ATTRIBUTES, TAGS
from portal.files.reading import Sentence
from portal.refusal import mark

BLOCKS = {"p", "ul", "ol", "li", "pre", "table", "caption", "tr"}
VOID = {"br", "img"}
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
_GONE = {"script", "style", "svg", "audio", "video", "object", "iframe", "canvas", "noscript", "template"}
_SCHEMES = {
    "picture",
    "data",
    "http",
    "https",
    "file",
}  # seen by the filter, which lets only "picture" through
_TAG = re.compile(r"<([A-Za-z][A-Za-z0-9:]*)")
_AS_PARAGRAPH = re.compile(
    r"<(/?)(?:div|h[1-6]|blockquote|section|article|header|footer|center|dl|dt|dd|figure|figcaption|address)"
    r"(?=[\s/>])[^<>]*>",
    re.IGNORECASE,
)
_IMG = re.compile(r"<img([^<>]*)>")
_SRC, _ALT = re.compile(r' src="(picture:[^"<>]*)"'), re.compile(r' alt="([^"<>]*)"')
_EMPTY = re.compile(r"<p>(?:\s|&nbsp;|<br>)*</p>")
_LOOKS = re.compile(
    r"</?(?:p|br|b|i|em|strong|u|sub|sup|ul|ol|li|table|img|span|div|code|pre)(?:\s[^<>]*)?/?>", re.IGNORECASE
)

_LEFT_OUT = {
    mark("Left out: the address of a link."): {"a"},
    mark("Left out: sound or film."): {"audio", "video", "object", "embed", "iframe"},
    mark("Left out: a drawing."): {"svg", "canvas", "map"},
    mark("Left out: the layout of a formula."): {"math", "m:math", "mml:math"},
    mark("Left out: a script."): {"script", "template"},
    mark("Left out: a form."): {"form", "input", "select", "textarea", "button"},
}


@dataclass(frozen=True)
class Text:
    """A text in both languages as its file gives it."""

    zh: str
    en: str
    html: bool = False

    def __bool__(self) -> bool:
        return bool(self.zh.strip() or self.en.strip())


@dataclass
class Laundry:
    """What one question's texts are cleaned with: where its pictures come from, what was left out."""

    find: Callable[[str], bytes | None] = lambda _: None
    pictures: dict[str, bytes] = field(default_factory=dict)
    left_out: list[Sentence] = field(default_factory=list)

    def leave_out(self, what: str) -> None:
        said = Sentence(what)
        if said not in self.left_out:
            self.left_out.append(said)

    def picture(self, source: str) -> str | None:
        """The name of a picture that may be kept; None, with a remark, when it may not."""
        content = _embedded(source) if source[:5].lower() == "data:" else self.find(source)
        if content is None or not is_picture(content) or len(self.pictures) >= MOST_PICTURES:
            self.leave_out(
                mark(
                    "Left out: a picture that is not in the file, too large, or neither PNG, JPEG, GIF nor WebP."
                )
            )
            return None
        name = "picture" if source[:5].lower() == "data:" else source.removeprefix("picture:")
        return keep(self.pictures, name, content)


def _embedded(source: str) -> bytes | None:
    head, _, data = source.partition(",")
    try:
        return base64.b64decode(data, validate=False) if head.endswith(";base64") else None
    except (binascii.Error, ValueError):
        return None


def tidy(text: str) -> str:
    """Line ends as \\n, no characters that are no text."""
    return NO_TEXT.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def text_of_markdown(raw: str) -> Text:
    """Short ones only: its brackets take their time."""
    need(
        len(raw) <= 10_000 and raw.count("[") <= 200,
        mark("A text in Markdown is longer than 10,000 characters."),
    )
    return text_of(str(_MARKDOWN.render(tidy(raw))), html=True)


# ——— Two languages in one text ———

_SPAN = re.compile(r"<(/?)span(?=[\s/>])([^<>]*)>", re.IGNORECASE)
_LANG = re.compile(r"""\blang\s*=\s*["']?([A-Za-z_-]+)""", re.IGNORECASE)
_MLANG = re.compile(r"\{mlang(?:[ \t]+([^{}\s]{1,60}))?[ \t]*\}", re.IGNORECASE)


def text_of(raw: str, *, html: bool = False) -> Text:
    """Split where it says multilang or {mlang}; one language alone stands for both."""
    raw = tidy(raw)
    need(len(raw) <= 4 * MOST_TEXT, mark("A text is longer than 100,000 characters."))
    parts = _mlang_parts(raw)
    if html and all(languages is None for languages, _ in parts):
        parts = _span_parts(raw)
    zh, en = (_chosen(parts, language) for language in ("zh", "en"))
    return Text(zh if zh.strip() else en, en if en.strip() else zh, html)


Parts = list[tuple[list[str] | None, str]]  # (languages; None: for all, text)


def _mlang_parts(raw: str) -> Parts:
    parts: Parts = []
    at, languages = 0, None
    for found in _MLANG.finditer(raw):
        parts.append((languages, raw[at : found.start()]))
        languages = found[1].lower().split(",") if found[1] else None
        at = found.end()
    return [*parts, (languages, raw[at:])]


def _span_parts(raw: str) -> Parts:
    parts: Parts = []
    at = depth = 0
    languages: list[str] | None = None
    for found in _SPAN.finditer(raw):
        if found[1]:
            depth -= depth > 0
            if not depth and languages:
                parts.append((languages, raw[at : found.start()]))
                at, languages = found.end(), None
        elif languages:
            depth += 1
        elif "multilang" in found[2].lower() and (said := _LANG.search(found[2])):
            parts.append((None, raw[at : found.start()]))
            at, languages, depth = found.end(), [said[1].lower()], 1
    return [*parts, (languages, raw[at:])]


def _chosen(parts: Parts, language: str) -> str:
    """What a reader of that language sees. Of neighbouring parts one is shown: theirs, else English, else the first."""
    out: list[str] = []
    block: list[tuple[list[str], str]] = []

    def close() -> None:
        for wanted in (language, "en", "other", ""):
            fitting = [text for names, text in block if any(n.startswith(wanted) for n in names)]
            if fitting:
                out.append(fitting[0])
                break
        block.clear()

    for languages, text in parts:
        if languages is not None:
            if any(set(languages) & set(names) for names, _ in block):
                close()
            block.append((languages, text))
        elif text.strip() or not block:
            close()
            out.append(text)
    close()
    return "".join(out)


# ——— HTML ———


def clean(raw: str, laundry: Laundry) -> str:
    """Paragraphs, lists, tables, emphasis, code, and pictures that came along. What else there was is said."""
    need(
        len(raw) <= MOST_TEXT or "data:" in raw or "base64" in raw,
        mark("A text is longer than 100,000 characters."),
    )
    need(raw.count("<") <= 10_000, mark("A text is longer than 100,000 characters."))
    used = {name.lower() for name in _TAG.findall(raw)}
    for what, names in _LEFT_OUT.items():
        if used & names:
            laundry.leave_out(what)

    def keep_attribute(tag: str, attribute: str, value: str) -> str | None:
        if tag == "img" and attribute == "src":
            if value.startswith("picture:") and value[8:] in laundry.pictures:
                return value
            name = laundry.picture(value)
            return f"picture:{name}" if name else None
        return value if tag == "img" or value.isalnum() else None

    found = _AS_PARAGRAPH.sub(r"<\1p>", raw)
    for _ in range(6):
        before = found
        found = _sanitised(found, keep_attribute)
        found = _EMPTY.sub("", _IMG.sub(_img, found)).strip()
        need(len(found) <= MOST_TEXT, mark("A text is longer than 100,000 characters."))
        if found == before:
            break
    return found


def _img(found: re.Match[str]) -> str:
    """A picture in one spelling, with a text in its place; one without an address goes."""
    source, alt = _SRC.search(found[1]), _ALT.search(found[1])
    return f'<img src="{source[1]}" alt="{alt[1] if alt else ""}">' if source else ""


def _sanitised(raw: str, keep_attribute: Callable[[str, str, str], str | None]) -> str:
    return nh3.clean(
        raw,
        tags=TAGS,
        clean_content_tags=_GONE,
        attributes=ATTRIBUTES,
        attribute_filter=keep_attribute,
        url_schemes=_SCHEMES,
        link_rel=None,
        strip_comments=True,
    )


def rewritten(sanitised: str, new_name: Callable[[str], str]) -> str:
    """Sanitised HTML with another address for each picture (given by its name)."""
    return re.sub(
        r'(<img[^<>]*? src=")picture:([A-Za-z0-9._-]+)"',
        lambda found: f'{found[1]}{html.escape(new_name(found[2]))}"',
        sanitised,
    )


def pictures_in(sanitised: str) -> list[str]:
    return re.findall(r'<img[^<>]*? src="picture:([A-Za-z0-9._-]+)"', sanitised)


class _Plain(HTMLParser):
    def __init__(self, *, exact: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self.exact = exact

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        if tag == "br" or (tag in BLOCKS and not self.exact):
            self.out.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in BLOCKS and not self.exact:
            self.out.append("\n")

    def handle_data(self, data: str) -> None:
        self.out.append(data if self.exact else re.sub(r"[ \t\n\f\r]+", " ", data))


def plain_of(sanitised: str, *, exact: bool = False) -> str:
    """The words of sanitised HTML. exact: white space as it is, <br> the only line end."""
    parser = _Plain(exact=exact)
    parser.feed(sanitised)
    parser.close()
    text = "".join(parser.out)
    if exact:
        return text
    lines = (" ".join(line.split(" ")).strip(" ") for line in text.split("\n"))
    return "\n".join(line for line in lines if line).replace("\xa0", " ").strip()


def escaped(plain: str) -> str:
    """Plain text as HTML; `plain_of(…, exact=True)` gives it back."""
    return html.escape(plain, quote=False).replace("\n", "<br>").replace("{mlang", "&#123;mlang")


def looks_like_html(raw: str) -> bool:
    return bool(_LOOKS.search(raw))


def settle(
    texts: Iterable[Text], laundry: Laundry, *, markup: str | None = None
) -> tuple[str, list[dict[str, str]]]:
    """(plain or html, the texts in it). All are plain when none needs more than lines, unless told otherwise."""
    listed = list(texts)
    cleaned: list[Mapping[str, str]] = [
        {n: clean(t, laundry) if text.html else t.strip() for n, t in (("zh", text.zh), ("en", text.en))}
        for text in listed
    ]
    if markup is None:
        used = {
            tag
            for t, c in zip(listed, cleaned, strict=True)
            if t.html
            for tag in _TAG.findall("".join(c.values()))
        }
        markup = "html" if used - {"p", "br"} else "plain"
        exact = False
    else:
        exact = True
    out = []
    for text, both in zip(listed, cleaned, strict=True):
        if markup == "plain":
            out.append({n: plain_of(c, exact=exact) if text.html else c for n, c in both.items()})
        else:
            out.append({n: c if text.html else clean(escaped(c), laundry) for n, c in both.items()})
    return markup, out
