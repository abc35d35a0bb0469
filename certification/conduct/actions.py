"""Complaints: ask, hear, uphold by two, mend, appeal. And the answers that came late."""

from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session

from certification.conduct import queries
from certification.conduct.models import Complaint
from certification.conduct.rules import (
    ANSWER_WD,
    LAPSE,
    MOVES,
    SEVERITY,
    Kind,
    Origin,
    Status,
    appeal_until,
    lapses,
    require_fresh,
    require_heard,
    require_second,
)
from portal import clock
from portal.files.actions import store_file
from portal.files.rules import Kind as FileKind
from portal.history.actions import record
from portal.ledger.actions import end_facts, retract_facts, write_fact
from portal.ledger.rules import FactKind
from portal.mail.actions import send_mail
from portal.organisations.models import Organisation
from portal.organisations.queries import owners_of
from portal.organisations.rules import Trust
from portal.programme.queries import programme_at
from portal.refusal import Refused, checked_move, mark

SUBJECT = "complaint"
NOT_CONFIRMED = mark("the answer counts as in time after all")


def open_complaint(
    session: Session,
    organisation: Organisation,
    kind: Kind,
    origin: Origin,
    complainant: str,
    text: str,
    file: tuple[str, bytes] | None,
    *,
    by: int,
    now: datetime,
) -> Complaint:
    """The organisation is asked, and has ten working days. Refused with 422 when the file can't be kept."""
    if organisation.trust is Trust.CLOSED:
        raise Refused(mark("This organisation has left the programme."))
    kept = (
        store_file(session, *file, kind=FileKind.EVIDENCE, organisation_id=None, by=by, now=now)
        if file
        else None
    )
    complaint = Complaint(
        organisation_id=organisation.id or 0,
        kind=kind,
        origin=origin,
        complainant=complainant,
        text=text,
        file_id=kept.id if kept else None,
        opened_at=now,
        opened_by=by,
        answer_until=clock.add_working_days(now, ANSWER_WD),
    )
    session.add(complaint)
    session.flush()
    record(
        session,
        "complaint opened",
        SUBJECT,
        complaint.id,
        by=by,
        now=now,
        organisation_id=complaint.organisation_id,
        after={"kind": kind.value, "answer_until": complaint.answer_until.isoformat()},
    )
    _tell(session, complaint, "asked", now)
    return complaint


def _tell(session: Session, complaint: Complaint, news: str, now: datetime) -> None:
    for owner in owners_of(session, complaint.organisation_id):
        send_mail(
            session,
            "conduct/complaint",
            to=owner,
            now=now,
            name=owner.name,
            news=news,
            until=complaint.answer_until,
            reason=complaint.appeal_reason if news in ("kept", "overturned") else complaint.reason,
            path=f"/my/conduct/complaints/{complaint.id}",
        )


def _move(
    session: Session,
    complaint: Complaint,
    move: str,
    verb: str,
    *,
    by: int,
    now: datetime,
    reason: str = "",
    inside: bool = False,
) -> None:
    """`inside`: between staff; the organisation does not read it in its record."""
    before = complaint.status
    complaint.status = Status(checked_move(MOVES, before, move))  # type: ignore[arg-type]
    complaint.revision += 1
    session.add(complaint)
    session.flush()
    record(
        session,
        verb,
        SUBJECT,
        complaint.id,
        by=by,
        now=now,
        organisation_id=None if inside else complaint.organisation_id,
        before={"status": before.value},
        after={"status": complaint.status.value},
        reason=reason,
    )


def answer(session: Session, complaint: Complaint, text: str, *, by: int, now: datetime) -> None:
    """The organisation's word; once said it stands. The complaint is locked, as in all that follow."""
    _move(session, complaint, "answer", mark("complaint answered"), by=by, now=now)
    complaint.answer, complaint.answered_at, complaint.answered_by = text, now, by


def uphold(session: Session, complaint: Complaint, reason: str, *, by: int, now: datetime) -> None:
    """Proposed: it counts once a second person confirms."""
    require_heard(complaint.status, complaint.answer_until, now)
    _move(
        session,
        complaint,
        "uphold",
        mark("complaint proposed to be upheld"),
        by=by,
        now=now,
        reason=reason,
        inside=True,
    )
    complaint.decided_at, complaint.decided_by, complaint.reason = now, by, reason


def dismiss(session: Session, complaint: Complaint, reason: str, *, by: int, now: datetime) -> None:
    """Nothing follows from it; they are told."""
    _move(session, complaint, "dismiss", mark("complaint dismissed"), by=by, now=now, reason=reason)
    complaint.decided_at, complaint.decided_by, complaint.reason = now, by, reason
    _tell(session, complaint, "dismissed", now)


def confirm(session: Session, complaint: Complaint, reason: str, *, by: int, now: datetime) -> None:
    """The second pair of eyes: from now on it counts."""
    require_second(by, complaint.decided_by)
    _move(session, complaint, "confirm", mark("complaint upheld"), by=by, now=now, reason=complaint.reason)
    complaint.confirmed_at, complaint.confirmed_by = now, by
    rules = programme_at(session, now)["conduct"]
    source = (SUBJECT, complaint.id)
    severity = SEVERITY.get(complaint.kind)
    if severity:
        write_fact(
            session,
            FactKind.COMPLAINT_UPHELD,
            organisation_id=complaint.organisation_id,
            source=source,
            by=by,
            now=now,
            severity=severity,
        )
    write_fact(
        session,
        FactKind.CONDUCT,
        organisation_id=complaint.organisation_id,
        source=source,
        by=by,
        now=now,
        delta=-float(rules["deductions"][complaint.kind.value]),
        reason=complaint.kind.value,
    )
    if reason:
        record(session, "word of the second person", SUBJECT, complaint.id, by=by, now=now, reason=reason)
    _tell(session, complaint, "upheld", now)


def reject(session: Session, complaint: Complaint, reason: str, *, by: int, now: datetime) -> None:
    """The second person sees it otherwise: it is decided anew."""
    require_second(by, complaint.decided_by)
    _move(
        session,
        complaint,
        "reject",
        mark("second person did not confirm"),
        by=by,
        now=now,
        reason=reason,
        inside=True,
    )
    complaint.decided_at = complaint.decided_by = None
    complaint.reason = ""


def remedy(session: Session, complaint: Complaint, reason: str, *, by: int, now: datetime) -> None:
    """What it was about is mended: it is open no longer. What was deducted stays and comes back with clean months."""
    _move(session, complaint, "remedy", mark("complaint remedied"), by=by, now=now, reason=reason)
    complaint.remedied_at, complaint.remedied_by, complaint.remedy = now, by, reason
    end_facts(session, FactKind.COMPLAINT_UPHELD, source=(SUBJECT, complaint.id or 0), at=now)
    _tell(session, complaint, "remedied", now)


def appeal(session: Session, complaint: Complaint, text: str, *, by: int, now: datetime) -> None:
    """Once, within the programme's days of the confirmation. It counts until it is decided."""
    terms = programme_at(session, now)["reviews_of_submissions"]["appeal"]
    until = appeal_until(complaint.confirmed_at, complaint.appealed_at, terms["window_d"])
    if until is None or now >= until:
        raise Refused(mark("The time to appeal is over, or the appeal has been decided."))
    _move(session, complaint, "appeal", mark("complaint appealed against"), by=by, now=now)
    complaint.appealed_at, complaint.appealed_by, complaint.appeal = now, by, text
    complaint.appeal_until = clock.add_working_days(now, terms["decide_wd"])


def took_part(complaint: Complaint) -> tuple[int | None, ...]:
    return complaint.opened_by, complaint.decided_by, complaint.confirmed_by, complaint.remedied_by


def keep(session: Session, complaint: Complaint, reason: str, *, by: int, now: datetime) -> None:
    """It stays as it was, never worse."""
    require_fresh(by, took_part(complaint))
    _move(session, complaint, "keep", mark("appeal refused"), by=by, now=now, reason=reason)
    if complaint.remedied_at:
        complaint.status = Status.REMEDIED
    _appeal_decided(complaint, reason, by, now)
    _tell(session, complaint, "kept", now)


def overturn(session: Session, complaint: Complaint, reason: str, *, by: int, now: datetime) -> None:
    """It never should have counted."""
    require_fresh(by, took_part(complaint))
    _move(session, complaint, "overturn", mark("appeal granted"), by=by, now=now, reason=reason)
    _appeal_decided(complaint, reason, by, now)
    retract_facts(session, source=(SUBJECT, complaint.id or 0), reason=reason, by=by, now=now)
    _tell(session, complaint, "overturned", now)


def _appeal_decided(complaint: Complaint, reason: str, by: int, now: datetime) -> None:
    complaint.appeal_decided_at, complaint.appeal_decided_by, complaint.appeal_reason = now, by, reason


BY_STAFF: dict[str, Callable[..., None]] = {
    "uphold": uphold,
    "dismiss": dismiss,
    "confirm": confirm,
    "reject": reject,
    "remedy": remedy,
    "keep": keep,
    "overturn": overturn,
}


def note_lapses(session: Session, organisation_id: int, *, now: datetime) -> int:
    """A deduction for each answer to a brief that came late or never, up to the cap; how many are new."""
    session.get_one(Organisation, organisation_id, with_for_update=True)
    facts = queries.recent_answers(session, now, organisation_id)
    answers = {f.id or 0: f for f in facts if f.kind == FactKind.RESPONSE}
    deducted = [f for f in facts if f.kind == FactKind.CONDUCT]
    for fact in deducted:
        from_answer = answers.get(fact.source_id)
        if fact.retracted_at is None and from_answer is not None and from_answer.retracted_at is not None:
            retract_facts(
                session,
                source=(queries.RESPONSE_SOURCE, fact.source_id),
                reason=NOT_CONFIRMED,
                by=None,
                now=now,
            )
    rules = programme_at(session, now)["conduct"]["deductions"]
    new = lapses(
        [(i, f.true_from) for i, f in answers.items() if f.retracted_at is None and not f.value["in_time"]],
        [(f.source_id, f.true_from, 0.0 if f.retracted_at else -float(f.value["delta"])) for f in deducted],
        float(rules[LAPSE]),
        float(rules["response_lapse_cap_90d"]),
    )
    for fact_id, when, cost in new:
        write_fact(
            session,
            FactKind.CONDUCT,
            organisation_id=organisation_id,
            source=(queries.RESPONSE_SOURCE, fact_id),
            now=now,
            true_from=when,
            delta=-cost,
            reason=LAPSE,
        )
    return len(new)
