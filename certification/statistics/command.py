"""`yuqiao exams stats CODE`: what the pages show, as text or as JSON."""

import json
import sys
from typing import Any

from certification.statistics.queries import exam_responses
from certification.statistics.report import Report, report_of
from certification.statistics.rules import Period, day_of
from certification.statistics.tables import as_data
from portal.context import sessions
from portal.db import transaction


def stats(code: str, *, since: str = "", until: str = "", as_json: bool = False) -> int:
    """Print the figures of one exam. 1: there is no such exam, or a day could not be read."""
    days = {text: day_of(text) for text in (since, until) if text}
    for text, day in days.items():
        if day is None:
            print(f"{text}: not a day such as 2026-11-30", file=sys.stderr)
            return 1
    with transaction(sessions(), read_only=True) as session:
        load = exam_responses(session, code, Period(days.get(since), days.get(until)))
        if load is None:
            print(f"{code}: no such exam", file=sys.stderr)
            return 1
        report = report_of(load.responses)
        data = as_data(load.exam, report)
    print(json.dumps(data, ensure_ascii=False) if as_json else "\n".join(_lines(data, report)))
    return 0


def _n(value: float | None, digits: int = 3) -> str:
    return "—" if value is None else f"{value:.{digits}f}"


def _lines(data: dict[str, Any], report: Report) -> list[str]:
    test = report.test
    lines = [
        f"{data['exam']}: {test.n} sittings, {test.items:g} items, {test.top:g} points",
        f"mean {_n(test.mean)}  median {_n(test.median)}  SD {_n(test.sd)}",
        f"skewness {_n(test.skewness)}  kurtosis {_n(test.kurtosis)}",
        f"alpha {_n(test.alpha)}  CIC {_n(test.cic, 1)}  error ratio {_n(test.error_ratio, 1)}  SEM {_n(test.sem)}",
    ]
    if report.consistency:
        found = report.consistency
        lines.append(
            f"cut {_n(found.cut, 2)}  SEM there (Lord) {_n(found.conditional_sem)}  "
            f"agreement (Subkoviak) {_n(found.agreement)}  kappa {_n(found.kappa)}  passed {_n(report.pass_rate)}"
        )
    if report.model:
        lines.append(
            f"2PL: {len(report.model.items)} items, log-likelihood {_n(report.model.log_likelihood)}, "
            f"{'converged' if report.model.converged else 'not converged'}"
        )
    lines.append("")
    lines.append(f"{'item':<24}{'n':>6}{'p':>7}{'SD':>7}{'r(x,R)':>8}{'r(x,T)':>8}{'a':>7}{'b':>7}")
    for line in report.items:
        f, m = line.figures, line.model
        name = line.column.question.code + (" (pilot)" if line.column.pilot else "")
        lines.append(
            f"{name:<24}{f.n:>6}{_n(f.p, 2):>7}{_n(f.sd, 2):>7}{_n(f.r_rest, 2):>8}{_n(f.r_total, 2):>8}"
            f"{_n(m.a if m else None, 2):>7}{_n(m.b if m else None, 2):>7}"
        )
        lines += [f"    {flag.text % flag.values}" for flag in line.flags if flag.code != "few"]
    return lines
