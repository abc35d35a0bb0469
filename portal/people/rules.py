"""What a person may show of themselves, each thing with their consent; how a scan is remembered without knowing who."""

import hashlib
import hmac
import re
from collections.abc import Collection
from datetime import date, timedelta
from enum import StrEnum

from portal.refusal import mark

CAME_FROM = "came_from"  # the cookie of a scan
COOKIE_LASTS = timedelta(days=30)
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is mistaken for another on paper
MOST_CODES = 20


class Use(StrEnum):
    """What is shown on a public page. One of the three names, and whatever else is wanted."""

    PAGE = "page"
    FULL_NAME = "full_name"
    MASKED_NAME = "masked_name"
    NICKNAME = "nickname"
    PHOTO = "photo"
    EMPLOYER = "employer"
    LANGUAGES = "languages"
    ABOUT = "about"
    CONTACT = "contact"


NAMES = (Use.MASKED_NAME, Use.NICKNAME, Use.FULL_NAME)
CERTIFICATE = "certificate:"  # and its uuid
WORDING = "2026-11"  # of the sentences below: new words, new version
TEXTS = {
    Use.PAGE: mark("Anybody who has the address may open my page."),
    Use.FULL_NAME: mark("My page shows my whole name."),
    Use.MASKED_NAME: mark("My page shows my surname alone."),
    Use.NICKNAME: mark("My page shows the name I go by instead of my name."),
    Use.PHOTO: mark("My page shows my photo."),
    Use.EMPLOYER: mark("My page names my employer while I work there and it is verified."),
    Use.LANGUAGES: mark("My page shows the languages I speak."),
    Use.ABOUT: mark("My page shows what I do and the lines about me."),
    Use.CONTACT: mark("Visitors may write to me by a form; they do not see my address."),
}
CERTIFICATE_TEXT = mark("My page shows this certificate.")

_COMPOUND = re.findall(
    "..",
    "欧阳歐陽司马司馬上官诸葛諸葛东方東方皇甫尉迟尉遲公孙公孫慕容令狐司徒司空端木百里夏侯南宫南宮独孤獨孤长孙長孫宇文轩辕軒轅西门西門",
)
SALUTATIONS = {"mr": mark("Mr %(surname)s"), "ms": mark("Ms %(surname)s")}


def masked(name: str) -> str:
    """The surname of a Chinese name with circles for the rest; the initials of any other."""
    if not name:
        return ""
    if ord(name[0]) < 0x2E80:
        return " ".join(f"{part[0].upper()}." for part in name.split())
    family = surname(name)
    return family + "○" * max(1, len(name) - len(family))


def surname(name: str) -> str:
    """Of a Chinese name; "" for any other, whose order nobody can tell."""
    if not name or ord(name[0]) < 0x2E80:
        return ""
    return name[:2] if name[:2] in _COMPOUND and len(name) > 2 else name[:1]


def name_as(uses: Collection[str]) -> Use:
    """How the name is shown: the least that was agreed to."""
    return next((use for use in NAMES if use in uses), Use.MASKED_NAME)


def new_uses(had: Collection[str], wanted: Collection[str]) -> tuple[set[str], set[str]]:
    """(to be given, to be withdrawn)."""
    return set(wanted) - set(had), set(had) - set(wanted)


def visitor_of(secret: str, token: str, day: date) -> str:
    """The same browser within a day, and nobody from day to day. Made of a random cookie, never of an address."""
    return hmac.new(secret.encode(), f"visitor:{day}:{token}".encode(), hashlib.sha256).hexdigest()


def scan_cookie(secret: str, scan_id: int, token: str) -> str:
    return f"{scan_id}.{token}.{_signature(secret, scan_id, token)}"


def read_scan_cookie(secret: str, value: str) -> tuple[int, str] | None:
    """(scan, random token) when we wrote the cookie."""
    number, _, rest = value.partition(".")
    token, _, signature = rest.partition(".")
    if not (number.isascii() and number.isdigit() and len(number) < 10 and rest.isascii()):
        return None
    right = hmac.compare_digest(signature, _signature(secret, int(number), token))
    return (int(number), token) if right else None


def _signature(secret: str, scan_id: int, token: str) -> str:
    return hmac.new(secret.encode(), f"scan:{scan_id}:{token}".encode(), hashlib.sha256).hexdigest()[:32]
