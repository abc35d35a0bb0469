"""Two languages: messages are written in English in the source, `locale/zh_CN/*.po` holds the Chinese."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, get_timezone_location
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

from portal.clock import CHINA
from portal.refusal import mark
from portal.settings import ROOT

ERASED = mark("erased user")  # the name of whoever had their account erased, in the reader's language
LANGUAGES = {"zh": "zh_CN", "en": "en"}
DEFAULT = "zh"
_language: ContextVar[str] = ContextVar("language", default=DEFAULT)
_zone: ContextVar[ZoneInfo] = ContextVar("zone", default=CHINA)
# The zones that a person may choose, from west to east: one for each time of day that many people live by.
ZONES = (
    "Pacific/Honolulu",
    "America/Anchorage",
    "America/Los_Angeles",
    "America/Denver",
    "America/Chicago",
    "America/New_York",
    "America/Halifax",
    "America/Sao_Paulo",
    "Atlantic/Azores",
    "Europe/London",
    "Africa/Lagos",
    "Europe/Paris",
    "Africa/Johannesburg",
    "Europe/Helsinki",
    "Europe/Istanbul",
    "Africa/Nairobi",
    "Asia/Riyadh",
    "Asia/Tehran",
    "Asia/Dubai",
    "Asia/Kabul",
    "Asia/Karachi",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Dhaka",
    "Asia/Yangon",
    "Asia/Bangkok",
    "Asia/Ho_Chi_Minh",
    "Asia/Shanghai",
    "Asia/Singapore",
    "Australia/Perth",
    "Asia/Tokyo",
    "Asia/Seoul",
    "Australia/Adelaide",
    "Australia/Sydney",
    "Pacific/Noumea",
    "Pacific/Auckland",
)


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
def speaking(code: str, zone: str | None = None) -> Iterator[None]:
    """In this language, and with the time of day of this zone (China's when none is given)."""
    token = _language.set(code if code in LANGUAGES else DEFAULT)
    there = _zone.set(ZoneInfo(zone) if zone in ZONES else CHINA)
    try:
        yield
    finally:
        _zone.reset(there)
        _language.reset(token)


def zone_names(at: datetime) -> dict[str, str]:
    """Zone → its name in the present language, with how far it is from UTC at that moment, from west to east."""
    shifts = {zone: at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta() for zone in ZONES}
    return {
        zone: f"{_shift(at.astimezone(ZoneInfo(zone)))} {get_timezone_location(zone, locale=LANGUAGES[language()])}"
        for zone in sorted(ZONES, key=lambda zone: shifts[zone])
    }


def _shift(at: datetime) -> str:
    """UTC+9, UTC+5:30, UTC−5 …"""
    minutes = int((at.utcoffset() or timedelta()).total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    return (
        "UTC" if not minutes else f"UTC{'+' if minutes > 0 else '-'}{hours}" + (f":{rest:02}" if rest else "")
    )


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
    """Day and minute in the reader's time; what differs from China's says by how much it differs from UTC."""
    if value is None:
        return "—"
    zone = _zone.get()
    at = value.astimezone(zone)
    text = (
        at.strftime("%Y-%m-%d %H:%M")
        if language() == "zh"
        else format_datetime(at, "d MMM y, HH:mm", locale="en", tzinfo=zone)
    )
    return text if zone is CHINA else f"{text} ({_shift(at)})"


def show_clock(value: datetime) -> str:
    """The minute alone, where the day has been said."""
    zone = _zone.get()
    at = value.astimezone(zone)
    return f"{at:%H:%M}" if zone is CHINA else f"{at:%H:%M} ({_shift(at)})"


def in_china() -> bool:
    """Whether times of day are shown as they are in China."""
    return _zone.get() is CHINA


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
