"""A crowd in one exam: what saving an answer costs, as a ratio to a page that never changes, in the same run.

python -m bench.sitting
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx

os.environ.setdefault("TEST_DATABASE", "sqlite")

from tests.browser.conftest import Served
from tests.load import crowd as load

PEOPLE = 60
AT_ONCE = 20


async def constant(base: str, count: int, at_once: int) -> list[float]:
    """Seconds for each of `count` readings of /healthz, `at_once` at a time."""
    limit, seconds = asyncio.Semaphore(at_once), []
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=at_once)) as client:

        async def one() -> None:
            async with limit:
                began = time.perf_counter()
                await client.get(f"{base}/healthz")
                seconds.append(time.perf_counter() - began)

        await asyncio.gather(*(one() for _ in range(count)))
    return seconds


def p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        portal = Served(Path(folder), f"sqlite:///{folder}/bench.db", "")
        portal.environment["DEMO"] = "0"
        portal.start()
        try:
            crowd = load.Crowd(portal.base, load.prepare(portal.environment["DATABASE_URL"], PEOPLE))
            pages = asyncio.run(constant(portal.base, len(crowd.candidates) * load.QUESTIONS, AT_ONCE))
            asyncio.run(load.run(crowd, at_once=AT_ONCE))
        finally:
            portal.stop()
    saves = crowd.saves
    print(f"{len(saves)} answers of {PEOPLE} people, {AT_ONCE} requests at a time")
    print(f"p50: saving {statistics.median(saves) / statistics.median(pages):.1f} times a constant page")
    print(f"p95: saving {p95(saves) / p95(pages):.1f} times a constant page")


if __name__ == "__main__":
    sys.exit(main())
