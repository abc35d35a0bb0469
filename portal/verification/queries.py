"""An organisation's verification."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, or_, select

from portal.accounts.models import Person
from portal.domains.models import OrganisationDomain
from portal.domains.rules import own_domain
from portal.files.models import StoredFile
from portal.organisations.models import Employment, Organisation
from portal.organisations.rules import EmploymentStatus, Trust
from portal.review.models import Finding, Submission
from portal.review.queries import findings_of, latest_submission
from portal.review.rules import Status, Verdict
from portal.verification.models import (
    Verification,
    VerificationAnswer,
    VerificationCheck,
    VerificationReminder,
)
from portal.verification.rules import Other


@dataclass(frozen=True)
class HandedIn:
    """An answer with its file, of one round."""

    id: int
    round: int
    item: str
    text: str
    file: str | None
    size: int
    at: datetime


@dataclass(frozen=True)
class Standing:
    verification: Verification | None
    licence: StoredFile | None
    submission: Submission | None
    findings: list[Finding]
    answers: list[HandedIn]
    checks: list[VerificationCheck]

    @property
    def asked(self) -> list[Finding]:
        """What staff want to know more about, while it is the owner's turn."""
        if self.submission is None or self.submission.status is not Status.ACTION_REQUIRED:
            return []
        return [f for f in self.findings if f.round == self.submission.round and f.verdict is Verdict.FIX]


def verification_of(session: Session, organisation_id: int) -> Standing:
    row = session.exec(
        select(Verification, StoredFile)
        .join(StoredFile, col(Verification.licence_id) == col(StoredFile.id))
        .where(Verification.organisation_id == organisation_id)
    ).first()
    if row is None:
        return Standing(None, None, None, [], [], [])
    verification = row[0]
    submission = latest_submission(session, "verification", verification.id or 0)
    return Standing(
        verification,
        row[1],
        submission,
        findings_of(session, submission.id or 0) if submission else [],
        answers_of(session, verification.id or 0),
        checks_of(session, verification),
    )


def answers_of(session: Session, verification_id: int) -> list[HandedIn]:
    """Of all rounds, latest round first."""
    rows = session.exec(
        select(VerificationAnswer, StoredFile)
        .join(StoredFile, col(VerificationAnswer.file_id) == col(StoredFile.id), isouter=True)
        .where(VerificationAnswer.verification_id == verification_id)
        .order_by(col(VerificationAnswer.round).desc(), col(VerificationAnswer.id))
    )
    return [
        HandedIn(a.id or 0, a.round, a.item, a.text, f.name if f else None, f.size if f else 0, a.at)
        for a, f in rows
    ]


def file_of_answer(session: Session, answer_id: int, verification_id: int) -> StoredFile | None:
    return session.exec(
        select(StoredFile)
        .join(VerificationAnswer, col(VerificationAnswer.file_id) == col(StoredFile.id))
        .where(VerificationAnswer.id == answer_id, VerificationAnswer.verification_id == verification_id)
    ).first()


def checks_of(session: Session, verification: Verification) -> list[VerificationCheck]:
    """Of the latest round that was checked, in the order in which they were made."""
    rows = session.exec(
        select(VerificationCheck)
        .where(VerificationCheck.verification_id == verification.id)
        .order_by(col(VerificationCheck.round).desc(), col(VerificationCheck.id))
    ).all()
    return [row for row in rows if row.round == rows[0].round]


def checks_due(session: Session, now: datetime) -> list[int]:
    """Ids of verifications whose checks wait: those a crash or a silent registry left behind."""
    return [
        i
        for i in session.exec(
            select(Verification.id).where(col(Verification.checks_due_at) <= now).limit(100)
        )
        if i is not None
    ]


def verification_to_check(session: Session, verification_id: int, now: datetime) -> Verification | None:
    """The verification, locked, unless its checks are done or in somebody's hands."""
    return session.exec(
        select(Verification)
        .where(Verification.id == verification_id, col(Verification.checks_due_at) <= now)
        .with_for_update(skip_locked=True)
    ).first()


def submission_to_decide(session: Session, verification_id: int) -> Submission | None:
    """What lies on the desk and nobody has taken, locked."""
    return session.exec(
        select(Submission)
        .where(
            Submission.subject_kind == "verification",
            Submission.subject_id == verification_id,
            Submission.status == Status.SUBMITTED,
        )
        .with_for_update()
    ).first()


def perhaps_the_same(session: Session, organisation: Organisation, mailbox: str) -> tuple[Other, ...]:
    """Organisations in the same province, or with the same website, proved domain or owners' mailbox domain."""
    domains = {own_domain(organisation.website), own_domain(mailbox)} - {""}
    at_domain = [
        i
        for domain in sorted(domains)
        for i in session.exec(
            select(Employment.organisation_id).where(
                Employment.status == EmploymentStatus.CONFIRMED,
                col(Employment.email).endswith("@" + domain, autoescape=True),
            )
        )
    ]
    proved = list(
        session.exec(
            select(OrganisationDomain.organisation_id, OrganisationDomain.domain).where(
                col(OrganisationDomain.domain).in_(domains),
                col(OrganisationDomain.proved_at).is_not(None),
                col(OrganisationDomain.lost_at).is_(None),
            )
        )
    )
    of_website = [col(Organisation.website).contains(domain, autoescape=True) for domain in sorted(domains)]
    rows = session.exec(
        select(Organisation).where(
            Organisation.id != organisation.id,
            Organisation.trust != Trust.CLOSED,
            or_(
                Organisation.province == organisation.province,
                col(Organisation.id).in_([*at_domain, *(i for i, _ in proved)]),
                *of_website,
            ),
        )
    )
    owners = _mailbox_domains(session, at_domain)
    return tuple(
        Other(
            row.id or 0,
            row.legal_name,
            row.trust in (Trust.VERIFIED, Trust.SUSPENDED),
            row.province,
            frozenset(
                {own_domain(row.website), *owners.get(row.id or 0, set())}
                | {d for i, d in proved if i == row.id}
            )
            - {""},
        )
        for row in rows
    )


def _mailbox_domains(session: Session, organisations: list[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    if organisations:
        for organisation_id, email in session.exec(
            select(Employment.organisation_id, Employment.email).where(
                col(Employment.organisation_id).in_(organisations),
                Employment.status == EmploymentStatus.CONFIRMED,
            )
        ):
            found.setdefault(organisation_id, set()).add(own_domain(email))
    return found


def mailbox_of(session: Session, person_id: int) -> str:
    return session.exec(select(Person.email).where(Person.id == person_id)).one()


def _waiting_for_staff() -> Any:
    return select(Submission.organisation_id).where(
        Submission.subject_kind == "verification", col(Submission.status).in_(["submitted", "in_review"])
    )


def _since() -> ColumnElement[datetime]:
    """When the days to verify began: at registration, or when the organisation came back."""
    return func.coalesce(Organisation.returned_at, Organisation.created_at)


def organisations_to_freeze(session: Session, before: datetime, *, only: int | None = None) -> list[int]:
    """Provisional organisations registered by that time and without a submission that waits for staff."""
    query = select(Organisation.id).where(
        Organisation.trust == Trust.PROVISIONAL,
        _since() <= before,
        col(Organisation.id).not_in(_waiting_for_staff()),
    )
    if only is not None:
        query = query.where(Organisation.id == only)
    return [i for i in session.exec(query) if i is not None]


def organisations_to_remind(session: Session, registered_by: datetime) -> list[tuple[int, datetime]]:
    """(id, registered at) of provisional organisations registered by that time whose turn it is."""
    rows = session.exec(
        select(Organisation.id, _since()).where(
            Organisation.trust == Trust.PROVISIONAL,
            _since() <= registered_by,
            col(Organisation.id).not_in(_waiting_for_staff()),
        )
    )
    return [(i, at) for i, at in rows if i is not None]


def reminded(session: Session, organisation_id: int) -> set[int]:
    """The reminders that were sent: days before the freeze."""
    return set(
        session.exec(
            select(VerificationReminder.days).where(VerificationReminder.organisation_id == organisation_id)
        )
    )
