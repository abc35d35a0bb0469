"""Three sittings of the practice test that stand out: a pair that agrees, one that was fast, one that was cleared."""

from datetime import datetime, timedelta
from itertools import permutations

import numpy as np
from sqlmodel import Session

from certification.banks.models import Question
from certification.exams.actions import mark_again
from certification.exams.models import Answer, Exam, Sitting
from certification.exams.queries import answers_of, questions_of_bank
from certification.exams.rules import SittingStatus
from certification.integrity.actions import clear, open_files
from certification.integrity.rules import Kind
from certification.integrity.signals import Signal, tails
from demo.queries import sittings_of_exam


def stand_out(session: Session, exam: Exam, *, by: int, now: datetime) -> None:
    """`by` clears one of the files. Needs the sittings of the practice test."""
    sittings = [s for s in sittings_of_exam(session, exam.id or 0) if s.status is SittingStatus.MARKED][-25:]
    questions = {q.id or 0: q for q in questions_of_bank(session, exam.bank_id)}
    answers = {s.id: answers_of(session, s.id or 0) for s in sittings}

    def mistakes(pair: tuple[Sitting, ...]) -> int:
        said = answers[pair[0].id]
        return sum(said[q].chosen != questions[q].key for q in said.keys() & answers[pair[1].id].keys())

    one, other = max(permutations(sittings, 2), key=mistakes)
    rest = [s for s in sittings if s not in (one, other)]
    fast, cleared = sorted(rest, key=lambda s: s.score or 0)[:-3:-1]
    for sitting, seconds in ((one, 31), (other, 33), (fast, 3), (cleared, 3)):
        _spread(session, answers[sitting.id], sitting.started_at, seconds)
    shared = sorted(answers[one.id].keys() & answers[other.id].keys())
    for question in shared:
        answers[other.id][question].chosen = list(answers[one.id][question].chosen)
    session.flush()
    mark_again(session, other, "演示数据：补录答案后重新计分", keep_pass=False, by=by, now=other.ends_at)
    alike = _agreement(answers[one.id], shared, questions, [answers[s.id] for s in sittings])
    signals = [
        Signal(Kind.SIMILARITY, a.id or 0, {"partners": [{"sitting": b.id, **alike}], "looked_at": 780})
        for a, b in ((one, other), (other, one))
    ]
    signals += [Signal(Kind.SPEED, s.id or 0, _speed(answers[s.id], questions)) for s in (fast, cleared)]
    files = open_files(session, signals, now=now - timedelta(days=2))
    reason = "考生当天上午刚完成这几课的随堂练习，题目相近，速度说得通。"
    clear(session, files[-1], cleared, reason, by=by, now=now - timedelta(days=1))


def _spread(session: Session, answers: dict[int, Answer], start: datetime, seconds: int) -> None:
    for n, answer in enumerate(answers.values(), 1):
        answer.first_at = start + timedelta(seconds=n * seconds + n % 3)
    session.flush()


def _agreement(
    said: dict[int, Answer],
    shared: list[int],
    questions: dict[int, Question],
    everybody: list[dict[int, Answer]],
) -> dict[str, float]:
    """As certification.integrity.signals counts it, with the shares of everybody."""
    chances, of_wrong, wrong = [], [], 0
    for q in shared:
        given = [tuple(own[q].chosen) for own in everybody if q in own]
        share = {a: given.count(a) / len(given) for a in set(given)}
        key = tuple(questions[q].key)
        chances.append(sum(v * v for v in share.values()))
        of_wrong.append(sum(v * v for a, v in share.items() if a != key))
        wrong += tuple(said[q].chosen) != key
    p = 2 * min(
        tails(np.array([chances]), np.array([len(shared)]))[0],
        tails(np.array([of_wrong]), np.array([wrong]))[0],
    )
    return {
        "shared": len(shared),
        "identical": len(shared),
        "expected": sum(chances),
        "wrong": wrong,
        "expected_wrong": sum(of_wrong),
        "p": float(p),
    }


def _speed(answers: dict[int, Answer], questions: dict[int, Question]) -> dict[str, float]:
    right = sum(list(a.chosen) == list(questions[q].key) for q, a in answers.items())
    guess = np.array([[1 / len(questions[q].options) for q in answers]])
    return {
        "fast": len(answers),
        "of": len(answers),
        "right": right,
        "expected": float(guess.sum()),
        "p": float(tails(guess, np.array([right]))[0]),
        "looked_at": 40,
    }
