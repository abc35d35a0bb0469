"""A paper as a file shows it, alone or beside the one it resembles."""

from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from certification.banks.models import Question
from certification.banks.rules import CHOICE
from certification.exams.actions import given_by, key_of
from certification.exams.models import Answer, Sitting
from certification.exams.queries import answers_of, questions_with
from certification.integrity.signals import response_times
from certification.marking.rules import is_right
from certification.statistics.rules import letter


@dataclass(frozen=True)
class Said:
    """One answer: in the letters of the bank, whatever order the page had."""

    text: str
    right: bool
    seconds: float | None
    changes: int


@dataclass(frozen=True)
class Line:
    code: str
    stem: dict[str, Any]
    key: str
    said: list[Said]  # of each paper

    @property
    def identical(self) -> bool:
        return len(self.said) > 1 and len({one.text for one in self.said}) == 1 and bool(self.said[0].text)


def beside(session: Session, sittings: list[Sitting]) -> list[Line]:
    """The questions that all of the papers hold, in the order of the first."""
    papers = [[place["question"] for place in sitting.paper] for sitting in sittings]
    shared = [q for q in papers[0] if all(q in paper for paper in papers)]
    questions = questions_with(session, shared)
    answers = [answers_of(session, sitting.id or 0) for sitting in sittings]
    times = [
        response_times(sitting.started_at, {q: a.first_at for q, a in own.items() if a.first_at})
        for sitting, own in zip(sittings, answers, strict=True)
    ]
    return [
        Line(
            questions[q].code,
            questions[q].stem,
            _letters(questions[q], questions[q].key),
            [
                _said(questions[q], own.get(q), spent.get(q))
                for own, spent in zip(answers, times, strict=True)
            ],
        )
        for q in shared
        if q in questions
    ]


def _letters(question: Question, chosen: list[int]) -> str:
    if question.kind in CHOICE:
        return " ".join(letter(n) for n in sorted(chosen))
    return " ".join(str(n) for n in chosen)


def _said(question: Question, answer: Answer | None, seconds: float | None) -> Said:
    given = given_by(answer)
    text = _letters(question, list(given.chosen)) if given.chosen else given.text[:40]
    return Said(text, is_right(key_of(question), given), seconds, answer.changes if answer else 0)
