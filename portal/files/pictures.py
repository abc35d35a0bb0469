"""A picture without what cameras and programmes write beside it: the place, the time, the owner's name."""

import struct

PNG_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"sRGB", b"gAMA", b"cHRM", b"sBIT", b"IDAT", b"IEND"}


def bare(content: bytes) -> bytes:
    """A JPEG or PNG that is whole (`portal.files.formats`); how it is turned is kept. Anything else as it is."""
    try:
        if content.startswith(b"\x89PNG\r\n\x1a\n"):
            return _png(content)
        if content.startswith(b"\xff\xd8\xff"):
            return _jpeg(content)
    except (struct.error, IndexError):
        pass  # broken: `accept` says so
    return content


def _png(content: bytes) -> bytes:
    out, at = [content[:8]], 8
    while at + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        end = at + 12 + length
        if content[at + 4 : at + 8] in PNG_KEPT:
            out.append(content[at:end])
        at = end
    return b"".join(out) + content[at:]


def _jpeg(content: bytes) -> bytes:
    """Without application segments but JFIF's and Adobe's (colours), without comments, up to the first scan."""
    out, at, turned = [], 2, 0
    while content[at] == 0xFF and content[at + 1] != 0xDA:
        marker = content[at + 1]
        if marker == 0xFF:  # filling
            at += 1
            continue
        (length,) = struct.unpack_from(">H", content, at + 2)
        segment = content[at : at + 2 + length]
        if marker == 0xE1 and segment[4:10] == b"Exif\0\0":
            turned = _orientation(segment[10:]) or turned
        elif marker not in {*range(0xE1, 0xF0), 0xFE} - {0xEE}:
            out.append(segment)
        at += 2 + length
    return b"\xff\xd8" + (_turn(turned) if turned > 1 else b"") + b"".join(out) + content[at:]


def _orientation(tiff: bytes) -> int:
    """The tag 0x0112 of the first directory (Exif 2.32, 4.6.4); 0 when it isn't there."""
    order = "<" if tiff[:2] == b"II" else ">"
    (start,) = struct.unpack_from(order + "I", tiff, 4)
    (count,) = struct.unpack_from(order + "H", tiff, start)
    for n in range(min(count, 100)):
        tag, kind, _, value = struct.unpack_from(order + "HHIH", tiff, start + 2 + 12 * n)
        if tag == 0x0112 and kind == 3:
            return value if 1 <= value <= 8 else 0
    return 0


def _turn(orientation: int) -> bytes:
    body = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
