"""10,000 marked sittings of 40 items out of 120, from the database to every figure: what each step takes.

python -m bench.statistics
"""

import random
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import exp
from pathlib import Path
from typing import Any

from certification.banks.models import Bank, Question
from certification.banks.rules import QuestionKind
from certification.exams.models import Answer, Exam, Sitting
from certification.exams.rules import Part, SittingStatus
from certification.statistics.irt import fit
from certification.statistics.queries import all_responses, exam_responses
from certification.statistics.report import report_of
from portal import __main__ as commands
from portal import context, db
from portal.accounts.models import Person

SITTINGS, ITEMS, PAPER = 10_000, 120, 40


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="yuqiao-bench-"))
    context.use_sessions(db.make_sessions(db.make_engine(f"sqlite:///{folder / 'bench.db'}")))
    commands.migrate()
    start, draw = datetime(2026, 1, 1, tzinfo=UTC), random.Random(1)
    with context.sessions()() as session:
        person = Person(
            uuid="0", email="b@example.com", name="B", password_hash="", language="en", created_at=start
        )
        bank = Bank(code="B", title={"en": "B"})
        session.add_all([person, bank])
        session.flush()
        exam = Exam(
            code="B", bank_id=bank.id, title={"en": "B"}, blueprint={"t": PAPER}, minutes=60, pass_marks=28
        )
        questions = [
            Question(
                bank_id=bank.id,
                code=f"q{n}",
                topic="t",
                group="t",
                kind=QuestionKind.ONE,
                stem={"en": "?"},
                options=[{"en": "x"}] * 4,
                key=[1],
                why={},
                content_hash=str(n),
            )
            for n in range(ITEMS)
        ]
        session.add_all([exam, *questions])
        session.flush()
        hard = {q.id: draw.gauss(-0.5, 1) for q in questions}
        sittings, answers = [], []
        for n in range(1, SITTINGS + 1):
            paper, ability = draw.sample(questions, PAPER), draw.gauss(0, 1)
            sittings.append(
                {
                    "id": n,
                    "token": str(n),
                    "person_id": person.id,
                    "exam_id": exam.id,
                    "part": Part.WRITTEN,
                    "seed": "",
                    "drawn": {},
                    "points": PAPER,
                    "paper": [{"question": q.id, "options": [2, 1, 4, 3]} for q in paper],
                    "pass_marks": 28,
                    "accommodation": 1.0,
                    "started_at": start + timedelta(minutes=n),
                    "ends_at": start + timedelta(minutes=n + 60),
                    "status": SittingStatus.MARKED,
                    "timed_out": False,
                    "passed": True,
                    "score": 30,
                    "result": {},
                }
            )
            for q in paper:
                right = draw.random() < 1 / (1 + exp(hard[q.id] - ability))
                answers.append(
                    {
                        "sitting_id": n,
                        "question_id": q.id,
                        "chosen": [1] if right else [draw.randint(2, 4)],
                        "text": "",
                        "flagged": False,
                        "revision": 1,
                        "saved_at": start,
                    }
                )
        session.connection().execute(Sitting.__table__.insert(), sittings)  # type: ignore[attr-defined]
        session.connection().execute(Answer.__table__.insert(), answers)  # type: ignore[attr-defined]
        session.commit()

        def timed(what: str, doing: Callable[[], Any]) -> Any:
            began = time.perf_counter()
            result = doing()
            print(f"{what:<34}{time.perf_counter() - began:8.2f} s")
            return result

        session.expire_all()
        load = timed("load from the database", lambda: exam_responses(session, "B"))
        timed("load for the list", lambda: all_responses(session))
        timed("classical figures and options", lambda: report_of(load.responses, with_model=False))
        model = timed("two-parameter model", lambda: fit(load.responses.x))
        report = timed("everything of a page", lambda: report_of(load.responses))
        print(f"{len(report.items)} items, {report.test.n} sittings, alpha {report.test.alpha:.3f}")
        assert model.converged


if __name__ == "__main__":
    main()
