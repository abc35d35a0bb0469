"""What may be uploaded, how large, and under which name: the content is examined, the name is not believed."""

import re
import unicodedata
from enum import StrEnum

from portal.files.formats import kind_of, why_unfit
from portal.refusal import Refused, mark

MEGABYTE = 1024 * 1024


class Purpose(StrEnum):
    """What a file was opened for."""

    OWN = "own"
    REVIEW = "review"
    UNSAID = "unsaid"  # before purposes were written down


PURPOSES = {
    Purpose.OWN: mark("their own file"),
    Purpose.REVIEW: mark("for the review"),
    Purpose.UNSAID: "",
}


class Kind(StrEnum):
    """What a file is uploaded as."""

    LICENCE = "licence"
    EVIDENCE = "evidence"
    PHOTO = "photo"  # of a person: a picture, never a PDF


MOST_BYTES = {Kind.LICENCE: 10 * MEGABYTE, Kind.EVIDENCE: 10 * MEGABYTE, Kind.PHOTO: 10 * MEGABYTE}
# Media type → the endings it goes by, that of our own copy first.
ACCEPTED = {
    "application/pdf": ("pdf",),
    "image/jpeg": ("jpg", "jpeg", "jpe", "jfif"),
    "image/png": ("png",),
}
LONGEST_STEM = 80
_NOT_WHAT_IT_SAYS = mark(
    "The file is not what its name says, or of a kind we can't show. Please upload a PDF, JPEG or PNG."
)
# Names that are devices on Windows, whatever ending they have.
_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])", re.IGNORECASE)


def accept(name: str, content: bytes, kind: Kind) -> tuple[str, str]:
    """(safe display name, media type) of a document or picture; Refused with a sentence otherwise."""
    if not content:
        raise Refused(mark("The file is empty. Please choose it again."), status=422)
    if len(content) > MOST_BYTES[kind]:
        raise Refused(
            mark(
                "The file is larger than 10 MB. Please choose a smaller scan or photo; nothing else was lost."
            ),
            status=413,
        )
    media_type = kind_of(content)
    if kind is Kind.PHOTO and media_type not in ("image/jpeg", "image/png"):
        raise Refused(mark("A photo is a JPEG or a PNG. Please choose another file."), status=422)
    if media_type not in ACCEPTED or ending_of(name) not in ("", *ACCEPTED[media_type]):
        raise Refused(_NOT_WHAT_IT_SAYS, status=422)
    wrong = why_unfit(media_type, content)
    if wrong:
        raise Refused(wrong, status=422)
    return clean_name(name, ACCEPTED[media_type][0]), media_type


def ending_of(name: str) -> str:
    """What stands after the last dot, in small letters; "" when that is no ending but a part of the name."""
    base = _base(name)
    ending = base.rpartition(".")[2].strip().lower() if "." in base.strip(". ") else ""
    return ending if re.fullmatch(r"(?=.*[a-z])[a-z0-9]{1,8}", ending) else ""


def clean_name(name: str, ending: str) -> str:
    """A name that is one on every system: no path, no sign that hides, no device, no second ending, not long."""
    base = _base(name)
    stem = base.rpartition(".")[0] if ending_of(name) else base
    stem = re.sub(r"[^\w\- （）()]+", "_", stem)[:LONGEST_STEM].strip("_- ")
    if not stem or _DEVICES.fullmatch(stem):
        stem = f"file-{stem}".rstrip("-")
    return f"{stem}.{ending}"


def _base(name: str) -> str:
    """The part after the last slash, composed, without signs that cannot be seen or turn the direction."""
    seen = "".join(
        sign
        for sign in unicodedata.normalize("NFC", name)
        if unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    )
    return seen.replace("\\", "/").rpartition("/")[2]
