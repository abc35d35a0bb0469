"""The same exam for everybody at once, the server killed in the middle: what was acknowledged is there, once.

A small crowd in `make test`, a thousand in `make soak`.
"""

import asyncio
import os
from collections import Counter

from sqlmodel import select

from certification.exams.actions import places_of
from certification.exams.models import Answer, Sitting
from certification.exams.queries import questions_with
from certification.exams.rules import SittingStatus
from portal.db import make_engine, make_sessions, transaction
from portal.history.models import History
from tests.browser.conftest import Served
from tests.load import crowd as load

MANY = 1000 if os.environ.get("HYPOTHESIS_PROFILE") == "soak" else 25


async def _with_a_crash(crowd: load.Crowd, served: Served) -> None:
    """Killed once a third of the answers are in, started again a moment later."""
    sitting = asyncio.create_task(load.run(crowd))
    third = len(crowd.candidates) * load.QUESTIONS // 3
    while len(crowd.saves) < third and not sitting.done():
        await asyncio.sleep(0.05)
    assert served.process is not None
    served.process.kill()
    served.process.wait()
    await asyncio.to_thread(served.start)
    await sitting


def test_no_answer_is_lost_and_none_counts_twice(served: Served):
    candidates = load.prepare(served.environment["DATABASE_URL"], MANY)
    crowd = load.Crowd(served.base, candidates)
    asyncio.run(_with_a_crash(crowd, served))
    assert crowd.failures > 0  # the crash was felt
    engine = make_engine(served.environment["DATABASE_URL"])
    try:
        with transaction(make_sessions(engine), read_only=True) as session:
            _look(session, candidates)
    finally:
        engine.dispose()


def _look(session, candidates: list[load.Candidate]) -> None:
    sittings = {s.token: s for s in session.exec(select(Sitting))}
    ids = {s.id: s.token for s in sittings.values()}
    answers: dict[str, dict[int, Answer]] = {}
    for answer in session.exec(select(Answer)):
        answers.setdefault(ids[answer.sitting_id], {})[answer.question_id] = answer
    marked = Counter(
        entry.subject_id
        for entry in session.exec(
            select(History).where(History.subject_kind == "sitting", History.verb == "sitting marked")
        )
    )
    people = Counter(s.person_id for s in sittings.values())
    for candidate in candidates:
        sitting = sittings[candidate.sitting]
        assert candidate.ended
        assert people[candidate.person_id] == 1  # the start was sent again, the sitting is one
        assert (sitting.status, marked[sitting.id]) == (SittingStatus.MARKED, 1)
        places, kept = places_of(sitting), answers[candidate.sitting]
        assert len(kept) == len(candidate.acknowledged) == load.QUESTIONS
        keys = {i: q.key for i, q in questions_with(session, [p.question for p in places]).items()}
        for n, (revision, shown) in candidate.acknowledged.items():
            place = places[n - 1]
            stored = kept[place.question]
            assert (stored.revision, place.shown(stored.chosen)) == (revision, shown)
        right = sum(set(kept[p.question].chosen) == set(keys[p.question]) for p in places)
        assert sitting.score == right
