"""Measure, gather evidence, hand it in, carry out what the review desk decided."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from portal.files.actions import store_file
from portal.files.rules import Kind as FileKind
from portal.history.actions import record
from portal.ledger.actions import write_fact
from portal.ledger.rules import FactKind
from portal.mail.actions import send_mail
from portal.organisations.models import Organisation
from portal.organisations.queries import owners_of
from portal.programme.queries import programme_at
from portal.programme.rules import Programme
from portal.refusal import Refused, checked_move, mark
from portal.review import actions as desk
from portal.review.queries import latest_submission
from training.maturity import queries
from training.maturity.models import Assessment, MaturityEvidence, MaturityProof
from training.maturity.quarters import quarter_of, valid_until
from training.maturity.questions import MOST, Instrument, dimension_of
from training.maturity.rules import (
    EDITABLE,
    MOST_PIECES,
    MOVES,
    SUBJECT,
    Prerequisites,
    ProofStatus,
    claimed,
    counted,
    overall,
    score,
)

SENT_TWICE_WITHIN = timedelta(minutes=1)
LIES_THERE = mark("This evidence lies with the reviewers. Take it back first if you want to change it.")


def prerequisites_of(programme: Programme, instrument: Instrument) -> Prerequisites:
    """What each dimension rests on; the Seven Onlines alone have prerequisites."""
    found: Prerequisites = programme.maturity[instrument].get("prerequisites", {})
    return found


def assess(
    session: Session,
    organisation_id: int,
    answers: Mapping[str, int],
    *,
    instrument: Instrument = Instrument.SEVEN,
    by: int,
    now: datetime,
) -> Assessment:
    """A new row each time; the same answers sent twice by a double click are one."""
    session.get_one(Organisation, organisation_id, with_for_update=True)  # a double click waits here
    last = next(iter(queries.assessments_of(session, organisation_id, instrument, limit=1)), None)
    if last and last.answers == dict(answers) and now - last.taken_at < SENT_TWICE_WITHIN:
        return last
    scores = claimed(instrument, answers)
    taken = counted(scores, prerequisites_of(programme_at(session, now), instrument))
    row = Assessment(
        organisation_id=organisation_id,
        instrument=instrument,
        answers=dict(answers),
        claimed=scores,
        counted=taken,
        overall=overall(taken),
        taken_at=now,
        taken_by=by,
    )
    session.add(row)
    session.flush()
    record(
        session,
        "self-test taken",
        "assessment",
        row.id,
        by=by,
        now=now,
        organisation_id=organisation_id,
        after={"questionnaire": instrument.value, "overall": row.overall},
    )
    return row


def add_evidence(
    session: Session,
    organisation_id: int,
    instrument: Instrument,
    dimension: str,
    item: str,
    *,
    note: str,
    file: tuple[str, bytes] | None,
    by: int,
    now: datetime,
) -> MaturityProof:
    """A file, a sentence or both for one item; the same sent twice is one. Begins a new hand-in where none is open."""
    session.get_one(Organisation, organisation_id, with_for_update=True)  # a double click waits here
    proof = queries.open_proof(session, organisation_id, instrument, dimension, lock=True)
    if proof is None:
        proof = MaturityProof(
            organisation_id=organisation_id,
            instrument=instrument,
            dimension=dimension,
            began_at=now,
            began_by=by,
        )
        session.add(proof)
        session.flush()
    if proof.status not in EDITABLE:
        raise Refused(LIES_THERE)
    there = queries.pieces_of(session, proof.id or 0)
    sha256 = hashlib.sha256(file[1]).hexdigest() if file else None
    if any((p.item, p.note, p.sha256) == (item, note, sha256) for p in there):
        return proof
    if len(there) >= MOST_PIECES:
        raise Refused(mark("At most 20 pieces of evidence for one dimension. Remove one first."), status=422)
    kept = (
        store_file(
            session,
            file[0],
            file[1],
            kind=FileKind.EVIDENCE,
            organisation_id=organisation_id,
            by=by,
            now=now,
        )
        if file
        else None
    )
    session.add(
        MaturityEvidence(
            proof_id=proof.id or 0, item=item, file_id=kept.id if kept else None, note=note, added_at=now
        )
    )
    session.flush()
    record(
        session,
        "evidence added",
        SUBJECT,
        proof.id,
        by=by,
        now=now,
        organisation_id=organisation_id,
        after={"item": item, "file": kept.name if kept else None},
    )
    return proof


def remove_evidence(
    session: Session, proof: MaturityProof, piece: MaturityEvidence, *, by: int, now: datetime
) -> None:
    if proof.status not in EDITABLE:
        raise Refused(LIES_THERE)
    piece.removed_at = now
    record(
        session,
        "evidence removed",
        SUBJECT,
        proof.id,
        by=by,
        now=now,
        organisation_id=proof.organisation_id,
        before={"item": piece.item, "file": piece.file_id},
    )


def hand_in(session: Session, proof: MaturityProof, *, by: int, now: datetime) -> None:
    """To the review desk, with the levels that the last measurement claims."""
    moved = ProofStatus(checked_move(MOVES, proof.status, "send"))  # type: ignore[arg-type]
    last = next(iter(queries.assessments_of(session, proof.organisation_id, proof.instrument, limit=1)), None)
    if last is None:
        raise Refused(mark("Answer the questionnaire first: evidence is for what you claim."), status=422)
    if not queries.pieces_of(session, proof.id or 0):
        raise Refused(mark("Add a file or a sentence for at least one item first."), status=422)
    dimension = dimension_of(proof.instrument, proof.dimension)
    assert dimension is not None  # noqa: S101
    proof.claims = {item.name: last.answers[item.name] for item in dimension.items}
    proof.status = moved
    desk.submit(session, SUBJECT, proof.id or 0, organisation_id=proof.organisation_id, by=by, now=now)


def take_back(session: Session, proof: MaturityProof, *, by: int, now: datetime) -> None:
    """It leaves the desk and is closed; what was accepted earlier stands."""
    proof.status = ProofStatus(checked_move(MOVES, proof.status, "withdraw"))  # type: ignore[arg-type]
    submission = latest_submission(session, SUBJECT, proof.id or 0)
    if submission:
        desk.withdraw(session, submission, by=by, now=now)


def accepted_levels(
    claims: Mapping[str, int], with_evidence: set[str], typed: Mapping[str, str]
) -> tuple[dict[str, int], dict[str, str]]:
    """(item → level, item → reason) as the reviewer typed them; Refused when one is missing or out of bounds.

    An item without evidence has 0: what is verified changes with accepted evidence only. None exceeds its claim.
    """
    levels, reasons = {}, {}
    for item, claim in claims.items():
        if item not in with_evidence:
            levels[item] = 0
            continue
        level, reason = typed.get(f"level_{item}", ""), typed.get(f"because_{item}", "").strip()
        if level not in {str(n) for n in range(MOST + 1)} or not reason:
            raise Refused(mark("Every item with evidence needs a level and a reason."), status=422)
        if int(level) > claim:
            raise Refused(mark("No level can be accepted above the one that is claimed."), status=422)
        levels[item], reasons[item] = int(level), reason[:500]
    return levels, reasons


def decide(
    session: Session,
    proof_id: int,
    decision: str,
    reason: str,
    *,
    typed: Mapping[str, str],
    by: int,
    now: datetime,
) -> None:
    """Called by the review desk in the transaction of the decision."""
    proof = session.get_one(MaturityProof, proof_id, with_for_update=True)
    before = proof.status
    proof.status = ProofStatus(checked_move(MOVES, proof.status, decision))  # type: ignore[arg-type]
    if decision == "approve":
        _accept(session, proof, typed, by=by, now=now)
    if decision != "ask":
        proof.decided_at = now
    record(
        session,
        "evidence of maturity decided",
        SUBJECT,
        proof.id,
        by=by,
        now=now,
        organisation_id=proof.organisation_id,
        before={"status": before.value},
        after={"status": proof.status.value, "score": proof.score, "levels": proof.levels},
        reason=reason,
    )
    organisation = session.get_one(Organisation, proof.organisation_id)
    dimension = dimension_of(proof.instrument, proof.dimension)
    for owner in owners_of(session, proof.organisation_id):
        send_mail(
            session,
            "maturity/decided",
            to=owner,
            now=now,
            name=owner.name,
            organisation=organisation.short_name,
            dimension=dimension.name if dimension else proof.dimension,
            decision=decision,
            score=proof.score,
            reason=reason,
            path=f"/my/maturity/{proof.instrument}/{proof.dimension}",
        )


def _accept(
    session: Session, proof: MaturityProof, typed: Mapping[str, str], *, by: int, now: datetime
) -> None:
    """Levels, their score and, for what a level counts, the fact that ends after the quarters it is good for."""
    there = {p.item for p in queries.pieces_of(session, proof.id or 0)}
    proof.levels, proof.reasons = accepted_levels(proof.claims, there, typed)
    proof.score = score(list(proof.levels.values()))
    quarters = programme_at(session, now).maturity["valid_quarters"]
    proof.valid_until = valid_until(now, quarters)
    if proof.instrument is Instrument.SEVEN:
        write_fact(
            session,
            FactKind.MATURITY_VERIFIED,
            organisation_id=proof.organisation_id,
            source=(SUBJECT, proof.id),
            by=by,
            now=now,
            true_until=proof.valid_until,
            dimension=proof.dimension,
            score=proof.score,
        )


def for_review(session: Session, proof_id: int) -> dict[str, Any]:
    proof = session.get_one(MaturityProof, proof_id)
    pieces: dict[str, list[queries.Piece]] = {}
    for piece in queries.pieces_of(session, proof_id):
        pieces.setdefault(piece.item, []).append(piece)
    return {"proof": proof, "dimension": dimension_of(proof.instrument, proof.dimension), "pieces": pieces}


def remind_quarter(session: Session, organisation_id: int, *, now: datetime) -> None:
    """Tell the owners that a new quarter has begun, once in it."""
    start = quarter_of(now).start
    last = queries.last_locked(session, organisation_id)
    if last is None or last.taken_at >= start or (last.reminded_at and last.reminded_at >= start):
        return
    last.reminded_at = now
    organisation = session.get_one(Organisation, organisation_id)
    for owner in owners_of(session, organisation_id):
        send_mail(
            session,
            "maturity/quarter",
            to=owner,
            now=now,
            name=owner.name,
            organisation=organisation.short_name,
            quarter=str(quarter_of(now)),
            last=last.taken_at,
            path="/my/self-test?again=yes",
        )
