"""Pictures of questions: taken by what they are, never by their name; kept small."""

import re
from urllib.parse import unquote

from certification.banks.form import PICTURE_NAME
from portal.files.formats import kind_of, why_unfit

MOST_PICTURE = 2 * 1024 * 1024
MOST_PICTURES = 20  # of one question
_ODD = re.compile(r"[^A-Za-z0-9._-]+")
_MARKUP = re.compile(rb"<script|<html|<svg|<!doctype|<\?php|<iframe", re.IGNORECASE)


def is_picture(content: bytes) -> bool:
    """A whole PNG or JPEG, or what begins and ends as a GIF or WebP, up to 2 MB and without markup in it."""
    if not content or len(content) > MOST_PICTURE:
        return False
    if content.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")):
        return not why_unfit(kind_of(content), content)
    if _MARKUP.search(content):
        return False
    if content[:6] in (b"GIF87a", b"GIF89a"):
        width, height = (int.from_bytes(content[n : n + 2], "little") for n in (6, 8))
        return len(content) > 13 and 0 < width <= 10_000 and 0 < height <= 10_000 and content[-1:] == b";"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        size = int.from_bytes(content[4:8], "little") + 8
        return content[12:15] == b"VP8" and size + size % 2 == len(content)
    return False


def plain_name(name: str) -> str:
    """The last part of a path as a name of letters, digits, dots, lines; "picture" when nothing is left."""
    last = _ODD.sub("-", unquote(name).replace("\\", "/").rpartition("/")[2])[-80:].lstrip("._-")
    return last if PICTURE_NAME.fullmatch(last) else "picture"


def keep(kept: dict[str, bytes], name: str, content: bytes) -> str:
    """The name under which it is kept now; the same bytes are kept once, another picture gets another name."""
    wanted = plain_name(name)
    stem, dot, ending = wanted.rpartition(".")
    stem, ending = (stem, dot + ending) if dot else (wanted, "")
    n = 1
    while wanted in kept and kept[wanted] != content:
        n += 1
        wanted = f"{stem[: 70 - len(ending)]}-{n}{ending}"
    kept[wanted] = content
    return wanted


def media_type(content: bytes) -> str:
    """Of a picture that `is_picture` took."""
    if content.startswith(b"GIF"):
        return "image/gif"
    return "image/webp" if content.startswith(b"RIFF") else kind_of(content)
