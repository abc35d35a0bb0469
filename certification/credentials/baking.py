"""A signed credential inside of a picture (Open Badges 3.0, §5.3) or a PDF: put in, taken out."""

import re
import zlib
from html import unescape
from struct import pack, unpack

PNG = b"\x89PNG\r\n\x1a\n"
KEYWORD = b"openbadgecredential"
NAMESPACE = "https://purl.imsglobal.org/ob/v3p0"
MOST = 200_000  # bytes of a credential; ours have some 3,000


def bake_png(image: bytes, signed: str) -> bytes:
    """One uncompressed iTXt chunk after the header."""
    text = KEYWORD + b"\0" * 5 + signed.encode()  # no compression, no language, no translated keyword
    checked = b"iTXt" + text
    chunk = pack("!I", len(text)) + checked + pack("!I", zlib.crc32(checked))
    after_header = len(PNG) + 12 + 13
    return image[:after_header] + chunk + image[after_header:]


def bake_svg(image: str, signed: str) -> str:
    """An `openbadges:credential` element right after the opening tag; JSON stands in it, a JWT would in `verify`."""
    inside = signed.replace("]]>", "]]]]><![CDATA[>")
    end = image.index(">", image.index("<svg"))
    return (
        f'{image[:end]} xmlns:openbadges="{NAMESPACE}">\n'
        f"<openbadges:credential><![CDATA[{inside}]]></openbadges:credential>{image[end + 1 :]}"
    )


def unbake(content: bytes) -> str:
    """The credential in a PNG, an SVG or a PDF of ours, else the content itself as text. Reads, never runs or parses XML.

    Raises ValueError when there is none, or it is no text.
    """
    if content.startswith(PNG):
        return _text(_from_png(content))
    if content.startswith(b"%PDF-"):
        return _text(_from_pdf(content))
    text = _text(content)
    if text.startswith("<"):
        return _from_svg(text)
    return text


def _text(content: bytes) -> str:
    if len(content) > MOST and not content.lstrip()[:1] == b"<":
        raise ValueError("longer than a credential")
    return content.decode("utf-8-sig").strip()


def _from_png(content: bytes) -> bytes:
    place = len(PNG)
    while place + 12 <= len(content):
        length, kind = unpack("!I4s", content[place : place + 8])
        data = content[place + 8 : place + 8 + length]
        if kind == b"iTXt" and data.startswith(KEYWORD + b"\0\0"):
            _, _, rest = data[len(KEYWORD) + 3 :].partition(b"\0")
            return rest.partition(b"\0")[2]
        place += 12 + length
    raise ValueError("no credential in this PNG")


def _from_svg(text: str) -> str:
    start = text.find("<openbadges:credential")
    opened, end = text.find(">", start), text.find("</openbadges:credential>", start)
    if start < 0 or not opened > 0:
        raise ValueError("no credential in this SVG")
    token = re.search(r"""\sverify\s*=\s*["']([\w.-]+)["']""", text[start:opened][:MOST])
    if token:
        return token.group(1)
    if not opened < end < opened + MOST:
        raise ValueError("no credential in this SVG")
    inside = text[opened + 1 : end].strip()
    if not inside.startswith("<![CDATA["):
        return unescape(inside)
    return inside.removeprefix("<![CDATA[").removesuffix("]]>").replace("]]]]><![CDATA[>", "]]>")


def _from_pdf(content: bytes) -> bytes:
    """The attached file, as our own PDFs hold it: a stream whose dictionary says EmbeddedFile."""
    mark = content.find(b"/Type/EmbeddedFile")
    start = content.find(b"stream", mark)
    head = content[content.rfind(b"obj", 0, mark) : start]
    length = re.search(rb"/Length (\d{1,9})\b", head)
    if mark < 0 or start < 0 or length is None:
        raise ValueError("no credential in this PDF")
    start += len(b"stream")
    start += 2 if content[start : start + 2] == b"\r\n" else 1
    data = content[start : start + int(length.group(1))]
    if b"/FlateDecode" in head:
        try:
            data = zlib.decompressobj().decompress(data, MOST + 1)
        except zlib.error as error:
            raise ValueError("the attachment can't be read") from error
    return data
