"""Write a case, have the client confirm it, hand it in, publish it, take it back."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from casebook.cases.forms import Answer, EditCase, EditOutcome, OutcomeAnswer
from casebook.cases.models import Case, Confirmation, Evidence, Outcome
from casebook.cases.queries import (
    case_made_once,
    confirmations_of,
    draft_of,
    evidence_of,
    member_addresses,
    outcomes_of,
)
from casebook.cases.rules import (
    CLIENT_ANSWERS_WITHIN,
    EDITABLE,
    MOST_EVIDENCE,
    MOVES,
    TAKES_EVIDENCE,
    Status,
    Verdict,
    attainment,
    normal_client,
    what_is_missing,
    why_not_address,
)
from casebook.directory.actions import index_provider
from casebook.search.actions import index, remove
from portal.accounts.actions import digest
from portal.accounts.models import Person
from portal.files.actions import store_file
from portal.files.rules import Kind as FileKind
from portal.history.actions import record
from portal.ledger.actions import end_facts, retract_facts, write_fact
from portal.ledger.rules import FactKind
from portal.mail.actions import Mailbox, send_mail
from portal.organisations.models import Organisation
from portal.organisations.queries import owners_of
from portal.programme.queries import programme_at
from portal.refusal import Refused, checked_move, mark
from portal.review.actions import submit as put_on_desk
from portal.review.actions import withdraw
from portal.review.queries import latest_submission
from portal.review.rules import Status as DeskStatus
from portal.rights.rules import require

STALE = mark(
    "Somebody else has changed this case since you opened it. "
    "Nothing was saved; what you typed is still here."
)
_CLOSED = mark("This case can't be edited now. Take it back first; then the client confirms it again.")


def draft_case(
    session: Session,
    organisation: Organisation,
    once: str,
    entry: EditCase,
    outcomes: Sequence[EditOutcome],
    *,
    by: int,
    now: datetime,
) -> Case:
    """A new draft; the one that exists when this form was sent before."""
    require(programme_at(session, now), organisation, "draft")
    existing = case_made_once(session, once, organisation.id or 0)
    if existing is not None:
        return existing
    row = Case(
        number=f"new-{secrets.token_hex(8)}",
        organisation_id=organisation.id or 0,
        once=once,
        created_by=by,
        responsible_id=by,
        created_at=now,
        title=entry.title,
        client_name=entry.client_name,
    )
    session.add(row)
    session.flush()
    row.number = f"C-{now.year}-{row.id:04d}"
    _fill(row, entry)
    _write_outcomes(session, row, outcomes)
    record(
        session,
        "case drafted",
        "case",
        row.id,
        by=by,
        now=now,
        organisation_id=row.organisation_id,
        after={"title": row.title},
    )
    return row


def save_case(
    session: Session,
    row: Case,
    entry: EditCase,
    outcomes: Sequence[EditOutcome],
    *,
    revision: int,
    by: int,
    now: datetime,
) -> None:
    """Save a draft. Numbers or a client that differ from what was confirmed take the confirmation away."""
    if row.status not in EDITABLE:
        raise Refused(_CLOSED)
    if row.revision != revision:
        raise Refused(STALE, status=422)
    before = {
        "title": row.title,
        "client": row.client_name,
        "outcomes": _contents(outcomes_of(session, row.id or 0)),
    }
    _fill(row, entry)
    after = {
        "title": row.title,
        "client": row.client_name,
        "outcomes": [o.model_dump(mode="json") for o in outcomes],
    }
    if (before["client"], before["outcomes"]) != (after["client"], after["outcomes"]):
        _write_outcomes(session, row, outcomes)
        _void_confirmation(session, row, now=now)
    row.revision += 1
    record(
        session,
        "case saved",
        "case",
        row.id,
        by=by,
        now=now,
        organisation_id=row.organisation_id,
        before=before,
        after=after,
    )


def _fill(row: Case, entry: EditCase) -> None:
    for name, value in entry.model_dump(exclude={"systems"}).items():
        setattr(row, name, value)
    row.systems = entry.system_list()


def _contents(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    return [o.model_dump(mode="json", include=set(EditOutcome.model_fields)) for o in outcomes]


def _write_outcomes(session: Session, row: Case, outcomes: Sequence[EditOutcome]) -> None:
    known = {o.nth: o for o in outcomes_of(session, row.id or 0)}
    for nth, entry in enumerate(outcomes, 1):
        outcome = known.pop(nth, None) or Outcome(case_id=row.id or 0, nth=nth)
        for name, value in entry.model_dump().items():
            setattr(outcome, name, value)
        session.add(outcome)
    for gone in known.values():
        session.delete(gone)
    session.flush()


def _void_confirmation(session: Session, row: Case, *, now: datetime) -> None:
    """What the client confirmed stops counting; its review and renewal are its own word and stay."""
    if row.confirmation_id is not None:
        end_facts(
            session, FactKind.OUTCOME_ATTESTED, source=("case_confirmation", row.confirmation_id), at=now
        )
        row.confirmation_id = None
    for outcome in outcomes_of(session, row.id or 0):
        outcome.verdict, outcome.attested_value, outcome.client_note = None, None, ""


def _move(
    session: Session,
    row: Case,
    move: str,
    *,
    verb: str,
    by: int | None,
    now: datetime,
    reason: str = "",
    personal: dict[str, Any] | None = None,
    **after: Any,
) -> None:
    before = row.status
    row.status = Status(checked_move(MOVES, row.status, move))
    row.revision += 1
    record(
        session,
        verb,
        "case",
        row.id,
        by=by,
        now=now,
        organisation_id=row.organisation_id,
        before={"status": before.value},
        after={"status": row.status.value, **after},
        personal=personal,
        reason=reason,
    )


def add_evidence(
    session: Session, row: Case, *, name: str, content: bytes, note: str, by: int, now: datetime
) -> Evidence:
    if row.status not in TAKES_EVIDENCE:
        raise Refused(mark("This case takes no more evidence: it lies with the reviewers or is closed."))
    if len(evidence_of(session, row.id or 0)) >= MOST_EVIDENCE:
        raise Refused(mark("A case holds at most 20 files. Remove one first."), status=422)
    file = store_file(
        session,
        name,
        content,
        kind=FileKind.EVIDENCE,
        organisation_id=row.organisation_id,
        by=by,
        now=now,
    )
    evidence = Evidence(case_id=row.id or 0, file_id=file.id or 0, note=note)
    session.add(evidence)
    session.flush()
    record(
        session,
        "evidence added",
        "case",
        row.id,
        by=by,
        now=now,
        organisation_id=row.organisation_id,
        after={"file": file.name},
    )
    return evidence


def remove_evidence(session: Session, row: Case, evidence: Evidence, *, by: int, now: datetime) -> None:
    """The file leaves the case; the record that it was there stays."""
    if row.status not in TAKES_EVIDENCE:
        raise Refused(mark("This case takes no more evidence: it lies with the reviewers or is closed."))
    evidence.removed_at = now
    record(
        session,
        "evidence removed",
        "case",
        row.id,
        by=by,
        now=now,
        organisation_id=row.organisation_id,
        before={"file": evidence.file_id},
    )


def send_to_client(
    session: Session,
    row: Case,
    organisation: Organisation,
    email: str,
    language: str,
    *,
    by: Person,
    now: datetime,
) -> str:
    """Mail the client a link that counts once; links sent earlier are void. Returns the token."""
    require(programme_at(session, now), organisation, "draft")
    missing = what_is_missing(draft_of(row, outcomes_of(session, row.id or 0)))
    if missing:
        raise Refused(next(iter(missing.values())))
    wrong = why_not_address(
        email,
        website=organisation.website,
        members=[by.email, *member_addresses(session, organisation.id or 0)],
    )
    if wrong:
        raise Refused(wrong, status=422)
    _move(
        session,
        row,
        "send",
        verb="case sent to the client",
        by=by.id,
        now=now,
        personal={"email": email.lower()},
    )
    _void_links(session, row, now=now)
    token = secrets.token_urlsafe(32)
    session.add(
        Confirmation(
            case_id=row.id or 0,
            email=email.lower(),
            token_hash=digest(token),
            sent_at=now,
            sent_by=by.id or 0,
            expires_at=now + CLIENT_ANSWERS_WITHIN,
        )
    )
    send_mail(
        session,
        "cases/confirm",
        to=Mailbox(email.lower(), language),
        now=now,
        organisation=organisation.legal_name,
        sender=by.name,
        title=row.title,
        client=row.client_name,
        days=CLIENT_ANSWERS_WITHIN.days,
        path=f"/client/{token}",
    )
    return token


def _void_links(session: Session, row: Case, *, now: datetime) -> None:
    for confirmation in confirmations_of(session, row.id or 0):
        if confirmation.used_at is None and confirmation.expires_at > now:
            confirmation.expires_at = now


def recall_case(session: Session, row: Case, *, by: int, now: datetime) -> None:
    """Back to a draft: the link is void and what was confirmed stops counting."""
    _move(session, row, "recall", verb="case taken back", by=by, now=now)
    _void_links(session, row, now=now)
    _void_confirmation(session, row, now=now)


def answer_case(
    session: Session,
    confirmation: Confirmation,
    row: Case,
    entry: Answer,
    answers: Mapping[int, OutcomeAnswer],
    *,
    now: datetime,
) -> None:
    """The client's word, once. Writes what counts: confirmed outcomes, the review, whether they went on."""
    if confirmation.used_at is not None:
        raise Refused(
            mark(
                "This link has been used: your answer is with us. "
                "To change it, ask the provider to send the case again."
            )
        )
    if confirmation.expires_at <= now:
        raise Refused(
            mark(
                "This link has run out or was replaced by a newer one. "
                "Ask the provider to send the case again; nothing was lost."
            ),
            status=410,
        )
    outcomes = outcomes_of(session, row.id or 0)
    if set(answers) != {o.nth for o in outcomes}:
        raise Refused(
            mark("The case was changed while you read it. Open the link again; nothing was recorded.")
        )
    for outcome in outcomes:
        said = answers[outcome.nth]
        outcome.verdict, outcome.attested_value, outcome.client_note = (
            said.verdict,
            said.attested_value,
            said.client_note,
        )
    disputed = [o.nth for o in outcomes if o.verdict is Verdict.DISPUTED]
    _move(
        session,
        row,
        "dispute" if disputed else "confirm",
        by=None,
        now=now,
        personal={"name": entry.name, "role": entry.role},
        rating=entry.rating,
        verb="case disputed by the client" if disputed else "case confirmed by the client",
        disputed=disputed,
    )
    _supersede(session, row, confirmation, now=now)
    confirmation.used_at, confirmation.name, confirmation.role = now, entry.name, entry.role
    confirmation.rating, confirmation.comment = entry.rating, entry.comment
    confirmation.renewed = {"yes": True, "no": False}.get(entry.renewed)
    row.confirmation_id = confirmation.id
    _write_answer_facts(session, row, confirmation, outcomes, now=now)
    for owner in owners_of(session, row.organisation_id):
        send_mail(
            session,
            "cases/answered",
            to=owner,
            now=now,
            name=owner.name,
            title=row.title,
            disputed=len(disputed),
            path=f"/my/cases/{row.id}",
        )


def _supersede(session: Session, row: Case, confirmation: Confirmation, *, now: datetime) -> None:
    """Earlier answers: their outcomes stop counting; the same person's review is replaced."""
    for earlier in confirmations_of(session, row.id or 0):
        if earlier.used_at is None or earlier.id == confirmation.id:
            continue
        end_facts(session, FactKind.OUTCOME_ATTESTED, source=("case_confirmation", earlier.id or 0), at=now)
        if earlier.email == confirmation.email:
            retract_facts(
                session,
                source=("case_confirmation", earlier.id or 0),
                reason="answered again",
                by=None,
                now=now,
            )


def _write_answer_facts(
    session: Session, row: Case, confirmation: Confirmation, outcomes: Sequence[Outcome], *, now: datetime
) -> None:
    source, client = ("case_confirmation", confirmation.id), normal_client(row.client_name)
    for outcome in outcomes:
        if outcome.verdict is Verdict.CONFIRMED:
            reached = outcome.value if outcome.attested_value is None else outcome.attested_value
            write_fact(
                session,
                FactKind.OUTCOME_ATTESTED,
                source=source,
                now=now,
                organisation_id=row.organisation_id,
                client=client,
                case_id=row.id,
                attainment=attainment(outcome.baseline, reached, outcome.target),
            )
    write_fact(
        session,
        FactKind.REVIEW,
        source=source,
        now=now,
        organisation_id=row.organisation_id,
        client=client,
        rating=confirmation.rating,
    )
    if confirmation.renewed is not None:
        write_fact(
            session,
            FactKind.RENEWAL,
            source=source,
            now=now,
            organisation_id=row.organisation_id,
            client=client,
            renewed=confirmation.renewed,
        )


def submit_case(session: Session, row: Case, organisation: Organisation, *, by: int, now: datetime) -> None:
    """Onto the review desk, or back onto it after changes."""
    require(programme_at(session, now), organisation, "submit")
    missing = what_is_missing(draft_of(row, outcomes_of(session, row.id or 0)))
    if missing:
        raise Refused(next(iter(missing.values())))
    if row.confirmation_id is None and row.status is Status.CHANGES_ASKED:
        raise Refused(
            mark(
                "The numbers differ from what the client confirmed. Send the case to the client again first."
            )
        )
    row.status = Status(checked_move(MOVES, row.status, "submit"))
    row.revision += 1
    row.submitted_at = now
    put_on_desk(session, "case", row.id or 0, organisation_id=row.organisation_id, by=by, now=now)


def decide(session: Session, case_id: int, decision: str, reason: str, *, by: int, now: datetime) -> None:
    """Called by the review desk in the transaction of the decision."""
    row = session.get_one(Case, case_id, with_for_update=True)
    verb = {"approve": "case published", "ask": "changes asked", "reject": "case sent back"}[decision]
    _move(session, row, decision, verb=verb, by=by, now=now, reason=reason)
    if decision == "approve":
        row.published_at = now
        write_fact(
            session,
            FactKind.CASE_PUBLISHED,
            source=("case", case_id),
            by=by,
            now=now,
            organisation_id=row.organisation_id,
            client=normal_client(row.client_name),
            named=row.client_named,
            industry=row.industry,
            case_id=case_id,
            capabilities=row.capabilities,
        )
        index_case(session, row, now=now)
        session.flush()
        index_provider(session, row.organisation_id, now=now)
    elif decision == "reject":
        _void_confirmation(session, row, now=now)
    for owner in owners_of(session, row.organisation_id):
        send_mail(
            session,
            "cases/decided",
            to=owner,
            now=now,
            name=owner.name,
            title=row.title,
            decision=decision,
            reason=reason,
            path=f"/my/cases/{case_id}",
        )


def retract_case(session: Session, row: Case, reason: str, *, by: int, now: datetime) -> None:
    """Out of the casebook, the index and the counts; what happened stays in the record."""
    published = row.status is Status.PUBLISHED
    _move(session, row, "retract", verb="case retracted", by=by, now=now, reason=reason)
    _void_links(session, row, now=now)
    _void_confirmation(session, row, now=now)
    submission = latest_submission(session, "case", row.id or 0)
    if submission and submission.status in (
        DeskStatus.SUBMITTED,
        DeskStatus.IN_REVIEW,
        DeskStatus.ACTION_REQUIRED,
    ):
        withdraw(session, submission, by=by, now=now)
    if published:
        end_facts(session, FactKind.CASE_PUBLISHED, source=("case", row.id or 0), at=now)
        remove(session, "case", row.id or 0)
        session.flush()
        index_provider(session, row.organisation_id, now=now)


def give_case(session: Session, case_id: int, person_id: int, *, by: int | None, now: datetime) -> None:
    """To a colleague who answers for it from now on."""
    row = session.get_one(Case, case_id)
    before, row.responsible_id = row.responsible_id, person_id
    record(
        session,
        "case handed over",
        "case",
        case_id,
        by=by,
        now=now,
        organisation_id=row.organisation_id,
        before={"person": before},
        after={"person": person_id},
    )


def index_case(session: Session, row: Case, *, now: datetime) -> None:
    """Searched by what everybody may read: a masked client's name is not in it."""
    programme = programme_at(session, now)
    labels = [
        programme.label("industries", row.industry),
        programme.label("industries", programme.group_of("industries", row.industry)),
        programme.label("stages", row.stage),
        programme.label("archetypes", row.archetype),
        *(programme.label("capabilities", key) for key in row.capabilities),
        *(programme.label("channels", key) for key in row.channels),
    ]
    outcomes = outcomes_of(session, row.id or 0)
    body = [
        row.client_name if row.client_named else row.client_alias,
        *(text for label in labels for text in label.values()),
        row.before,
        *row.systems,
        row.failed_first,
        row.done,
        *(text for o in outcomes for text in (o.name, o.definition)),
    ]
    index(session, "case", row.id or 0, row.title, "\n".join(body))


def for_review(session: Session, case_id: int) -> dict[str, Any]:
    """What the review desk shows; the provider is not named."""
    row = session.get_one(Case, case_id)
    answered = next((c for c in confirmations_of(session, case_id) if c.id == row.confirmation_id), None)
    return {
        "case": row,
        "outcomes": outcomes_of(session, case_id),
        "evidence": evidence_of(session, case_id),
        "answered": answered,
        "programme": programme_at(session, row.submitted_at or row.created_at),
    }
