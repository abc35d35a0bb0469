"""Files that nobody should send, made of whole ones: families and their variants. And the whole ones themselves."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Upload:
    family: str
    name: str
    content: bytes
    harmless: bool = False  # may be kept, for it does nothing as what it is handed out as


# ——— Whole files ———


def pdf(
    body: bytes = b"", *, catalogue: bytes = b"", behind: bytes = b"", head: bytes = b"%PDF-1.7\n"
) -> bytes:
    """A page without anything on it, its offsets right."""
    parts = [
        b"<</Type/Catalog/Pages 2 0 R" + catalogue + b">>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
        *([body] if body else []),
    ]
    out, offsets = bytearray(head), []
    for n, part in enumerate(parts, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % n + part + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(parts) + 1, start)
    return bytes(out) + behind


def stream(content: bytes, more: bytes = b"", *, packed: bool = True) -> bytes:
    data = zlib.compress(content) if packed else content
    how = b"/Filter/FlateDecode" if packed else b""
    return b"<</Length %d%s%s>>\nstream\n%s\nendstream" % (len(data), how, more, data)


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int = 2, height: int = 2, *, more: bytes = b"", behind: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    lines = b"".join(b"\0" + b"\x40\x80\xc0" * min(width, 2) for _ in range(min(height, 2)))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + more
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
        + behind
    )


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def jpeg(width: int = 8, height: int = 8, *, more: bytes = b"", behind: bytes = b"") -> bytes:
    """One grey block."""
    return (
        b"\xff\xd8"
        + segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
        + more
        + segment(0xDB, b"\0" + b"\1" * 64)
        + segment(0xC0, struct.pack(">BHHBBBB", 8, height, width, 1, 1, 0x11, 0))
        + segment(0xC4, b"\0\1" + b"\0" * 15 + b"\0")
        + segment(0xC4, b"\x10\1" + b"\0" * 15 + b"\0")
        + segment(0xDA, b"\1\1\0\0\x3f\0")
        + b"\x3f\xff\x00\x12"
        + b"\xff\xd9"
        + behind
    )


def archive(names: dict[str, bytes] | None = None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in (names or {"a.txt": b"a"}).items():
            file.writestr(name, content)
    return out.getvalue()


def zip_bomb(megabytes: int, layers: int = 1) -> bytes:
    content = archive({"zeros": b"\0" * (megabytes * 1024 * 1024)})
    for _ in range(layers - 1):
        content = archive({f"{n}.zip": content for n in range(16)})
    return content


WHOLE = {"a.pdf": pdf(), "a.png": png(), "a.jpg": jpeg()}
HTML = b"<!doctype html><html><script>alert(document.domain)</script></html>"
PHP = b"<?php system($_GET['c']); ?>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'


# ——— Families ———


def every() -> list[Upload]:
    return [
        *polyglots(),
        *active_pdfs(),
        *broken(),
        *too_large_pictures(),
        *other_kinds(),
        *contradictions(),
        *names(),
        *empty_and_bombs(),
    ]


def polyglots() -> Iterator[Upload]:
    behind = {
        "archive": archive(),
        "Office file": archive({"word/vbaProject.bin": b"x", "[Content_Types].xml": b"<x/>"}),
        "page": HTML,
        "PHP": PHP,
        "picture of lines": SVG,
        "program": b"MZ\x90\0" + b"\0" * 64,
        "shell": b"\n#!/bin/sh\nrm -rf /\n",
        "script": b"\n*/=1;alert(1)//",
    }
    for what, content in behind.items():
        for name, whole in WHOLE.items():
            yield Upload(f"{what} behind", name, whole + content)
    for what in ("archive", "Office file", "page", "PHP", "picture of lines"):
        content = behind[what]
        yield Upload(f"{what} inside", "a.png", png(more=chunk(b"tEXt", b"Comment\0" + content)))
        yield Upload(f"{what} inside", "a.jpg", jpeg(more=segment(0xFE, content)))
        yield Upload(f"{what} inside", "a.pdf", pdf(stream(content, packed=False)))
    for name, whole in WHOLE.items():
        for what in ("page", "PHP", "shell"):
            yield Upload(f"{what} before", name, behind[what] + b"\n" + whole)
        yield Upload("archive before", name, archive() + whole)
    yield Upload("PDF inside", "a.jpg", jpeg(more=segment(0xFE, pdf())))
    yield Upload("PDF inside", "a.png", png(more=chunk(b"tEXt", b"c\0" + pdf())))
    yield Upload("PDF behind", "a.jpg", jpeg(behind=pdf()))
    yield Upload("PDF behind", "a.png", png(behind=pdf()))
    yield Upload("picture behind", "a.png", png(behind=jpeg()))
    yield Upload("picture behind", "a.pdf", pdf(behind=png()))
    yield Upload("GIF that is a script", "a.gif", b"GIF89a/*\x01\x00*/=1;alert(1)//;")
    yield Upload("GIF that is a script", "a.png", b"GIF89a/*\x01\x00*/=1;alert(1)//;")
    yield Upload("script in colours", "a.png", png(more=chunk(b"PLTE", b"=1;alert(1);")), harmless=True)
    yield Upload("script in a comment", "a.jpg", jpeg(more=segment(0xFE, b"*/=alert(1)/*")), harmless=True)
    yield Upload("head deep inside", "a.pdf", b"\0" * 512 + pdf())


def active_pdfs() -> Iterator[Upload]:
    actions = {
        "JavaScript": b"<</S/JavaScript/JS(app.alert\\(1\\))>>",
        "JavaScript escaped": b"<</S/J#61vaScript/J#53(app.alert\\(1\\))>>",
        "JavaScript escaped whole": b"<</S/#4a#61#76#61#53#63#72#69#70#74/#4A#53(1)>>",
        "JS alone": b"<</S/Rendition/JS(1)>>",
        "launch": b"<</S/Launch/F(cmd.exe)>>",
        "launch escaped": b"<</S/L#61unch/Win<</F(cmd.exe)>>>>",
        "embedded file": b"<</Names<</EmbeddedFiles<</Names[(a.exe) 5 0 R]>>>>>>",
        "embedded file escaped": b"<</EF<</F 6 0 R>>/Type/Embedded#46ile>>",
        "rich media": b"<</Type/Annot/Subtype/RichMedia>>",
        "sends a form": b"<</S/SubmitForm/F(http://x.example)>>",
        "imports data": b"<</S/ImportData/F(x.fdf)>>",
        "form of XML": b"<</AcroForm<</XFA[(template) 5 0 R]>>>>",
        "goes to an attachment": b"<</S/GoToE/T<</R/C>>>>",
    }
    for what, action in actions.items():
        yield Upload(f"PDF: {what}", "a.pdf", pdf(action))
        yield Upload(f"PDF: {what}, on opening", "a.pdf", pdf(catalogue=b"/OpenAction " + action))
        yield Upload(
            f"PDF: {what}, packed", "a.pdf", pdf(stream(b"5 0 " + action, b"/Type/ObjStm/N 1/First 4"))
        )
        yield Upload(
            f"PDF: {what}, packed and escaped",
            "a.pdf",
            pdf(stream(b"5 0 " + action, b"/Type/Obj#53tm/N 1/First 4")),
        )
    hidden = b"5 0 <</S/JavaScript/JS(1)>>"
    yield Upload(
        "PDF: packed twice",
        "a.pdf",
        pdf(
            stream(zlib.compress(hidden), b"/Type/ObjStm/N 1").replace(
                b"/Filter/FlateDecode", b"/Filter[/FlateDecode/FlateDecode]"
            )
        ),
    )
    yield Upload(
        "PDF: packed with a predictor",
        "a.pdf",
        pdf(stream(hidden, b"/Type/ObjStm/DecodeParms<</Predictor 12/Columns 4>>")),
    )
    yield Upload(
        "PDF: objects as hexadecimal",
        "a.pdf",
        pdf(stream(hidden.hex().encode(), b"/Type/ObjStm/Filter/ASCIIHexDecode/X/FlateDecode", packed=False)),
    )
    yield Upload(
        "PDF: within what looks like a stream",
        "a.pdf",
        pdf(stream(b"9 0 obj<</S/JavaScript/JS(1)>>endobj", packed=False)),
    )
    yield Upload("PDF: with a password", "a.pdf", pdf().replace(b"/Root 1 0 R", b"/Root 1 0 R/Encrypt 9 0 R"))
    yield Upload(
        "PDF: with a password, escaped",
        "a.pdf",
        pdf().replace(b"/Root 1 0 R", b"/Root 1 0 R/Encr#79pt 9 0 R"),
    )


def broken() -> Iterator[Upload]:
    for name, whole in WHOLE.items():
        yield Upload("head alone", name, whole[:8])
        yield Upload("cut in the middle", name, whole[: len(whole) // 2])
        yield Upload("last bytes gone", name, whole[:-8])
        yield Upload("much behind", name, whole + b"A" * 5000)
    yield Upload("checksum wrong", "a.png", png()[:30] + b"\0" + png()[31:])
    yield Upload("no header", "a.png", png()[:8] + png()[33:])
    yield Upload(
        "no data",
        "a.png",
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
        + chunk(b"IEND", b""),
    )
    yield Upload("length that lies", "a.png", png()[:8] + b"\xff\xff\xff\xff" + png()[12:])
    yield Upload("no frame", "a.jpg", b"\xff\xd8" + segment(0xDA, b"\1\1\0\0\x3f\0") + b"\x12\xff\xd9")
    yield Upload("length that lies", "a.jpg", b"\xff\xd8\xff\xe0\xff\xff" + b"\0" * 20 + b"\xff\xd9")
    yield Upload("length of nothing", "a.jpg", b"\xff\xd8\xff\xe0\0\0" + b"\0" * 20 + b"\xff\xd9")
    yield Upload("end without a picture", "a.jpg", b"\xff\xd8\xff\xd9")


def too_large_pictures() -> Iterator[Upload]:
    for width, height in (
        (60_000, 60_000),
        (65_535, 1),
        (1, 65_500),
        (20_000, 20_000),
        (0, 0),
        (0, 100),
        (30_001, 2),
    ):
        yield Upload(f"{width} × {height}", "a.png", png(width, height))
        yield Upload(f"{width} × {height}", "a.jpg", jpeg(width, height))
    yield Upload("2³¹ × 2³¹", "a.png", png(2**31 - 1, 2**31 - 1))
    yield Upload("second picture too large", "a.jpg", jpeg(behind=jpeg(60_000, 60_000)))


def other_kinds() -> Iterator[Upload]:
    kinds = {
        "svg": SVG,
        "html": HTML,
        "xhtml": b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><script/></html>',
        "js": b"alert(1)",
        "php": PHP,
        "sh": b"#!/bin/sh\nrm -rf /",
        "bat": b"@echo off\r\ndel *",
        "exe": b"MZ\x90\0" + b"\0" * 200,
        "elf": b"\x7fELF" + b"\0" * 200,
        "docm": archive({"word/vbaProject.bin": b"x", "[Content_Types].xml": b"<x/>"}),
        "xlsm": archive({"xl/vbaProject.bin": b"x", "[Content_Types].xml": b"<x/>"}),
        "doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
        "jar": archive({"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0"}),
        "rtf": b"{\\rtf1{\\object\\objemb}}",
        "swf": b"CWS\x09" + zlib.compress(b"\0" * 100),
        "gif": b"GIF89a\1\0\1\0\0\0\0;",
        "bmp": b"BM" + b"\0" * 60,
        "tiff": b"II*\0" + b"\0" * 60,
        "webp": b"RIFF\x24\0\0\0WEBPVP8 " + b"\0" * 20,
        "ps": b"%!PS-Adobe-3.0\nsystemdict /exec\n",
        "eml": b"From: a@b.example\r\nContent-Type: text/html\r\n\r\n" + HTML,
        "txt": b"a licence",
        "gz": b"\x1f\x8b\x08" + b"\0" * 30,
    }
    for ending, content in kinds.items():
        yield Upload("another kind", f"a.{ending}", content)
        yield Upload("another kind that says PDF", "a.pdf", content)
    for ending in ("svg", "html", "php", "exe"):
        yield Upload("two endings", f"a.{ending}.png", kinds[ending])
        yield Upload("no ending", "licence", kinds[ending])


def contradictions() -> Iterator[Upload]:
    for ending in ("exe", "html", "svg", "php", "jpg", "js", "docm", "HTML", "lnk", "scr"):
        yield Upload("ending that lies", f"a.{ending}", pdf())
    yield Upload("ending that lies", "a.png", jpeg())
    yield Upload("ending that lies", "a.jpg", png())
    yield Upload("ending that lies", "a.pdf", png())


def names() -> Iterator[Upload]:
    for name in (
        "../../../etc/passwd",
        "..\\..\\windows\\system32\\licence.pdf",
        "/etc/cron.d/job",
        "C:\\autoexec.pdf",
        "a\0.pdf",
        "\u202efdp.pdf",
        "a\u200b\u2066b.pdf",
        "CON",
        "nul.pdf",
        "COM1.pdf",
        "lpt9.tar.pdf",
        "x" * 300 + ".pdf",
        "执" * 300 + ".pdf",
        ".htaccess.pdf",
        ".pdf",
        "...",
        "   ",
        "a.php.pdf",
        "a.html.pdf",
        "<script>alert(1)</script>.pdf",
        'a"; filename="b.pdf',
        "a\r\nSet-Cookie: x=1.pdf",
        "%2e%2e%2fa.pdf",
        "{{7*7}}.pdf",
        "$(id).pdf",
        "-rf.pdf",
        "~/a.pdf",
        "a|b&c;d.pdf",
        "é\u0301\u0301\u0301.pdf",
        "a.pdf.",
    ):
        yield Upload("a name", name, pdf(), harmless=True)


def empty_and_bombs() -> Iterator[Upload]:
    yield Upload("empty", "a.pdf", b"")
    yield Upload("one byte", "a.pdf", b"%")
    yield Upload("only zeros", "a.pdf", b"\0" * 1000)
    yield Upload("zip bomb", "a.zip", zip_bomb(64))
    yield Upload("zip bomb", "a.pdf", zip_bomb(64))
    yield Upload("zip bomb in layers", "a.pdf", zip_bomb(16, layers=4))
    yield Upload("zip bomb behind", "a.pdf", pdf() + zip_bomb(16))
    yield Upload("zip bomb behind", "a.png", png() + zip_bomb(16))
    zeros = zlib.compress(b"\0" * (300 * 1024 * 1024), 9)
    yield Upload(
        "PDF bomb",
        "a.pdf",
        pdf(b"<</Length %d/Filter/FlateDecode>>\nstream\n%s\nendstream" % (len(zeros), zeros)),
    )
    yield Upload(
        "PDF bomb of objects",
        "a.pdf",
        pdf(b"<</Type/ObjStm/Length %d/Filter/Fl>>\nstream\n%s\nendstream" % (len(zeros), zeros)),
    )
    yield Upload("50 MB", "a.pdf", b"%PDF-1.7\n" + b"0" * (50 * 1024 * 1024) + b"\n%%EOF")
    yield Upload("just more than 10 MB", "a.pdf", b"%PDF-1.7\n" + b"0" * (10 * 1024 * 1024) + b"\n%%EOF")
