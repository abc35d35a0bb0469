"""What PDF, JPEG and PNG files are made of: walked from the first byte to the last, so that nothing rides along."""

import io
import re
import struct
import zipfile
import zlib

import puremagic

from portal.refusal import mark

MOST_PIXELS = 100_000_000
LONGEST_SIDE = 30_000
MOST_INFLATED = 256 * 1024 * 1024

_BROKEN = mark("The file is damaged: it does not end where it should. Please save or scan it again.")
_MORE_BEHIND = mark(
    "The file holds more than the document or picture that it shows. Please save or scan it again and upload the new file."
)
_TOO_MANY_PIXELS = mark(
    "The picture is larger than 100 million pixels, or has none. Please save it in a smaller size."
)
_ACTIVE = mark(
    "The PDF holds a program, an attachment or an action, which nobody is to open here. Please print it to a new PDF and upload that."
)
_LOCKED = mark(
    "The PDF is protected by a password, so nobody could examine it. Please save it without protection."
)
_BOMB = mark("The PDF unpacks to more than 256 MB. Please scan it again in a smaller size.")

# Signs of a page or a program. Neither a picture nor a scan has them; three of them cannot come about by chance.
_PAGE = re.compile(rb"<\?php|<script|<html|<!doctype|<svg|<iframe", re.IGNORECASE)


def kind_of(content: bytes) -> str:
    """The media type by the first bytes; "" when nobody knows it."""
    for head, kind in (
        (b"%PDF-", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
    ):
        if content.startswith(head):
            return kind
    try:
        return str(puremagic.from_string(content, mime=True))
    except (puremagic.PureError, ValueError):
        return ""


def why_unfit(kind: str, content: bytes) -> str:
    """Why a file of that kind is not taken (a catalogue key); "" when it is whole and nothing but that."""
    wrong = {"application/pdf": _pdf, "image/png": _png, "image/jpeg": _jpeg}[kind](content)
    if wrong:
        return wrong
    another = kind != "application/pdf" and b"%PDF-" in content[:1024]
    if another or _PAGE.search(content) or zipfile.is_zipfile(io.BytesIO(content)):
        return _MORE_BEHIND
    return ""


def _size(width: int, height: int) -> str:
    fits = 0 < width <= LONGEST_SIDE and 0 < height <= LONGEST_SIDE and width * height <= MOST_PIXELS
    return "" if fits else _TOO_MANY_PIXELS


def _png(content: bytes) -> str:
    """Chunks with their checksums, IHDR first, IEND last (PNG, third edition, section 5)."""
    at = 8
    names: list[bytes] = []
    while at + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        name, end = content[at + 4 : at + 8], at + 12 + length
        if (
            end > len(content)
            or zlib.crc32(content[at + 4 : end - 4]) != struct.unpack_from(">I", content, end - 4)[0]
        ):
            return _BROKEN
        if not names:
            if name != b"IHDR" or length != 13:
                return _BROKEN
            wrong = _size(*struct.unpack_from(">II", content, at + 8))
            if wrong:
                return wrong
        names.append(name)
        at = end
        if name == b"IEND":
            if length or b"IDAT" not in names:
                return _BROKEN
            return "" if at == len(content) else _MORE_BEHIND
    return _BROKEN


_ALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a length
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def _jpeg(content: bytes) -> str:
    """Segments up to the end of the picture (ITU-T T.81, annex B). Cameras put further pictures behind the first."""
    at = 0
    while at < len(content):
        wrong, at = _one_jpeg(content, at)
        if wrong:
            return wrong
        rest = content[at:].lstrip(b"\0")
        at = len(content) - len(rest)
        if rest and not rest.startswith(b"\xff\xd8\xff"):
            return _MORE_BEHIND
    return ""


def _one_jpeg(content: bytes, start: int) -> tuple[str, int]:
    """(what is wrong, where the picture ends)."""
    at, framed, scanned = start + 2, False, False
    while at + 2 <= len(content):
        if content[at] != 0xFF:
            return _BROKEN, at
        marker = content[at + 1]
        if marker == 0xFF:  # filling
            at += 1
        elif marker == 0xD9:
            return ("" if framed and scanned else _BROKEN), at + 2
        elif marker in _ALONE:
            at += 2
        else:
            length = int.from_bytes(content[at + 2 : at + 4], "big")
            if length < (8 if marker in _FRAMES else 2) or at + 2 + length > len(content):
                break
            if marker in _FRAMES:
                height, width = struct.unpack_from(">HH", content, at + 5)
                wrong = _size(width, height)
                if wrong:
                    return wrong, at
                framed = True
            at += 2 + length
            if marker == 0xDA:
                scanned = True
                found = _MARKER.search(content, at)
                if found is None:
                    break
                at = found.start()
    return _BROKEN, at


_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # in the picture's data: not a stuffed byte, not a restart


def _name(word: bytes) -> bytes:
    """A pattern for a name of a PDF in which any letter may be written as #hh (ISO 32000-1, 7.3.5)."""
    return b"/" + b"".join(b"(?:%c|#%02x|#%02X)" % (c, c, c) for c in word)


_END = rb"(?![A-Za-z0-9_.#-])"
# Longer names are looked for everywhere, also where a reader that follows other offsets would find them.
_DOES = re.compile(
    b"|".join(
        _name(word)
        for word in (
            b"JavaScript",
            b"Launch",
            b"EmbeddedFile",
            b"RichMedia",
            b"SubmitForm",
            b"ImportData",
            b"GoToE",
            b"Rendition",
        )
    )
)
# Short ones only outside of streams, where chance does not write them.
_DOES_SHORT = re.compile(b"(?:" + b"|".join(_name(word) for word in (b"JS", b"XFA")) + b")" + _END)
_PASSWORD = re.compile(_name(b"Encrypt") + _END)
_OBJECTS = re.compile(_name(b"ObjStm") + _END)
_FLATE = re.compile(_name(b"FlateDecode") + b"|" + _name(b"Fl") + _END)
_FILTERS = re.compile(rb"/[A-Za-z0-9#]*(?:Decode|Crypt)|/(?:AHx|A85|LZW|RL|CCF|DCT)(?![A-Za-z])")
_PREDICTOR = re.compile(_name(b"Predictor") + rb"\s+(?!1\b)")
_STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
_LONGEST_DICTIONARY = 4096


def _pdf(content: bytes) -> str:
    """Whole, open, and without anything that acts: also in compressed objects, also in names written as #hh."""
    end = content.rfind(b"%%EOF")
    if end < 0:
        return _BROKEN
    if content[end + 5 :].strip(b"\r\n\t \0"):
        return _MORE_BEHIND
    outside, last, room = [], 0, MOST_INFLATED
    for stream in _STREAM.finditer(content):
        outside.append(content[last : stream.start()])
        last = stream.end()
        wrong, room = _stream(outside[-1][-_LONGEST_DICTIONARY:], stream[1], room)
        if wrong:
            return wrong
    structure = b"\n".join([*outside, content[last:]])
    if _PASSWORD.search(structure):
        return _LOCKED
    return _ACTIVE if _DOES.search(content) or _DOES_SHORT.search(structure) else ""


def _stream(before: bytes, body: bytes, room: int) -> tuple[str, int]:
    """(what is wrong, how much may still be unpacked). Objects in a stream are read as those outside are."""
    dictionary = before[before.rfind(b"obj") + 3 :]
    objects = _OBJECTS.search(dictionary)
    if _FLATE.search(dictionary):
        plain = _inflated(body, room, keep=bool(objects))
        if plain is None:
            return _BOMB, room
        room, body = plain[0], plain[1]
    if objects:
        if len(_FILTERS.findall(dictionary)) > 1 or _PREDICTOR.search(dictionary):
            return _ACTIVE, room  # packed so that only a reader would find what is in it
        if _DOES.search(body) or _DOES_SHORT.search(body):
            return _ACTIVE, room
    return "", room


def _inflated(body: bytes, room: int, *, keep: bool) -> tuple[int, bytes] | None:
    """(the room that is left, what came out if wanted); None when it is more than the room."""
    unpacking, kept, rest = zlib.decompressobj(), [], body
    try:
        while rest and not unpacking.eof:
            piece = unpacking.decompress(rest, 1024 * 1024)
            room -= len(piece)
            if room < 0:
                return None
            if keep:
                kept.append(piece)
            rest = unpacking.unconsumed_tail
    except zlib.error:
        pass  # a damaged stream shows nothing
    return room, b"".join(kept)
