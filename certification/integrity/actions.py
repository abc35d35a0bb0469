"""Open files, hear the candidate, clear or void: no step but the last confirmed one changes a sitting."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlmodel import Session

from certification.exams.actions import void_sitting
from certification.exams.models import Exam, Sitting
from certification.exams.rules import SittingStatus
from certification.integrity.models import IntegrityFile, SittingAway
from certification.integrity.queries import files_known
from certification.integrity.rules import (
    ANSWER_IN,
    MOVES,
    Decision,
    FileStatus,
    add_away,
    require_void,
)
from certification.integrity.signals import Signal
from portal.accounts.models import Person
from portal.history.actions import record
from portal.mail.actions import send_mail
from portal.refusal import Refused, checked_move, mark


def open_files(session: Session, signals: Iterable[Signal], *, now: datetime) -> list[IntegrityFile]:
    """One file of a kind a sitting; what has one, open or closed, gets no second."""
    found = list(signals)
    known = files_known(session, [signal.sitting for signal in found])
    opened = []
    for signal in found:
        if (signal.sitting, signal.kind) in known:
            continue
        file = IntegrityFile(
            sitting_id=signal.sitting, kind=signal.kind, figures=signal.figures, opened_at=now
        )
        session.add(file)
        session.flush()
        record(
            session,
            "integrity file opened",
            "integrity",
            file.id,
            by=None,
            now=now,
            after={"kind": signal.kind, "sitting": signal.sitting},
        )
        opened.append(file)
    return opened


def _move(file: IntegrityFile, move: str) -> None:
    file.status = FileStatus(checked_move(MOVES, file.status, move))  # type: ignore[arg-type]


def _letter(session: Session, sitting: Sitting, file: IntegrityFile) -> dict[str, Any]:
    person = session.get_one(Person, sitting.person_id)
    return {
        "to": person,
        "name": person.name,
        "exam": session.get_one(Exam, sitting.exam_id).title,
        "until": file.answer_until,
        "voided": file.decision is Decision.VOIDED,
        "path": f"/my/sittings/{sitting.token}/statement",
    }


def propose_void(
    session: Session, file: IntegrityFile, sitting: Sitting, reason: str, *, by: int, now: datetime
) -> None:
    """The candidate is asked, and has ten days. Both rows are locked."""
    if sitting.status is SittingStatus.VOIDED:
        raise Refused(mark("This sitting is void already. Close the file."))
    _move(file, "propose")
    file.proposed_by, file.proposed_at, file.proposal = by, now, reason
    file.answer_until = now + ANSWER_IN
    session.add(file)
    session.flush()
    record(
        session,
        "void proposed",
        "integrity",
        file.id,
        by=by,
        now=now,
        after={"answer_until": file.answer_until.isoformat()},
        reason=reason,
    )
    send_mail(session, "integrity/asked", now=now, **_letter(session, sitting, file))


def state(session: Session, files: Iterable[IntegrityFile], text: str, *, by: int, now: datetime) -> None:
    """The candidate's word on every file that waits for it. Once it is said it stands. The files are locked."""
    asked = [file for file in files if file.status is FileStatus.ASKED]
    if not asked:
        raise Refused(mark("Your word is there already, or the matter is closed. Nothing was changed."))
    for file in asked:
        _move(file, "hear")
        file.statement, file.stated_at = text, now
        session.add(file)
        session.flush()
        record(session, "candidate heard", "integrity", file.id, by=by, now=now)


def clear(
    session: Session, file: IntegrityFile, sitting: Sitting, reason: str, *, by: int, now: datetime
) -> None:
    """Nothing follows from it. Whoever was asked is told. The file is locked."""
    _close(session, file, "clear", Decision.CLEARED, mark("integrity file cleared"), reason, by=by, now=now)
    if file.proposed_at:
        send_mail(session, "integrity/decided", now=now, **_letter(session, sitting, file))


def confirm_void(
    session: Session, file: IntegrityFile, sitting: Sitting, reason: str, *, by: int, now: datetime
) -> None:
    """The second pair of eyes: the sitting is voided. Both rows are locked."""
    require_void(file.status, file.proposed_by, file.answer_until, by=by, now=now)
    _close(session, file, "void", Decision.VOIDED, mark("void confirmed"), reason, by=by, now=now)
    void_sitting(session, sitting, reason, by=by, now=now)
    send_mail(session, "integrity/decided", now=now, **_letter(session, sitting, file))


def _close(
    session: Session,
    file: IntegrityFile,
    move: str,
    decision: Decision,
    verb: str,
    reason: str,
    *,
    by: int,
    now: datetime,
) -> None:
    before = file.status
    _move(file, move)
    file.decision, file.decided_by, file.decided_at, file.reason = decision, by, now, reason
    session.add(file)
    session.flush()
    record(
        session,
        verb,
        "integrity",
        file.id,
        by=by,
        now=now,
        before={"status": before},
        after={"decision": decision},
        reason=reason,
    )


def show_names(session: Session, file: IntegrityFile, *, by: int, now: datetime) -> None:
    record(session, "names shown", "integrity", file.id, by=by, now=now)


def note_away(session: Session, sitting: Sitting, times: int, seconds: int, *, now: datetime) -> SittingAway:
    """Adds to the one row of a running sitting, which is locked. Refused once it is handed in."""
    if sitting.status is not SittingStatus.OPEN:
        raise Refused(mark("This paper has been handed in already; answers are no longer taken."))
    row = session.get(SittingAway, sitting.id) or SittingAway(sitting_id=sitting.id or 0)
    running: Any = (now - sitting.started_at).total_seconds()
    row.times, row.seconds = add_away(row.times, row.seconds, times, seconds, running=int(running))
    session.add(row)
    session.flush()
    return row
