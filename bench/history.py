"""What chaining the record costs: the same change with and without it, in turns, in the same run.

python -m bench.history
"""

import statistics
import tempfile
import time
from pathlib import Path

from sqlmodel import Session

from portal import __main__ as commands
from portal import clock, context, db
from portal.history.actions import record, seal
from portal.history.chain import End, first_fault
from portal.history.queries import chain, end_of_chain

ROUNDS, CHANGES = 30, 20


def one_change(rows: int) -> None:
    with db.transaction(context.sessions()) as session:
        for n in range(rows):
            record(
                session,
                "case saved",
                "case",
                n + 1,
                by=None,
                now=clock.now(),
                before={"status": "draft"},
                after={"status": "submitted", "title": "一个案例"},
            )


def unsealed(_session: Session) -> None:
    """As it was without a chain."""


def milliseconds(rows: int, *, sealed: bool) -> float:
    db.seal = seal if sealed else unsealed
    start = time.perf_counter()
    for _ in range(CHANGES):
        one_change(rows)
    return (time.perf_counter() - start) * 1000 / CHANGES


def measure(rows: int) -> None:
    plain, chained = [], []
    for _ in range(ROUNDS):
        plain.append(milliseconds(rows, sealed=False))
        with db.transaction(
            context.sessions()
        ) as session:  # what went unsealed is sealed outside of the time
            session.info["history to seal"] = True
            seal(session)
        chained.append(milliseconds(rows, sealed=True))
    without, with_it = statistics.median(plain), statistics.median(chained)
    print(
        f"{rows:>3} rows a change: {without:6.2f} ms without the chain, {with_it:6.2f} ms with it: "
        f"{with_it / without:.2f} times as long"
    )


if __name__ == "__main__":
    folder = Path(tempfile.mkdtemp(prefix="yuqiao-bench-"))
    context.use_sessions(db.make_sessions(db.make_engine(f"sqlite:///{folder / 'bench.db'}")))
    commands.migrate()
    for rows in (1, 5):
        measure(rows)
    with db.transaction(context.sessions(), read_only=True) as session:
        end = end_of_chain(session)
        start = time.perf_counter()
        assert first_fault(chain(session), End(end.seq, end.hash)) is None
        print(f"{end.seq} rows verified: {end.seq / (time.perf_counter() - start):,.0f} a second")
