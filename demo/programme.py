"""A draft of other rules, tried on everybody in the demo and handed in: it waits for a second person."""

from datetime import datetime, timedelta

from sqlmodel import Session

from certification.sandbox.actions import ask_backtest, hand_in, keep_chunk, open_draft, save_text
from certification.sandbox.computing import compute_chunk
from certification.standing.actions import recompute
from certification.standing.rules import Family
from portal import clock
from portal.ledger.actions import forget_changes
from portal.ledger.queries import changes_waiting
from portal.programme.lines import Path, read, replaced
from portal.programme.queries import latest_version

_OPERATOR = ("families", "operator", "metrics")
OTHERWISE: dict[Path, str] = {
    (*_OPERATOR, "outcomes_attested_12m", "weight"): "17",
    (*_OPERATOR, "staff_certified", "weight"): "10",
    (*_OPERATOR, "training_hours_per_head_12m", "levels", "3", "0"): "11",
    (*_OPERATOR, "cases_published_24m", "levels", "4", "0"): "4",
    (*_OPERATOR, "staff_senior", "levels", "4", "0"): "1",
    ("scoring", "pass_score", "3"): "72",
    ("scoring", "hold_days_before_upgrade"): "21",
}


def draft_rules(session: Session, *, by: int, now: datetime) -> None:
    while waiting := changes_waiting(session):  # what was told so far counts before it is tried
        for organisation_id, changes in waiting.items():
            for family in Family:
                recompute(session, organisation_id, family, now=now)
            forget_changes(session, changes)
    base = latest_version(session)
    assert base is not None  # noqa: S101
    draft = open_draft(session, base, by=by, now=now - timedelta(hours=3))
    top, _ = read(draft.text)
    assert top is not None  # noqa: S101
    text = replaced(draft.text, top, OTHERWISE)
    save_text(session, draft, text, revision=draft.revision, by=by, now=now - timedelta(hours=2))
    session.flush()
    backtest = ask_backtest(session, draft, by=by, now=now)
    while (chunk := compute_chunk(session, backtest.id or 0, now=now)) and keep_chunk(
        session, backtest.id or 0, chunk, now=now
    ):
        session.flush()
    reason = "客户确认的结果更能说明问题，加重权重；3★补学时，4★补案例，高级人员门槛放宽。"
    hand_in(session, draft, reason, clock.today(now + timedelta(days=30)), by=by, now=now)
