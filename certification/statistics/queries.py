"""What was asked and answered in marked sittings: three queries, and one for what people marked, however many sittings and exams there are."""

import json
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from markupsafe import Markup
from sqlalchemy import ColumnElement, Text, cast
from sqlmodel import Session, col, select

from certification.banks.models import Question
from certification.banks.rules import QuestionKind, QuestionStatus
from certification.exams.models import Answer, Exam, Sitting
from certification.exams.rules import SittingStatus
from certification.marking.models import Mark
from certification.marking.rules import Given, Key, agreed
from certification.statistics.responses import Asked, Paper, Responses, arrange
from certification.statistics.rules import Period
from portal.clock import CHINA


@dataclass(frozen=True)
class ExamLoad:
    exam: Exam
    responses: Responses


def exam_responses(session: Session, code: str, period: Period | None = None) -> ExamLoad | None:
    """One exam; None when there is no exam of that code."""
    return next(iter(all_responses(session, period, code)), None)


def all_responses(session: Session, period: Period | None = None, code: str | None = None) -> list[ExamLoad]:
    """Every exam, or the one of that code, with what its marked sittings of that period say. Voided ones do not count."""
    chosen = [Exam.code == code] if code is not None else []
    banks = session.exec(
        select(Exam, Question)
        .join(Question, col(Question.bank_id) == col(Exam.bank_id), isouter=True)
        .where(*chosen)
        .order_by(Exam.code, Question.id)  # type: ignore[arg-type]
    ).all()
    exams: dict[int, Exam] = {}
    questions: dict[int, list[Asked]] = defaultdict(list)
    for exam, question in banks:
        exams[exam.id or 0] = exam
        if question is not None:
            questions[exam.id or 0].append(_asked(question))
    counted = _counted(period or Period(), list(exams) if code is not None else None)
    columns: tuple[Any, ...] = (
        Sitting.id,
        Sitting.exam_id,
        Sitting.started_at,
        Sitting.pass_marks,
        Sitting.passed,
        Sitting.paper,
    )
    papers: dict[int, list[Paper]] = defaultdict(list)
    exam_of: dict[int, int] = {}
    for i, exam_id, at, pass_marks, passed, paper in session.exec(
        select(*columns).where(*counted).order_by(Sitting.id)
    ):
        asked = tuple((place["question"], bool(place.get("pilot"))) for place in paper)
        papers[exam_id].append(Paper(i, at, pass_marks, bool(passed), asked))
        exam_of[i] = exam_id
    answers: dict[int, list[tuple[int, int, Given]]] = defaultdict(list)
    # As text: the same few answers come thousands of times, and are parsed once each.
    parts: tuple[Any, ...] = (
        Answer.sitting_id,
        Answer.question_id,
        cast(col(Answer.chosen), Text),
        Answer.text,
    )
    for sitting, question_id, said, text in session.exec(
        select(*parts).join(Sitting, col(Answer.sitting_id) == col(Sitting.id)).where(*counted)
    ):
        if sitting in exam_of:
            given = Given(_parsed(said), text) if text else _chosen(said)
            answers[exam_of[sitting]].append((sitting, question_id, given))
    long = {q.id for asked in questions.values() for q in asked if q.kind == QuestionKind.LONG}
    marks = _marks(session, counted) if long else {}
    return [ExamLoad(exam, arrange(questions[i], papers[i], answers[i], marks)) for i, exam in exams.items()]


def _marks(session: Session, counted: list[ColumnElement[bool]]) -> dict[tuple[int, int], int | None]:
    """(sitting, long question) → the points that its markers agreed on."""
    given: dict[tuple[int, int], list[list[int]]] = defaultdict(list)
    most: dict[tuple[int, int], int] = {}
    columns: tuple[Any, ...] = (Answer.sitting_id, Answer.question_id, Question.points, Mark.points)
    for sitting, question, points, lines in session.exec(
        select(*columns)
        .join(Answer, col(Mark.answer_id) == col(Answer.id))
        .join(Question, col(Answer.question_id) == col(Question.id))
        .join(Sitting, col(Answer.sitting_id) == col(Sitting.id))
        .where(*counted)
        .order_by(col(Mark.id))
    ):
        given[sitting, question].append(lines)
        most[sitting, question] = points
    return {pair: agreed(found, most[pair]) for pair, found in given.items()}


def _counted(period: Period, exams: list[int] | None) -> list[ColumnElement[bool]]:
    since, after = period.bounds(CHINA)
    conditions: list[ColumnElement[bool]] = [col(Sitting.status) == SittingStatus.MARKED]
    if exams is not None:
        conditions.append(col(Sitting.exam_id).in_(exams))
    if since:
        conditions.append(col(Sitting.started_at) >= since)
    if after:
        conditions.append(col(Sitting.started_at) < after)
    return conditions


def _asked(question: Question) -> Asked:
    return Asked(
        question.id or 0,
        question.code,
        question.topic,
        question.group,
        question.kind,
        _plain(question.stem, question.markup),
        tuple(_plain(option, question.markup) for option in question.options),
        Key(question.kind, tuple(question.key), question.accept, question.case, question.points),
        question.status is QuestionStatus.RETIRED,
    )


def _plain(words: dict[str, Any], markup: str) -> dict[str, Any]:
    """Words without markup: a table of figures has no room for pictures."""
    if markup != "html":
        return words
    return {k: Markup(v).striptags() if isinstance(v, str) else v for k, v in words.items()}  # noqa: S704  stripped


@lru_cache(maxsize=4096)
def _parsed(text: str) -> tuple[int, ...]:
    found = json.loads(text)
    return tuple(found) if isinstance(found, list) else ()


@lru_cache(maxsize=4096)
def _chosen(text: str) -> Given:
    return Given(_parsed(text))
