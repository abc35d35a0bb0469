"""Staff read what the numbers say: every exam, one exam, one item, and what changed."""

from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
from litestar import Request, Response, Router
from litestar.enums import MediaType
from sqlmodel import Session

from certification.standards.queries import adopted_for
from certification.statistics import pictures, queries
from certification.statistics.irt import Model
from certification.statistics.item_analysis import rest_scores
from certification.statistics.report import ItemLine, Report, drift_of_versions, drift_since, report_of
from certification.statistics.rules import MODEL_FROM, Period, day_of
from certification.statistics.tables import as_csv
from portal.clock import CHINA
from portal.i18n import gettext
from portal.refusal import mark
from portal.web.forms import Form
from portal.web.html import found, get, html
from portal.web.viewer import staff

WRONG_DAY = mark("Please write a date, such as 2026-11-30.")


def _period(request: Request) -> tuple[Period, Form, dict[str, str]]:
    """The period asked for, what was typed, and what could not be read of it (and was left out)."""
    typed = {name: request.query_params.get(name, "")[:40] for name in ("since", "until")}
    read = {name: day_of(text) for name, text in typed.items()}
    wrong = {name: gettext(WRONG_DAY) for name, text in typed.items() if text.strip() and read[name] is None}
    return Period(read["since"], read["until"]), Form.of(typed), wrong


def _query(period: Period) -> str:
    """The period for a link, with its question mark."""
    parts = [f"{name}={day}" for name, day in (("since", period.since), ("until", period.until)) if day]
    return "?" + "&".join(parts) if parts else ""


def _of(session: Session, code: str, period: Period) -> tuple[queries.ExamLoad, Report]:
    load = found(queries.exam_responses(session, code, period))
    return load, report_of(load.responses)


@get("/staff/exams", right="staff_exams")
def exams(request: Request, session: Session) -> Response[str]:
    """All exams with their figures; the model is not fitted for a list."""
    period, form, errors = _period(request)
    rows = [
        (load.exam, report_of(load.responses, with_model=False))
        for load in queries.all_responses(session, period)
    ]
    return html(
        request,
        "statistics/exams.html",
        rows=rows,
        form=form,
        errors=errors,
        period=period,
        query=_query(period),
    )


@get("/staff/exams/{code:str}/statistics", right="staff_exams")
def statistics(request: Request, session: Session, code: str) -> Response[str]:
    period, form, errors = _period(request)
    load, report = _of(session, code, period)
    abilities = [-2.0, -1.0, 0.0, 1.0, 2.0]
    return html(
        request,
        "statistics/exam.html",
        exam=load.exam,
        report=report,
        form=form,
        errors=errors,
        period=period,
        query=_query(period),
        adopted=adopted_for(session, load.exam.id or 0),
        information=_information(report.model, abilities) if report.model else [],
        curve=pictures.information_curve(report.model) if report.model else None,
        least=MODEL_FROM,
        most=max((line.figures.n for line in report.items), default=0),
        left=_left(report),
    )


def _information(model: Model, abilities: list[float]) -> list[tuple[float, float, float]]:
    """(ability, information, standard error of ability)."""
    values = model.information(np.array(abilities))
    return [(t, float(v), float(1 / np.sqrt(v))) for t, v in zip(abilities, values, strict=True)]


def _left(report: Report) -> list[tuple[str, list[ItemLine]]]:
    """Why, and which items the model does not hold."""
    reasons: dict[str, list[ItemLine]] = {}
    for line in report.items:
        if line.left:
            reasons.setdefault(line.left, []).append(line)
    return sorted(reasons.items())


@get("/staff/exams/{code:str}/items.csv", right="staff_exams")
def items_csv(request: Request, session: Session, code: str) -> Response[bytes]:
    period, _, _ = _period(request)
    load, report = _of(session, code, period)
    name = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in load.exam.code)
    return Response(
        as_csv(report).encode("utf-8-sig"),
        media_type=MediaType.TEXT,
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{name}-items.csv"',
            "Cache-Control": "private, no-store",
        },
    )


@get("/staff/exams/{code:str}/items/{question_id:int}", right="staff_exams")
def item(request: Request, session: Session, code: str, question_id: int) -> Response[str]:
    """One item with its pictures."""
    period, form, errors = _period(request)
    load, report = _of(session, code, period)
    line = found(report.line(question_id))
    return html(
        request,
        "statistics/item.html",
        exam=load.exam,
        report=report,
        line=line,
        form=form,
        errors=errors,
        period=period,
        query=_query(period),
        lines=pictures.option_lines(line.options, line.column.question.key) if line.judged else [],
        curve=_curve(report, line),
    )


def _curve(report: Report, line: ItemLine) -> pictures.Curve | None:
    if report.model is None or line.model is None:
        return None
    responses = report.responses
    asked, _ = rest_scores(responses.x, responses.top, responses.scored, line.at)
    return pictures.item_curve(
        line.model, responses.x[asked, line.at] / responses.top[line.at], report.model.eap[asked]
    )


@get("/staff/exams/{code:str}/drift", right="staff_exams")
def drift(request: Request, session: Session, code: str) -> Response[str]:
    """Before and after a day (the middle of all sittings, unless one is asked for), and wording against wording."""
    load = found(queries.exam_responses(session, code))
    typed = request.query_params.get("on", "")[:40]
    on = day_of(typed)
    errors = {"on": gettext(WRONG_DAY)} if typed.strip() and on is None else {}
    on = on or _middle(load)
    moment = datetime.combine(on, time(), CHINA) if on else None
    context: dict[str, Any] = {
        "exam": load.exam,
        "on": on,
        "errors": errors,
        "form": Form.of({"on": typed or (on.isoformat() if on else "")}),
        "before": sum(1 for p in load.responses.papers if moment and p.at < moment),
        "after": sum(1 for p in load.responses.papers if moment and p.at >= moment),
        "lines": drift_since(load.responses, moment) if moment else [],
        "versions": drift_of_versions(load.responses),
    }
    return html(request, "statistics/drift.html", **context)


def _middle(load: queries.ExamLoad) -> date | None:
    """The day after the one on which half of the sittings had begun."""
    days = sorted(paper.at.astimezone(CHINA).date() for paper in load.responses.papers)
    if not days or days[0] == days[-1]:
        return days[0] if days else None
    middle = days[(len(days) - 1) // 2]
    return middle + timedelta(days=1) if middle < days[-1] else middle


routers = [Router("/", route_handlers=[exams, statistics, items_csv, item, drift], guards=[staff])]
