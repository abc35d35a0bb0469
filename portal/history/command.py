"""`yuqiao history verify [--head FILE]`, `yuqiao history head`: does the record hold, and where does it end."""

import json
import sys
from pathlib import Path

from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.history.chain import End, first_fault
from portal.history.jobs import head_line
from portal.history.queries import chain, end_of_chain, heads


def verify(head: str = "") -> int:
    """0 when every row is as it was written; 1, with the first row that is not, otherwise; 2: no such head file."""
    try:
        kept = _read_heads(Path(head)) if head else []
    except (OSError, ValueError, KeyError, TypeError) as problem:
        print(f"{head} is not a file of heads: {problem}", file=sys.stderr)
        return 2
    with transaction(sessions(), read_only=True) as session:
        end = end_of_chain(session)
        kept += [End(day.seq, day.hash) for day in heads(session) if day.seq]
        fault = first_fault(chain(session), End(end.seq, end.hash), kept)
    if fault:
        print(f"Row {fault.seq}{f' (id {fault.id})' if fault.id else ''} {fault.what}.")
        return 1
    print(f"{end.seq} rows, every one as it was written. The last: {end.hash}")
    return 0


def head() -> None:
    """Today's head as a line of JSON, to be kept where nobody who can change the database can change it."""
    with transaction(sessions(), read_only=True) as session:
        end = end_of_chain(session)
    print(head_line(end.seq, end.hash, clock.now()))


def _read_heads(path: Path) -> list[End]:
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [End(int(line["seq"]), str(line["hash"])) for line in lines if line["seq"]]
