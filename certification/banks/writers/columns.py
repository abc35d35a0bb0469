"""Our own columns as CSV, in UTF-8 with a mark that spreadsheets know. Nothing in it starts a formula."""

import base64
import csv
import io
import re
from collections.abc import Sequence

from certification.banks.form import QuestionForm
from certification.banks.rules import QuestionKind

_FIRST = ["code", "topic", "group", "level", "kind", "points", "case", "markup"]
_STARTS_FORMULA = re.compile(r"'*[=+\-@\t]")


def write_columns(questions: Sequence[QuestionForm]) -> bytes:
    most = {
        name: max((len(getattr(q, field)) for q in questions), default=0)
        for name, field in (("option", "options"), ("prompt", "prompts"), ("rubric", "rubric"))
    }
    columns = [*_FIRST, "stem_zh", "stem_en"]
    for name, count in most.items():
        for n in range(1, count + 1):
            columns += [f"{name}_{n}_zh", f"{name}_{n}_en"] + (
                [f"rubric_{n}_points"] if name == "rubric" else []
            )
    columns += ["key", "fixed", "accept", "why_zh", "why_en", "tags", "enemies", "pictures"]
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\r\n")
    writer.writeheader()
    for question in questions:
        writer.writerow({name: _guarded(cell) for name, cell in _cells(question).items()})
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _guarded(cell: str) -> str:
    return f"'{cell}" if _STARTS_FORMULA.match(cell) else cell


def _cells(question: QuestionForm) -> dict[str, str]:
    cells = {name: str(getattr(question, name)) for name in _FIRST}
    cells["case"] = "yes" if question.case else "no"
    named = [("stem", question.stem), ("why", question.why)]
    for name, texts in (
        ("option", question.options),
        ("prompt", question.prompts),
        ("rubric", question.rubric),
    ):
        named += [(f"{name}_{n}", text) for n, text in enumerate(texts, 1)]
    for name, text in named:
        cells |= {f"{name}_zh": text["zh"], f"{name}_en": text["en"]}
    for n, row in enumerate(question.rubric, 1):
        cells[f"rubric_{n}_points"] = str(row["points"])
    numeric = question.kind == QuestionKind.NUMERIC
    return cells | {
        "key": " ".join(map(str, question.key)),
        "fixed": " ".join(str(n) for n, o in enumerate(question.options, 1) if o.get("fixed")),
        "accept": "\n".join(
            f"{a['low']!r}..{a['high']!r}" if numeric else a["text"] for a in question.accept
        ),
        "tags": "\n".join(question.tags),
        "enemies": "\n".join(question.enemies),
        "pictures": "\n".join(
            f"{name}:{base64.b64encode(content).decode()}" for name, content in question.pictures.items()
        ),
    }
