"""A draft of stricter rules, tried on everybody in the demo and handed in: it waits for a second person."""

from datetime import datetime, timedelta

from sqlmodel import Session

from certification.sandbox.actions import ask_backtest, hand_in, keep_chunk, open_draft, save_text
from certification.sandbox.computing import compute_chunk
from portal import clock
from portal.programme.lines import Path, read, replaced
from portal.programme.queries import latest_version

STRICTER: dict[Path, str] = {
    ("families", "operator", "metrics", "outcomes_attested_12m", "levels", "4", "0"): "5",
    ("families", "operator", "metrics", "reviews_bayes_18m", "levels", "3", "0"): "4.0",
    ("families", "operator", "metrics", "reviews_bayes_18m", "levels", "3", "1"): "4.2",
    ("families", "operator", "metrics", "cases_published_24m", "levels", "5", "0"): "9",
    ("scoring", "pass_score", "3"): "72",
    ("scoring", "hold_days_before_upgrade"): "21",
}


def draft_rules(session: Session, *, by: int, now: datetime) -> None:
    base = latest_version(session)
    assert base is not None  # noqa: S101
    draft = open_draft(session, base, by=by, now=now - timedelta(hours=3))
    top, _ = read(draft.text)
    assert top is not None  # noqa: S101
    text = replaced(draft.text, top, STRICTER)
    save_text(session, draft, text, revision=draft.revision, by=by, now=now - timedelta(hours=2))
    session.flush()
    backtest = ask_backtest(session, draft, by=by, now=now)
    while (chunk := compute_chunk(session, backtest.id or 0, now=now)) and keep_chunk(
        session, backtest.id or 0, chunk, now=now
    ):
        session.flush()
    reason = "近两季4★的结果确认偏少，3★的评价门槛偏低；多数机构已经做到。"
    hand_in(session, draft, reason, clock.today(now + timedelta(days=30)), by=by, now=now)
