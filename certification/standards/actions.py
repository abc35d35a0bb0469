"""Open a session, rate, close the rounds, adopt the cut."""

import secrets
from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from certification.exams.models import Exam
from certification.exams.queries import items_of, questions_with
from certification.papers.rules import draw, scaled
from certification.standards.models import Standard, StandardRating
from certification.standards.queries import adopted_for, own_ratings, ratings_of
from certification.standards.rules import JUDGES_LEAST, MOVES, ROUNDS, StandardStatus, complete, cut_of
from portal.history.actions import record
from portal.refusal import Refused, checked_move, mark

TOO_FEW_JUDGES = mark("Two judges must have rated every question first.")


def open_standard(
    session: Session, exam: Exam, title: str, questions: int, *, by: int, now: datetime
) -> Standard:
    """A session over so many questions, drawn by the exam's blueprint. Refused when the bank has too few."""
    seed = secrets.token_hex(8)
    try:
        chosen = draw(scaled(exam.blueprint, questions), items_of(session, exam.bank_id), seed)
    except ValueError:
        raise Refused(mark("The bank has too few questions for that. Choose a smaller number.")) from None
    standard = Standard(exam_id=exam.id or 0, title=title, questions=chosen, opened_at=now, opened_by=by)
    session.add(standard)
    session.flush()
    record(
        session,
        "standard session opened",
        "standard",
        standard.id,
        by=by,
        now=now,
        after={"exam": exam.code, "title": title, "questions": chosen},
    )
    return standard


def rate(
    session: Session, standard: Standard, ratings: Mapping[int, tuple[float, str]], *, by: int, now: datetime
) -> None:
    """Keep what a judge typed in the round that runs; what was left empty stays as it was. The session is locked."""
    nth = ROUNDS.get(standard.status)
    if nth is None:
        raise Refused(mark("This session takes no more ratings. Nothing was saved."))
    known = own_ratings(session, standard.id or 0, by, nth)
    changed = 0
    for question, (chance, note) in ratings.items():
        if question not in standard.questions:
            continue
        row = known.get(question) or StandardRating(
            standard_id=standard.id or 0,
            person_id=by,
            question_id=question,
            round=nth,
            chance=-1,
            saved_at=now,
        )
        if (row.chance, row.note) != (chance, note):
            row.chance, row.note, row.saved_at = chance, note, now
            session.add(row)
            changed += 1
    session.flush()
    if changed:
        record(
            session,
            "standard ratings saved",
            "standard",
            standard.id,
            by=by,
            now=now,
            after={"round": nth, "changed": changed},
        )


def _move(standard: Standard, move: str) -> str:
    before = standard.status.value
    standard.status = StandardStatus(checked_move(MOVES, standard.status, move))  # type: ignore[arg-type]
    return before


def next_round(session: Session, standard: Standard, *, by: int, now: datetime) -> None:
    """The first round ends: judges now see one another's ratings and may change their own."""
    whole = complete(ratings_of(session, standard.id or 0), standard.questions)
    if standard.status in ROUNDS and len(whole) < JUDGES_LEAST:
        raise Refused(TOO_FEW_JUDGES)
    before = _move(standard, "next_round")
    session.add(standard)
    record(
        session,
        "second round opened",
        "standard",
        standard.id,
        by=by,
        now=now,
        before={"status": before},
        after={"status": standard.status.value},
    )


def close(session: Session, standard: Standard, *, by: int, now: datetime) -> None:
    """No more ratings; the cut is computed and kept with the session. It holds for nothing until it is adopted."""
    points = {i: q.points for i, q in questions_with(session, standard.questions).items()}
    cut = cut_of(ratings_of(session, standard.id or 0), standard.questions, points)
    if cut is None:
        raise Refused(TOO_FEW_JUDGES)
    before = _move(standard, "close")
    standard.closed_at, standard.closed_by = now, by
    standard.cut_share, standard.cut_error, standard.judges = cut.share, cut.error, len(cut.judges)
    session.add(standard)
    record(
        session,
        "standard session closed",
        "standard",
        standard.id,
        by=by,
        now=now,
        before={"status": before},
        after={"cut": round(cut.share, 6), "error": round(cut.error, 6), "judges": list(cut.judges)},
    )


def adopt(session: Session, standard: Standard, exam: Exam, reason: str, *, by: int, now: datetime) -> None:
    """The cut holds for sittings that start from now on; those that run or are over keep theirs."""
    earlier, before = adopted_for(session, exam.id or 0, lock=True), exam.cut_share
    checked_move(MOVES, standard.status, "adopt")  # type: ignore[arg-type]
    if earlier:
        _move(earlier, "replace")
        session.add(earlier)
        session.flush()  # at no moment two adopted cuts
    _move(standard, "adopt")
    standard.adopted_at, standard.adopted_by, standard.reason = now, by, reason
    exam.cut_share = standard.cut_share
    session.add(standard)
    session.add(exam)
    session.flush()
    record(
        session,
        "cut adopted",
        "exam",
        exam.id,
        by=by,
        now=now,
        before={"cut_share": before},
        after={"cut_share": exam.cut_share, "standard": standard.id},
        reason=reason,
    )


def withdraw(
    session: Session, standard: Standard, exam: Exam, reason: str, *, by: int, now: datetime
) -> None:
    """The adopted cut holds no more for new sittings; the pass mark from before judges set one holds again."""
    _move(standard, "replace")
    before, exam.cut_share = exam.cut_share, None
    session.add(standard)
    session.add(exam)
    record(
        session,
        "cut withdrawn",
        "exam",
        exam.id,
        by=by,
        now=now,
        before={"cut_share": before, "standard": standard.id},
        after={"cut_share": None},
        reason=reason,
    )


def drop(session: Session, standard: Standard, reason: str, *, by: int, now: datetime) -> None:
    """The session ends without a cut; its ratings stay readable."""
    before = _move(standard, "drop")
    standard.closed_at, standard.closed_by = standard.closed_at or now, standard.closed_by or by
    session.add(standard)
    record(
        session,
        "standard session dropped",
        "standard",
        standard.id,
        by=by,
        now=now,
        before={"status": before},
        after={"status": standard.status.value},
        reason=reason,
    )
