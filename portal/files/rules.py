"""What may be uploaded: the content is sniffed, the name is not believed."""

import re

import puremagic

from portal.refusal import Refused, mark

MOST_BYTES = 10 * 1024 * 1024
ACCEPTED = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}


def accept(name: str, content: bytes) -> tuple[str, str]:
    """(safe display name, media type) of a document or picture; Refused with a sentence otherwise."""
    if not content:
        raise Refused(mark("The file is empty. Please choose it again."), status=422)
    if len(content) > MOST_BYTES:
        raise Refused(
            mark(
                "The file is larger than 10 MB. Please choose a smaller scan or photo; nothing else was lost."
            ),
            status=413,
        )
    kind = _sniff(content)
    if kind not in ACCEPTED:
        raise Refused(
            mark(
                "The file is not what its name says, or of a kind we can't show. Please upload a PDF, JPEG or PNG."
            ),
            status=422,
        )
    base = re.sub(r"[^\w.\- （）()]+", "_", name.replace("\\", "/").rsplit("/", 1)[-1])
    stem = base.rsplit(".", 1)[0].strip(". ") or "file"
    return f"{stem[:80]}.{ACCEPTED[kind]}", kind


def _sniff(content: bytes) -> str:
    """By the first bytes, and for a PDF its end too, so that nothing else hides behind a harmless head."""
    if content.startswith(b"%PDF-"):
        return "application/pdf" if b"%%EOF" in content[-2048:] else ""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png" if content.rstrip(b"\0")[-12:][4:8] == b"IEND" else ""
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg" if content.rstrip(b"\0").endswith(b"\xff\xd9") else ""
    try:
        return str(puremagic.from_string(content, mime=True))
    except (puremagic.PureError, ValueError):
        return ""
