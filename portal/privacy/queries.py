"""What is held of one person, table by table; copies and erasures that wait."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table
from sqlmodel import Session, SQLModel, col, func, select

from portal.accounts.models import Person, StaffAppointment
from portal.files.models import StoredFile
from portal.history.models import History
from portal.organisations.models import Employment, EmploymentRole, Organisation
from portal.organisations.queries import in_force
from portal.organisations.rules import EmploymentStatus, Role, Trust
from portal.privacy.models import Erasure, PersonExport
from portal.privacy.rules import Area, Fate


def table_of(area: Area) -> Table:
    return SQLModel.metadata.tables[area.table]


def theirs(area: Area, person: Person, areas: Mapping[str, Area]) -> ColumnElement[bool] | None:
    """The rows of the table that are this person's; None when the table only says who did something."""
    table = table_of(area)
    if area.owner:
        return table.c[area.owner] == person.id
    if area.through:
        column, above = area.through
        parent = areas[above]
        inner = theirs(parent, person, areas)
        return table.c[column].in_(select(table_of(parent).c.id).where(inner))  # type: ignore[arg-type]
    if area.address:
        return func.lower(table.c[area.address]) == person.email.lower()
    return None


def shown_columns(area: Area) -> list[str]:
    """What an export holds. Of rows that only an address leads to: what names the person, not the rest."""
    table = table_of(area)
    if area.address and area.empty:
        return [column.name for column in table.c if column.name == "id" or column.name in area.empty]
    return [column.name for column in table.c if column.name not in area.secret]


def rows_of(session: Session, area: Area, person: Person, areas: Mapping[str, Area]) -> list[dict[str, Any]]:
    where = theirs(area, person, areas)
    if where is None:
        return []
    table = table_of(area)
    query = select(*[table.c[name] for name in shown_columns(area)]).where(where)
    return [dict(row._mapping) for row in session.execute(query.order_by(*table.primary_key))]


def how_many(session: Session, area: Area, person: Person, areas: Mapping[str, Area]) -> int:
    where = theirs(area, person, areas)
    if where is None:
        return 0
    return int(session.execute(select(func.count()).select_from(table_of(area)).where(where)).scalar_one())


def files_of(session: Session, person_id: int) -> list[StoredFile]:
    return list(
        session.exec(
            select(StoredFile).where(StoredFile.uploaded_by == person_id).order_by(col(StoredFile.id))
        )
    )


def exports_of(session: Session, person_id: int) -> list[PersonExport]:
    return list(
        session.exec(
            select(PersonExport)
            .where(PersonExport.person_id == person_id)
            .order_by(col(PersonExport.id).desc())
            .limit(10)
        )
    )


def export_waiting(session: Session, export_id: int) -> PersonExport | None:
    return session.exec(
        select(PersonExport)
        .where(PersonExport.id == export_id, col(PersonExport.made_at).is_(None))
        .with_for_update(skip_locked=True)
    ).first()


def export_file(
    session: Session, export_id: int, person_id: int, now: datetime
) -> tuple[PersonExport, StoredFile] | None:
    return session.exec(
        select(PersonExport, StoredFile)
        .join(StoredFile, col(PersonExport.file_id) == col(StoredFile.id))
        .where(
            PersonExport.id == export_id,
            PersonExport.person_id == person_id,
            col(PersonExport.expires_at) > now,
        )
    ).first()


def exports_to_make(session: Session) -> list[int]:
    rows = session.exec(select(PersonExport.id).where(col(PersonExport.made_at).is_(None)).limit(100))
    return [i for i in rows if i is not None]


def exports_run_out(
    session: Session, now: datetime, *, person_id: int | None = None
) -> list[tuple[PersonExport, StoredFile]]:
    """Those whose time is over; with a person all of theirs."""
    query = select(PersonExport, StoredFile).join(StoredFile, col(PersonExport.file_id) == col(StoredFile.id))
    query = query.where(
        PersonExport.person_id == person_id if person_id else col(PersonExport.expires_at) <= now
    )
    return list(session.exec(query.with_for_update(of=PersonExport)).all())


def open_erasure(session: Session, person_id: int) -> Erasure | None:
    return session.exec(
        select(Erasure)
        .where(Erasure.person_id == person_id, col(Erasure.withdrawn_at).is_(None))
        .with_for_update()
    ).first()


def erasures_due(session: Session, now: datetime) -> list[int]:
    rows = session.exec(
        select(Erasure.id)
        .where(Erasure.due_at <= now, col(Erasure.withdrawn_at).is_(None), col(Erasure.done_at).is_(None))
        .order_by(col(Erasure.id))
        .limit(100)
    )
    return [i for i in rows if i is not None]


def erasure_due(session: Session, erasure_id: int, now: datetime) -> Erasure | None:
    """Locked, and still to be carried out."""
    return session.exec(
        select(Erasure)
        .where(
            Erasure.id == erasure_id,
            Erasure.due_at <= now,
            col(Erasure.withdrawn_at).is_(None),
            col(Erasure.done_at).is_(None),
        )
        .with_for_update(skip_locked=True)
    ).first()


def erasures_done(session: Session, limit: int = 200) -> list[Erasure]:
    return list(
        session.exec(
            select(Erasure)
            .where(col(Erasure.done_at).is_not(None))
            .order_by(col(Erasure.done_at).desc())
            .limit(limit)
        )
    )


def has_staff_role(session: Session, person_id: int, now: datetime) -> bool:
    query = select(StaffAppointment.id).where(
        StaffAppointment.person_id == person_id, in_force(StaffAppointment, now)
    )
    return session.exec(query.limit(1)).first() is not None


def only_owner_of(session: Session, person_id: int) -> str | None:
    """The name of the open organisation that would be left without an owner; None when there is none."""
    owners = (
        select(Employment.organisation_id)
        .join(EmploymentRole, col(EmploymentRole.employment_id) == col(Employment.id))
        .where(
            Employment.status == EmploymentStatus.CONFIRMED,
            EmploymentRole.role == Role.OWNER,
            col(EmploymentRole.until).is_(None),
        )
        .group_by(col(Employment.organisation_id))
        .having(
            func.count(func.distinct(Employment.person_id)) == 1,
            func.max(Employment.person_id) == person_id,
        )
    )
    return session.exec(
        select(Organisation.short_name).where(
            col(Organisation.id).in_(owners), col(Organisation.trust) != Trust.CLOSED
        )
    ).first()


def invitations_to(session: Session, email: str) -> list[Employment]:
    """Not answered yet."""
    return list(
        session.exec(
            select(Employment).where(
                func.lower(Employment.email) == email.lower(),
                Employment.status == EmploymentStatus.INVITED,
            )
        )
    )


def personal_history(session: Session, person: Person, employment_ids: Sequence[int]) -> list[int]:
    """Rows of the record whose personal part names this person: by address anywhere, by name in their own rows."""
    rows = session.execute(
        select(History.id, History.subject_kind, History.subject_id, History.personal).where(
            col(History.personal).is_not(None)
        )
    )
    own = {("person", person.id), *(("employment", i) for i in employment_ids)}
    return [
        i
        for i, kind, subject, personal in rows
        if personal
        and i is not None
        and (
            (kind, subject) in own
            or any(str(value).lower() == person.email.lower() for value in personal.values())
        )
    ]


def employments_of(session: Session, person_id: int) -> list[int]:
    rows = session.exec(select(Employment.id).where(Employment.person_id == person_id))
    return [i for i in rows if i is not None]


def counts(session: Session, areas: Sequence[Area], person: Person) -> list[tuple[Area, int]]:
    """For the preview: each area that is about the person, with how many rows there are."""
    by_name = {area.table: area for area in areas}
    return [
        (area, how_many(session, area, person, by_name))
        for area in areas
        if area.owner or area.through or area.address or area.fate is not Fate.KEEP
    ]
