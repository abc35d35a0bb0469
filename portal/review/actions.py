"""Submit, take, find, decide."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from portal import clock
from portal.history.actions import record
from portal.programme.queries import programme_at
from portal.refusal import Refused, checked_move, mark
from portal.review.kinds import KINDS
from portal.review.models import Finding, Submission
from portal.review.queries import findings_of, latest_submission
from portal.review.rules import MOVES, Status, Verdict, may_ask, what_is_missing

REVISION = mark(
    "Somebody else has changed this since you opened it. Nothing was changed; here is how it stands now."
)

NO_ROUND_LEFT = mark("More was asked as often as the rules allow. It must be decided now: approve or refuse.")


def supplement_rounds(session: Session, now: datetime) -> int:
    """How often staff may ask for more about one submission."""
    return int(programme_at(session, now)["reviews_of_submissions"]["supplement_rounds"])


def submit(
    session: Session, subject_kind: str, subject_id: int, *, organisation_id: int, by: int, now: datetime
) -> Submission:
    """Put something on the desk, or back on it after more was asked. Refused when it lies there already."""
    days = KINDS[subject_kind].clock_wd
    due = clock.add_working_days(now, days(programme_at(session, now)) if callable(days) else days)
    submission = latest_submission(session, subject_kind, subject_id)
    if submission is None or submission.status not in (
        Status.SUBMITTED,
        Status.IN_REVIEW,
        Status.ACTION_REQUIRED,
    ):
        submission = Submission(
            subject_kind=subject_kind,
            subject_id=subject_id,
            organisation_id=organisation_id,
            submitted_at=now,
            submitted_by=by,
            due_at=due,
        )
        session.add(submission)
        session.flush()
    else:
        submission.status = Status(checked_move(MOVES, submission.status, "resubmit"))  # type: ignore[arg-type]
        submission.due_at, submission.round, submission.submitted_at = due, submission.round + 1, now
        submission.revision += 1
    record(
        session,
        "submitted for review",
        subject_kind,
        subject_id,
        by=by,
        now=now,
        organisation_id=organisation_id,
        after={"round": submission.round},
    )
    return submission


def withdraw(session: Session, submission: Submission, *, by: int | None, now: datetime) -> None:
    submission.status = Status(checked_move(MOVES, submission.status, "withdraw"))  # type: ignore[arg-type]
    submission.due_at = None
    submission.revision += 1
    record(
        session,
        "withdrawn from review",
        submission.subject_kind,
        submission.subject_id,
        by=by,
        now=now,
        organisation_id=submission.organisation_id,
    )


def take(session: Session, submission: Submission, *, by: int | None, now: datetime) -> None:
    """This reviewer, or the portal itself, works on it; taking what one has already taken changes nothing."""
    if submission.status == Status.IN_REVIEW and submission.reviewer_id == by:
        return
    if submission.status == Status.SUBMITTED:
        submission.status = Status(checked_move(MOVES, submission.status, "take"))  # type: ignore[arg-type]
    elif submission.status != Status.IN_REVIEW:
        raise Refused(REVISION)
    before = submission.reviewer_id
    submission.reviewer_id = by
    submission.revision += 1
    record(
        session,
        "review taken",
        submission.subject_kind,
        submission.subject_id,
        by=by,
        now=now,
        organisation_id=submission.organisation_id,
        before={"reviewer": before},
        after={"reviewer": by},
    )


def decide(
    session: Session,
    submission: Submission,
    decision: str,
    verdicts: dict[str, tuple[str, str]],
    reason: str,
    *,
    revision: int,
    typed: Mapping[str, str] | None = None,
    by: int | None,
    now: datetime,
) -> None:
    """`approve`, `ask` or `reject` with a verdict and a reason for each item; carries the decision out.

    `by` is None where the portal itself decides; `typed` holds the kind's own fields. What the kind refuses leaves
    changes behind: roll back.
    """
    kind = KINDS[submission.subject_kind]
    if submission.revision != revision:
        raise Refused(REVISION)
    missing = what_is_missing(decision, kind.items, verdicts)
    if missing:
        raise Refused(missing[0], status=422)
    if decision == "ask" and not may_ask(submission.round, supplement_rounds(session, now)):
        raise Refused(NO_ROUND_LEFT, status=422)
    before = submission.status
    if submission.status == Status.SUBMITTED:
        take(session, submission, by=by, now=now)
    submission.status = Status(checked_move(MOVES, submission.status, decision))  # type: ignore[arg-type]
    submission.reviewer_id, submission.reason, submission.due_at = by, reason, None
    submission.revision += 1
    if submission.status is not Status.ACTION_REQUIRED:
        submission.decided_at = now
    save_findings(session, submission, verdicts, by=by, now=now)
    record(
        session,
        {"approve": "approved", "ask": "more information asked", "reject": "refused"}[decision],
        submission.subject_kind,
        submission.subject_id,
        by=by,
        now=now,
        organisation_id=submission.organisation_id,
        before={"status": before},
        after={"status": submission.status.value},
        reason=reason,
    )
    more = {"typed": typed or {}} if kind.fields else {}
    kind.decide(session, submission.subject_id, decision, reason, by=by, now=now, **more)


def save_findings(
    session: Session,
    submission: Submission,
    verdicts: dict[str, tuple[str, str]],
    *,
    by: int | None,
    now: datetime,
) -> None:
    known = {f.item: f for f in findings_of(session, submission.id or 0) if f.round == submission.round}
    items = {item.key for item in KINDS[submission.subject_kind].items}
    for item, (verdict, reason) in verdicts.items():
        if item not in items or not verdict:
            continue
        row = known.get(item) or Finding(
            submission_id=submission.id or 0,
            round=submission.round,
            item=item,
            verdict=Verdict(verdict),
            by=by,
            at=now,
        )
        row.verdict, row.reason, row.by, row.at = Verdict(verdict), reason.strip()[:2000], by, now
        session.add(row)
