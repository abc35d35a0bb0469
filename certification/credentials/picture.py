"""What a certificate looks like: a PDF to hang up, a picture to bake, a live badge for other people's pages."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from io import BytesIO
from math import cos, pi, sin
from pathlib import Path
from typing import Any, Literal

import pylopdf_fonts_zh_cn
import segno
import typst

from portal.i18n import speaking
from portal.web.html import environment

FOLDER = Path(__file__).parent
PIXELS = 1200  # of the PNG, each way
CREATED = datetime(2026, 1, 1, tzinfo=UTC)  # the same certificate is the same bytes


@dataclass(frozen=True)
class Sheet:
    """All that is written on it. `state`: a word of `rules.reads_as`; dates as they are read in China."""

    title_zh: str
    title_en: str
    short_zh: str  # of a level, its family alone; the badge has stars beside it
    short_en: str
    holder: str
    number: str
    awarded: str
    valid_until: str
    since: str  # when the state began
    stars: int  # 0: a person's
    scope: str
    version: str
    address: str
    state: str


STAMPS = {
    "expired": ("已过期", "Expired"),
    "suspended": ("已暂停", "Suspended"),
    "revoked": ("已撤销", "Revoked"),
    "superseded": ("已被新证书取代", "Replaced"),
}
STATES = {"valid": ("有效", "Valid"), "probation": ("整改中", "In remediation"), **STAMPS}
NOTICE = (
    "所依据的规则是本项目自行提出的方案，不是任何公司公布的规则。",
    "The programme is this project's own proposal, not the published rules of any company.",
)


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    """From a package: no font of the system is looked at."""
    return typst.Fonts(
        include_system_fonts=False, font_paths=[str(Path(pylopdf_fonts_zh_cn.serif_path()).parent)]
    )


def _compile(source: bytes, output: Literal["pdf", "png"], inputs: dict[str, str], **options: Any) -> bytes:
    compiled: bytes = typst.compile(
        source,
        format=output,
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs=inputs,
        **options,
    )
    return compiled


@lru_cache(maxsize=64)
def pdf(sheet: Sheet, signed: str) -> bytes:
    """PDF/A-3 with the signed file attached; its state across it when it is not in force."""
    stamp = STAMPS.get(sheet.state, ("", ""))
    level = sheet.stars > 0
    words = asdict(sheet) | {
        "stamp_zh": stamp[0],
        "stamp_en": stamp[1],
        "stamp_since": sheet.since if stamp[0] else "",
        "notice_zh": NOTICE[0],
        "notice_en": NOTICE[1],
        "because_zh": f"符合{sheet.version}版规则，经评审，认证为"
        if level
        else f"完成{sheet.version}版规则的课程并通过考试，成为",
        "because_en": f"meets the rules of programme {sheet.version} and is, after review,"
        if level
        else f"has completed the training and passed the exam of programme {sheet.version}, and is",
    }
    qr = BytesIO()
    segno.make(sheet.address, error="m").save(qr, kind="svg", border=2, dark="#1c1f26", light="#ffffff")
    inputs = {
        "sheet": json.dumps(words, ensure_ascii=False),
        "qr": qr.getvalue().decode(),
        "signed": signed,
    }
    source = (FOLDER / "certificate.typ").read_bytes()
    return _compile(source, "pdf", inputs, pdf_standards="a-3b", timestamp=CREATED)


@lru_cache(maxsize=64)
def svg(sheet: Sheet) -> str:
    """A square card; text stays text, in the fonts of whoever looks."""
    return _drawn("credentials/picture.svg", sheet, "zh")


@lru_cache(maxsize=64)
def png(sheet: Sheet) -> bytes:
    """The same card, drawn with our fonts."""
    source = (
        b"#set page(width: 600pt, height: 600pt, margin: 0pt, fill: none)\n"
        b'#image(bytes(sys.inputs.card), format: "svg", width: 600pt, height: 600pt)'
    )
    return _compile(source, "png", {"card": svg(sheet)}, ppi=72.0 * PIXELS / 600)


@lru_cache(maxsize=256)
def live(sheet: Sheet, language: str) -> str:
    """The badge of other people's pages, 280 by 72."""
    return _drawn("credentials/badge.svg", sheet, language)


def _drawn(template: str, sheet: Sheet, language: str) -> str:
    with speaking(language):
        return (
            environment()
            .get_template(template)
            .render(
                sheet=sheet,
                zh=language == "zh",
                state=STATES[sheet.state][0 if language == "zh" else 1],
                states=STATES[sheet.state],
                wrapped=wrapped,
                width=width,
                stars=star_path,
            )
        )


def width(text: str) -> float:
    """In ems: a Chinese character is one, a Latin letter a little more than half."""
    return sum(1.0 if ord(c) >= 0x2E80 else 0.28 if c in " .,il|'" else 0.55 for c in text)


def wrapped(text: str, ems: float, most: int = 3) -> list[str]:
    """Lines no wider than `ems`: after a Chinese comma where two halves fit, else at spaces in Latin text and anywhere
    in Chinese; the last is cut with an ellipsis."""
    first, comma, rest = text.partition("，")
    if width(text) > ems and comma and most > 1 and rest and max(width(first + comma), width(rest)) <= ems:
        return [first + comma, rest]
    lines, line = [], ""
    for word in _words(text):
        if line and width(line + word) > ems:
            lines.append(line.rstrip())
            line = word.lstrip()
        else:
            line += word
    lines.append(line.rstrip())
    if len(lines) > most:
        last = lines[most - 1]
        while width(last) > ems - 1:
            last = last[:-1]
        lines = [*lines[: most - 1], last + "…"]
    return lines


def _words(text: str) -> list[str]:
    words: list[str] = []
    for character in text:
        if ord(character) >= 0x2E80 and not (words and character in "，。；、）】》"):
            words.append(character)
        elif (
            words
            and not (ord(words[-1][-1]) >= 0x2E80 and character not in "，。；、）】》")
            and character != " "
        ):
            words[-1] += character
        else:
            words.append(character)
    return words


def star_path(x: float, y: float, size: float) -> str:
    """A star of five points as an SVG path, its box's corner at x, y."""
    half = size / 2
    points = []
    for i in range(10):
        radius = half if i % 2 == 0 else half * 0.425
        angle = -pi / 2 + i * pi / 5
        points.append(f"{x + half + radius * cos(angle):.2f} {y + half + radius * sin(angle):.2f}")
    return "M" + "L".join(points) + "Z"
