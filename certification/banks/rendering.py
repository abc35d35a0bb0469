"""A question as a reader sees it, in their language and safe to show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import nh3
from markupsafe import Markup, escape

TAGS = {
    *("p", "br", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "caption"),
    *("b", "i", "em", "strong", "sub", "sup", "code", "pre", "img"),
}
ATTRIBUTES = {
    "img": {"src", "alt"},
    "th": {"scope", "colspan", "rowspan"},
    "td": {"colspan", "rowspan"},
}
PICTURE = "picture:"


@dataclass(frozen=True)
class Shown:
    """Markup that may stand in a page; `text` and `why` too, options and prompts in the bank's order."""

    stem: Markup
    prompts: list[Markup]
    options: list[Markup]
    why: Markup


def sanitised(text: str) -> str:
    """HTML of others, as it is kept: a few tags, pictures only by the name of one that came along."""
    return nh3.clean(text, tags=TAGS, attributes=ATTRIBUTES, url_schemes={"picture"}, link_rel=None)


def rendered(text: str, markup: str, pictures: Mapping[str, str]) -> Markup:
    """One text. `pictures`: name → address. Plain text is escaped; HTML is cleaned once more."""
    if markup != "html":
        return Markup(str(escape(text)).replace("\n", "<br>"))  # noqa: S704  escaped

    def address(_tag: str, attribute: str, value: str) -> str | None:
        if attribute != "src":
            return value
        return pictures.get(value.removeprefix(PICTURE)) if value.startswith(PICTURE) else None

    return Markup(  # noqa: S704  cleaned by nh3
        nh3.clean(
            text,
            tags=TAGS,
            attributes=ATTRIBUTES,
            attribute_filter=address,
            url_schemes={"picture"},
            link_rel=None,
        )
    )


def show(question: Any, language: str, hashes: Mapping[int, str]) -> Shown:
    """`question`: a row of the bank. `hashes`: picture → its hash."""
    pictures = {name: f"/exams/pictures/{hashes[i]}" for name, i in question.pictures.items() if i in hashes}

    def words(texts: Sequence[Mapping[str, Any]]) -> list[Markup]:
        return [rendered(str(t.get(language, "")), question.markup, pictures) for t in texts]

    stem, why = words([question.stem, question.why])
    return Shown(stem, words(question.prompts), words(question.options), why)
