"""A head of the chain for every day, in a file that can be kept elsewhere."""

import json
from datetime import datetime

from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.history.actions import keep_head
from portal.history.queries import head_of, heads
from portal.settings import settings

FILE = "history-heads.jsonl"


def head_line(seq: int, digest: str, at: datetime) -> str:
    return json.dumps({"seq": seq, "hash": digest, "at": at.isoformat(timespec="seconds")})


def sweep_heads() -> None:
    """Once a day. A crash between file and row writes a line twice, which says nothing false."""
    now = clock.now()
    day = clock.today(now)
    with transaction(sessions(), read_only=True) as session:
        kept = head_of(session, day)
        if kept and kept.exported_at and not heads(session, unexported=True):
            return
    with transaction(sessions()) as session:
        keep_head(session, day, now=now)
        lines = []
        for head in heads(session, unexported=True):
            lines.append(head_line(head.seq, head.hash, head.at))
            head.exported_at = now
        settings().data_dir.mkdir(parents=True, exist_ok=True)
        with (settings().data_dir / FILE).open("a", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)
