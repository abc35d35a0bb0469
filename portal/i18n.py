"""Two languages: messages are written in English in the source, `locale/zh_CN/*.po` holds the Chinese."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel.dates import format_date, format_datetime
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

from portal.clock import CHINA
from portal.refusal import mark
from portal.settings import ROOT

ERASED = mark("erased user")  # the name of whoever had their account erased, in the reader's language
LANGUAGES = {"zh": "zh_CN", "en": "en"}
DEFAULT = "zh"
_language: ContextVar[str] = ContextVar("language", default=DEFAULT)


@lru_cache(maxsize=1)
def catalogue() -> dict[str, str]:
    """English → Chinese, of all packages. A plural message stands under its singular: Chinese has one form."""
    messages: dict[str, str] = {}
    for path in sorted((ROOT / "locale" / "zh_CN").glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file):
                if message.id:
                    singular = message.id if isinstance(message.id, str) else message.id[0]
                    text = message.string if isinstance(message.string, str) else (message.string or ("",))[0]
                    if text:
                        messages[singular] = text
    return messages


def language() -> str:
    """`zh` or `en`: that of the request, mail or job at hand."""
    return _language.get()


@contextmanager
def speaking(code: str) -> Iterator[None]:
    token = _language.set(code if code in LANGUAGES else DEFAULT)
    try:
        yield
    finally:
        _language.reset(token)


def gettext(message: str, **values: Any) -> str:
    text = catalogue().get(message, message) if language() == "zh" else message
    return text % values if values else text


def ngettext(singular: str, plural: str, n: int, **values: Any) -> str:
    text = catalogue().get(singular, singular) if language() == "zh" else (singular if n == 1 else plural)
    return text % {"num": n, **values}


def named(value: Any) -> Any:
    """Any value as it is, but for the name of an erased user."""
    return gettext(ERASED) if isinstance(value, str) and value == ERASED else value


def local(text: Any) -> str:
    """The present language's part of a bilingual value {"zh": …, "en": …}; a plain string as it is."""
    if isinstance(text, Mapping):
        return str(text.get(language()) or text.get("zh") or text.get("en") or "")
    return "" if text is None else str(text)


def said(text: str) -> str:
    """A sentence from the record: a catalogue key, what the portal wrote as "中文 / English", or a person's own words."""
    chinese, _, english = text.partition(" / ")
    if english and english.isascii() and not chinese.isascii():
        return chinese if language() == "zh" else english
    return gettext(text)


def choose(accept: str) -> str:
    """The language for an Accept-Language header; Chinese unless English is preferred to it."""
    wanted: list[tuple[float, str]] = []
    for part in accept.split(","):
        code, _, q = part.strip().partition(";q=")
        try:
            weight = float(q) if q else 1.0
        except ValueError:
            continue
        if code[:2].lower() in LANGUAGES:
            wanted.append((-weight, code[:2].lower()))
    return min(wanted, key=lambda w: w[0])[1] if wanted else DEFAULT


def show_date(value: date | datetime | None) -> str:
    if value is None:
        return "—"
    day = value.astimezone(CHINA).date() if isinstance(value, datetime) else value
    return day.isoformat() if language() == "zh" else format_date(day, "d MMM y", locale="en")


def show_time(value: datetime | None) -> str:
    """Day and minute in China's time."""
    if value is None:
        return "—"
    at = value.astimezone(CHINA)
    return (
        at.strftime("%Y-%m-%d %H:%M")
        if language() == "zh"
        else format_datetime(at, "d MMM y, HH:mm", locale="en", tzinfo=CHINA)
    )


def show_number(value: float | Decimal | None, digits: int = 1) -> str:
    """At most `digits` decimals, thousands grouped."""
    if value is None:
        return "—"
    return format_decimal(value, format="#,##0." + "#" * digits if digits else "#,##0", locale="en")


def show_percent(value: float | None, digits: int = 0) -> str:
    return (
        "—"
        if value is None
        else format_percent(value, format="#,##0" + ("." + "#" * digits if digits else "") + "%", locale="en")
    )
