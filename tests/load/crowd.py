"""Many candidates in one exam at once: each starts, answers, changes their mind, hands in twice; lost answers are sent again."""

import asyncio
import random
import time
from dataclasses import dataclass, field

import httpx
from sqlmodel import Session

from certification.exams.actions import load_own_banks, save_exam
from portal import clock
from portal.accounts.actions import open_session
from portal.accounts.models import Person
from portal.db import make_engine, make_sessions, transaction
from portal.programme.queries import programme_at
from tests.factories import make_person

QUESTIONS = 10
PATIENCE = 90  # seconds that a candidate goes on trying


@dataclass
class Candidate:
    cookie: str
    person_id: int
    sitting: str = ""
    acknowledged: dict[int, tuple[int, list[int]]] = field(default_factory=dict)  # question → revision, shown
    sent: dict[int, list[list[int]]] = field(default_factory=dict)  # question → everything ever sent
    ended: bool = False


@dataclass
class Crowd:
    base: str
    candidates: list[Candidate]
    saves: list[float] = field(default_factory=list)  # seconds of each acknowledged save
    failures: int = 0  # connections that broke


def prepare(database_url: str, count: int) -> list[Candidate]:
    """People with a session each, and an exam that needs no certificate; straight into the database."""
    engine = make_engine(database_url)
    try:
        with transaction(make_sessions(engine)) as session:
            now = clock.now()
            load_own_banks(session, programme_at(session, now), now=now)
            save_exam(
                session,
                "CROWD",
                bank="P1",
                title={"zh": "千人考试", "en": "A thousand at once"},
                blueprint={"TRK-01": 4, "TRK-02": 4, "TRK-11": 2},
                minutes=60,
                pass_marks=8,
                certificate=None,
                by=None,
                now=now,
            )
            return [_candidate(session, n) for n in range(count)]
    finally:
        engine.dispose()


def _candidate(session: Session, n: int) -> Candidate:
    person: Person = make_person(session, f"考生{n}", email=f"candidate{n}@example.com", language="zh")
    login = open_session(session, person, browser="load", now=clock.now())
    return Candidate(login, person.id or 0)


async def csrf_of(client: httpx.AsyncClient, base: str) -> str:
    await client.get(f"{base}/sign-in")
    return client.cookies["csrf"]


async def _patiently(crowd: Crowd, send) -> httpx.Response:  # type: ignore[no-untyped-def]
    """Again and again while the server is away: what a browser's script does."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            answer: httpx.Response = await send()
            if answer.status_code < 500:
                return answer
        except httpx.TransportError:
            pass
        crowd.failures += 1
        assert time.monotonic() < until, "the server did not come back"
        await asyncio.sleep(0.3)


async def sit(crowd: Crowd, candidate: Candidate, token: str, limit: asyncio.Semaphore) -> None:
    chance = random.Random(candidate.person_id)
    headers = {"cookie": f"session={candidate.cookie}; csrf={token}", "x-csrftoken": token}
    async with httpx.AsyncClient(timeout=60, headers=headers) as client:

        async def post(path: str, **more: object) -> httpx.Response:
            async with limit:
                began = time.perf_counter()
                answer = await client.post(f"{crowd.base}{path}", **more)  # type: ignore[arg-type]
                if path.endswith("/answers") and answer.status_code == 200:
                    crowd.saves.append(time.perf_counter() - began)
                return answer

        started = await _patiently(crowd, lambda: post("/my/exams/CROWD/start", data={"_csrf_token": token}))
        assert started.status_code == 303, started.text[:500]
        candidate.sitting = started.headers["location"].rpartition("/")[2]
        places = [*range(1, QUESTIONS + 1), *chance.sample(range(1, QUESTIONS + 1), 3)]
        for q in places:
            await asyncio.sleep(chance.random() * 0.2)
            revision = candidate.acknowledged.get(q, (0, []))[0] + 1
            shown = [chance.randint(1, 3)]
            candidate.sent.setdefault(q, []).append(shown)
            body = {"q": q, "shown": shown, "flagged": False, "revision": revision}
            saved = await _patiently(
                crowd, lambda body=body: post(f"/my/sittings/{candidate.sitting}/answers", json=body)
            )
            assert saved.status_code == 200, saved.text
            candidate.acknowledged[q] = (saved.json()["revision"], shown)
        path, form = f"/my/sittings/{candidate.sitting}/hand-in", {"_csrf_token": token}
        both = await asyncio.gather(
            *(_patiently(crowd, lambda: post(path, data=form)) for _ in range(2))
        )  # a double click
        assert [r.status_code for r in both] == [303, 303]
        candidate.ended = True


async def run(crowd: Crowd, at_once: int = 200) -> None:
    """Everybody at the same time; at most `at_once` requests on their way."""
    async with httpx.AsyncClient() as client:
        token = await csrf_of(client, crowd.base)
    limit = asyncio.Semaphore(at_once)
    await asyncio.gather(*(sit(crowd, c, token, limit) for c in crowd.candidates))
