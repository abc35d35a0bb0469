"""The figures as a file and as plain data, for the download and the command."""

import csv
import io
from typing import Any

from certification.exams.models import Exam
from certification.statistics.report import ItemLine, Report
from certification.statistics.rules import letter

COLUMNS = [
    *("code", "question", "version_in_use", "pilot", "topic", "group", "kind"),
    *("n", "p", "mean", "sd", "r_rest", "r_total", "index", "efficiency"),
    *("covariance", "covariance_max", "variance", "rest_variance"),
    *("intended_weight", "effective_weight", "guess"),
    *("a", "se_a", "b", "se_b", "d", "se_d", "model"),
]


def _row(line: ItemLine) -> dict[str, Any]:
    question, figures, model = line.column.question, line.figures, line.model
    row: dict[str, Any] = {
        "code": question.code,
        "question": question.id,
        "version_in_use": not question.retired,
        "pilot": line.column.pilot,
        "topic": question.topic,
        "group": question.group,
        "kind": str(question.kind),
        "guess": line.guess,
        "model": "fitted" if model else line.left,
    }
    for name in ("a", "se_a", "b", "se_b", "d", "se_d"):
        row[name] = getattr(model, name) if model else None
    for name in COLUMNS:
        if name not in row:
            row[name] = getattr(figures, name)
    return {name: row[name] for name in COLUMNS}


def as_data(exam: Exam, report: Report) -> dict[str, Any]:
    """Everything as plain values."""
    model = report.model
    return {
        "exam": exam.code,
        "test": vars(report.test),
        "pass_rate": report.pass_rate,
        "consistency": vars(report.consistency) if report.consistency else None,
        "model": {
            "candidates": model.candidates,
            "log_likelihood": model.log_likelihood,
            "converged": model.converged,
        }
        if model
        else None,
        "items": [
            _row(line)
            | {
                "options": [
                    {
                        "option": letter(o.number) if o.number else None,
                        "key": o.number in line.column.question.key,
                        "n": o.n,
                        "share": o.share,
                        "r": o.r,
                    }
                    for o in line.options
                ],
                "flags": [{"code": flag.code, "reason": flag.text % flag.values} for flag in line.flags],
            }
            for line in report.items
        ],
    }


def as_csv(report: Report) -> str:
    """The table of items, one line each; a cell that a spreadsheet could take for a formula begins with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    options = max((len(line.column.question.options) for line in report.items), default=0)
    more = [f"{what}_{letter(n)}" for n in range(1, options + 1) for what in ("share", "r")]
    writer.writerow([*COLUMNS, *more, "share_none", "flags"])
    for line in report.items:
        by_number = {o.number: o for o in line.options}
        cells = list(_row(line).values())
        for n in range(1, options + 1):
            one = by_number.get(n)
            cells += [one.share, one.r] if one else [None, None]
        none = by_number.get(0)
        cells += [none.share if none else None, " ".join(flag.code for flag in line.flags)]
        writer.writerow([_cell(cell) for cell in cells])
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text
