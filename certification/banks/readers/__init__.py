"""Files of questions in, one form of question out. What can't be read is listed with its place, never dropped."""

import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import PurePath

from certification.banks.form import MOST_BYTES, QuestionFile
from certification.banks.markup import tidy
from certification.banks.readers.gift import read_gift
from certification.banks.readers.moodle import read_moodle
from certification.banks.readers.package import read_package
from certification.banks.readers.plain import read_aiken
from certification.banks.readers.qti import read_item_file
from certification.banks.readers.qti12 import read_interop
from certification.banks.readers.tables import csv_rows, read_columns, read_own, read_pool
from portal.files.archive import open_archive
from portal.files.reading import UnreadableFileError
from portal.files.xml import Element, local, parse_xml
from portal.refusal import mark


class Format(StrEnum):
    OWN = "own"
    CSV = "csv"
    POOL = "pool"
    MOODLE = "moodle"
    GIFT = "gift"
    AIKEN = "aiken"
    QTI = "qti"


_UNKNOWN = mark(
    "This kind of file is not read. Moodle XML, GIFT, Aiken, QTI, CSV and our own YAML are; "
    "a file of another kind can be named as one of these."
)
_TEXTS: dict[Format, Callable[[str], QuestionFile]] = {
    Format.OWN: read_own,
    Format.CSV: read_columns,
    Format.POOL: read_pool,
    Format.GIFT: read_gift,
    Format.AIKEN: read_aiken,
}


def read_questions(name: str, content: bytes, format: str | None = None) -> QuestionFile:  # noqa: A002
    """The questions of a file of any format; `format` (of `Format`) when it is known, else found by the content.

    UnreadableFileError when nothing in it can be read.
    """
    if len(content) > MOST_BYTES:
        raise UnreadableFileError(mark("The file is larger than 20 MB."))
    if format is not None and format not in list(Format):
        raise UnreadableFileError(_UNKNOWN)
    wanted = Format(format) if format else None
    if content[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        if wanted not in (None, Format.QTI):
            raise UnreadableFileError(_UNKNOWN)
        return read_package(open_archive(content))
    if wanted in (Format.MOODLE, Format.QTI) or (wanted is None and _is_xml(content)):
        return _read_xml(parse_xml(content), wanted)
    try:
        text = tidy(content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"))
    except UnicodeDecodeError:
        raise UnreadableFileError(mark("The file is not there, or it is not text in UTF-8.")) from None
    return _TEXTS[wanted or _format_of(name, text)](text)


def _is_xml(content: bytes) -> bool:
    head = content[:1000]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head = head.replace(b"\0", b"")[2:]
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return bool(
        re.match(rb"<(\?xml|!DOCTYPE|!--|quiz|[A-Za-z0-9]{0,20}:?(questestinterop|assessment|qti-))", head)
    )


def _read_xml(root: Element, wanted: Format | None) -> QuestionFile:
    name = local(root)
    if name == "quiz" and wanted in (None, Format.MOODLE):
        return read_moodle(root)
    if name == "questestinterop" and wanted in (None, Format.QTI):
        return read_interop(root)
    if name == "assessmentitem" and wanted in (None, Format.QTI):
        return read_item_file(root)
    if name in ("manifest", "assessmenttest"):
        raise UnreadableFileError(
            mark("This file only lists the questions of a package. Please give the whole package.")
        )
    raise UnreadableFileError(_UNKNOWN)


def _format_of(name: str, text: str) -> Format:
    """Of a text: first by what only that format has, then by the ending of its name."""
    ending = PurePath(name).suffix.lower()
    columns = set(csv_rows(text).fieldnames or ())
    rows = ending in (".yaml", ".yml", ".json") or text.lstrip().startswith(("---\n", "- ", "["))
    tests = (
        (Format.GIFT, ending == ".gift"),
        (Format.AIKEN, ending == ".aiken"),
        (Format.POOL, rows and re.search(r"""\banswers["']?\s?:""", text)),
        (Format.OWN, rows),
        (Format.POOL, {"correct", "question"} <= columns),
        (Format.CSV, columns & {"stem", "stem_zh", "stem_en"} or ending == ".csv"),
        (Format.POOL, re.search(r"^[A-Z]\d[A-Z]\d\d\s{1,9}\([A-D]\)", text, re.MULTILINE)),
        (Format.AIKEN, re.search(r"^\s{0,20}ANSWER\s{0,9}:", text, re.MULTILINE | re.IGNORECASE)),
        (Format.GIFT, re.search(r"^::|^\$CATEGORY:|^//|(?<!\\)\{[^{}]*\}", text, re.MULTILINE)),
    )
    found = next((kind for kind, fits in tests if fits), None)
    if found is None:
        raise UnreadableFileError(_UNKNOWN)
    return found
