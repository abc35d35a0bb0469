"""Cases: an organisation's own, the public ones, one with all that belongs to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Text, case, cast
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, or_, select

from casebook.cases.models import Case, Confirmation, Evidence, Outcome
from casebook.cases.rules import Draft, Kind, Line, Status, Verdict
from portal.desk.parts import OpenThing
from portal.files.models import StoredFile
from portal.files.queries import Opening, openings, times_opened
from portal.organisations.models import Employment, Organisation
from portal.organisations.rules import EmploymentStatus, Trust

PAGE = 20


def case_of(session: Session, case_id: int, organisation_id: int, *, lock: bool = False) -> Case | None:
    query = select(Case).where(Case.id == case_id, Case.organisation_id == organisation_id)
    return session.exec(query.with_for_update() if lock else query).first()


def case_made_once(session: Session, once: str, organisation_id: int) -> Case | None:
    """The case that this form made already."""
    return session.exec(
        select(Case).where(Case.once == once, Case.organisation_id == organisation_id)
    ).first()


def outcomes_of(session: Session, case_id: int) -> list[Outcome]:
    return list(session.exec(select(Outcome).where(Outcome.case_id == case_id).order_by(col(Outcome.nth))))


def draft_of(row: Case, outcomes: Sequence[Outcome]) -> Draft:
    """A case as the rules see it."""
    lines = [
        Line(
            o.nth,
            o.name,
            o.kind,
            o.baseline,
            o.value,
            o.unit,
            o.period_from,
            o.period_until,
            o.definition,
            o.source,
        )
        for o in outcomes
    ]
    texts = [
        row.title,
        row.before,
        row.failed_first,
        row.done,
        *row.systems,
        *(t for o in outcomes for t in (o.name, o.definition, o.source)),
    ]
    return Draft(
        row.client_name,
        row.client_named,
        row.client_alias,
        row.industry,
        row.stage,
        row.capabilities,
        row.failed_first,
        texts,
        lines,
    )


@dataclass(frozen=True)
class EvidenceRow:
    id: int
    file_id: int
    name: str
    size: int
    note: str
    uploaded_at: datetime
    opened: int  # times somebody opened it


def evidence_of(session: Session, case_id: int) -> list[EvidenceRow]:
    opened = times_opened()
    rows = session.exec(
        select(
            Evidence.id,
            StoredFile.id,
            StoredFile.name,
            StoredFile.size,
            Evidence.note,
            StoredFile.uploaded_at,
            func.coalesce(opened.c.times, 0),
        )  # type: ignore[call-overload]
        .join(StoredFile, col(Evidence.file_id) == col(StoredFile.id))
        .join(opened, opened.c.file_id == StoredFile.id, isouter=True)
        .where(Evidence.case_id == case_id, col(Evidence.removed_at).is_(None))
        .order_by(col(Evidence.id))
    )
    return [EvidenceRow(*row) for row in rows]


def evidence_files(session: Session, case_id: int) -> list[tuple[Evidence, StoredFile]]:
    """What lies with a case now, with the files themselves."""
    rows = session.exec(
        select(Evidence, StoredFile)
        .join(StoredFile, col(Evidence.file_id) == col(StoredFile.id))
        .where(Evidence.case_id == case_id, col(Evidence.removed_at).is_(None))
        .order_by(col(Evidence.id))
    )
    return [(evidence, file) for evidence, file in rows]


def evidence_in(session: Session, evidence_id: int, case_id: int) -> tuple[Evidence, StoredFile] | None:
    return session.exec(
        select(Evidence, StoredFile)
        .join(StoredFile, col(Evidence.file_id) == col(StoredFile.id))
        .where(Evidence.id == evidence_id, Evidence.case_id == case_id, col(Evidence.removed_at).is_(None))
    ).first()


def openings_of(session: Session, case_id: int) -> list[Opening]:
    """Who opened which evidence when, newest first; of evidence that was removed too."""
    files = list(session.exec(select(Evidence.file_id).where(Evidence.case_id == case_id)))
    return openings(session, files) if files else []


def confirmation_by_token(
    session: Session, token_hash: str, *, lock: bool = False
) -> tuple[Confirmation, Case] | None:
    query = (
        select(Confirmation, Case)
        .join(Case, col(Confirmation.case_id) == col(Case.id))
        .where(Confirmation.token_hash == token_hash)
    )
    return session.exec(query.with_for_update() if lock else query).first()


def confirmations_of(session: Session, case_id: int) -> list[Confirmation]:
    """All that were sent, newest first."""
    return list(
        session.exec(
            select(Confirmation).where(Confirmation.case_id == case_id).order_by(col(Confirmation.id).desc())
        )
    )


def member_addresses(session: Session, organisation_id: int) -> list[str]:
    """Of everybody who works or worked there."""
    return list(
        session.exec(
            select(Employment.email).where(
                Employment.organisation_id == organisation_id,
                col(Employment.status) != EmploymentStatus.INVITED,
            )
        )
    )


@dataclass(frozen=True)
class OwnCase:
    id: int
    number: str
    title: str
    client: str
    status: Status
    created_at: datetime
    published_at: datetime | None
    outcomes: int


def own_cases(session: Session, organisation_id: int, *, limit: int = 200) -> list[OwnCase]:
    """The organisation's cases, newest first; one query."""
    counted = (
        select(func.count())
        .select_from(Outcome)
        .where(Outcome.case_id == Case.id)
        .correlate(Case)
        .scalar_subquery()
    )
    rows = session.exec(
        select(
            Case.id,
            Case.number,
            Case.title,
            Case.client_name,
            Case.status,
            Case.created_at,
            Case.published_at,
            counted,
        )  # type: ignore[call-overload]
        .where(Case.organisation_id == organisation_id)
        .order_by(col(Case.id).desc())
        .limit(limit)
    )
    return [OwnCase(*row) for row in rows]


@dataclass(frozen=True)
class PublicCase:
    """A published case on a list. A masked client's name is not among these values."""

    id: int
    number: str
    title: str
    client: str
    industry: str
    stage: str
    archetype: str
    capabilities: list[str]
    provider: str
    slug: str
    published_at: datetime
    confirmed: int
    outcome: str | None
    kind: Kind | None
    baseline: float | None
    value: float | None
    unit: str | None


_SHOWN_CLIENT: Any = case((col(Case.client_named), Case.client_name), else_=Case.client_alias)


def public_cases(
    session: Session,
    *,
    ids: Sequence[int] | None = None,
    industries: Sequence[str] = (),
    stage: str | None = None,
    archetype: str | None = None,
    capability: str | None = None,
    organisation_id: int | None = None,
    page: int = 1,
    size: int = PAGE,
) -> tuple[list[PublicCase], int]:
    """(one page, how many in all). In the order of `ids` when given, else newest first. One query."""
    other = aliased(Outcome)
    confirmed = (
        select(func.count())
        .select_from(other)
        .where(other.case_id == Case.id, other.verdict == Verdict.CONFIRMED)
        .correlate(Case)
        .scalar_subquery()
    )
    first = select(func.min(other.nth)).where(other.case_id == Case.id).correlate(Case).scalar_subquery()
    query = (
        select(  # type: ignore[call-overload,misc]
            Case.id,
            Case.number,
            Case.title,
            _SHOWN_CLIENT,
            Case.industry,
            Case.stage,
            Case.archetype,
            Case.capabilities,
            Organisation.short_name,
            Organisation.slug,
            Case.published_at,
            confirmed,
            Outcome.name,
            Outcome.kind,
            Outcome.baseline,
            Outcome.value,
            Outcome.unit,
            func.count().over(),
        )
        .join(Organisation, col(Case.organisation_id) == col(Organisation.id))
        .join(Outcome, (col(Outcome.case_id) == col(Case.id)) & (col(Outcome.nth) == first), isouter=True)
        .where(Case.status == Status.PUBLISHED, Organisation.trust == Trust.VERIFIED)
    )
    if ids is not None:
        query = query.where(col(Case.id).in_(ids))
    if industries:
        query = query.where(col(Case.industry).in_(industries))
    if stage:
        query = query.where(Case.stage == stage)
    if archetype:
        query = query.where(Case.archetype == archetype)
    if capability:
        query = query.where(holds_key(Case.capabilities, capability))
    if organisation_id is not None:
        query = query.where(Case.organisation_id == organisation_id)
    if ids is None:
        rows = session.exec(
            query.order_by(col(Case.published_at).desc(), col(Case.id).desc())
            .limit(size)
            .offset((page - 1) * size)
        ).all()
        return [PublicCase(*row[:-1]) for row in rows], rows[0][-1] if rows else 0
    place = {subject_id: n for n, subject_id in enumerate(ids)}
    found = sorted((PublicCase(*row[:-1]) for row in session.exec(query)), key=lambda row: place[row.id])
    return found[(page - 1) * size : page * size], len(found)


def holds_key(column: Any, key: str) -> Any:
    """Does a JSON list of keys hold this one? Keys have no quotes, so its text says it on both databases."""
    return cast(column, Text).like(f'%"{key}"%')


@dataclass(frozen=True)
class PublicPage:
    """A published case as everybody reads it."""

    id: int
    number: str
    title: str
    client: str
    named: bool
    industry: str
    stage: str
    archetype: str
    capabilities: list[str]
    channels: list[str]
    period_from: date | None
    period_until: date | None
    before: str
    systems: list[str]
    failed_first: str
    done: str
    sop_version: str
    published_at: datetime
    organisation_id: int
    provider: str
    slug: str
    confirmed_role: str | None
    confirmed_at: datetime | None
    rating: int | None


def public_case(session: Session, number: str) -> PublicPage | None:
    row = session.exec(
        select(  # type: ignore[call-overload,misc]
            Case.id,
            Case.number,
            Case.title,
            _SHOWN_CLIENT,
            Case.client_named,
            Case.industry,
            Case.stage,
            Case.archetype,
            Case.capabilities,
            Case.channels,
            Case.period_from,
            Case.period_until,
            Case.before,
            Case.systems,
            Case.failed_first,
            Case.done,
            Case.sop_version,
            Case.published_at,
            Organisation.id,
            Organisation.short_name,
            Organisation.slug,
            Confirmation.role,
            Confirmation.used_at,
            Confirmation.rating,
        )
        .join(Organisation, col(Case.organisation_id) == col(Organisation.id))
        .join(Confirmation, col(Confirmation.id) == col(Case.confirmation_id), isouter=True)
        .where(Case.number == number, Case.status == Status.PUBLISHED, Organisation.trust == Trust.VERIFIED)
    ).first()
    return PublicPage(*row) if row else None


def case_waiting(session: Session, organisation_id: int) -> tuple[int, str, Status] | None:
    """Where it is the organisation's turn: first what the client answered, then what staff ask."""
    order = case(
        {Status.CLIENT_CONFIRMED.value: 0, Status.DISPUTED.value: 1, Status.CHANGES_ASKED.value: 2},
        value=col(Case.status),
        else_=3,
    )
    row = session.exec(
        select(Case.id, Case.title, Case.status)
        .where(
            Case.organisation_id == organisation_id,
            or_(
                *(
                    Case.status == s
                    for s in (Status.CLIENT_CONFIRMED, Status.DISPUTED, Status.CHANGES_ASKED, Status.DRAFT)
                )
            ),
        )
        .order_by(order, col(Case.id))
        .limit(1)
    ).first()
    return (row[0] or 0, row[1], Status(row[2])) if row else None


def unpublished_cases(session: Session, organisation_id: int) -> list[tuple[int, str, str, bool]]:
    """(id, title, client, may the client be named) of what is being written or reviewed."""
    rows = session.exec(
        select(Case.id, Case.title, Case.client_name, Case.client_named)
        .where(
            Case.organisation_id == organisation_id,
            col(Case.status).not_in([Status.PUBLISHED, Status.RETRACTED]),
        )
        .order_by(col(Case.id))
        .limit(30)
    )
    return [(i or 0, title, client, named) for i, title, client, named in rows]


def cases_of_person(session: Session, organisation_id: int, person_id: int) -> list[OpenThing]:
    """Unfinished ones that somebody answers for."""
    rows = session.exec(
        select(Case)
        .where(
            Case.organisation_id == organisation_id,
            Case.responsible_id == person_id,
            col(Case.status).not_in([Status.PUBLISHED, Status.RETRACTED]),
        )
        .order_by(col(Case.id))
    )
    return [_thing(row) for row in rows]


def open_case(session: Session, organisation_id: int, case_id: int) -> OpenThing | None:
    """One of the organisation's that is not taken back, locked."""
    row = session.exec(
        select(Case)
        .where(Case.id == case_id, Case.organisation_id == organisation_id, Case.status != Status.RETRACTED)
        .with_for_update()
    ).first()
    return _thing(row) if row else None


def _thing(row: Case) -> OpenThing:
    return OpenThing(row.id or 0, row.title, f"/my/cases/{row.id}", "draft", row.responsible_id)
