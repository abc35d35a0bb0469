"""A person's notices, choices, and who is due for a tip."""

from datetime import datetime

from sqlmodel import Session, col, or_, select

from portal.accounts.models import Person
from portal.notices.models import Notice, NoticeChoice, Tip
from portal.notices.rules import KEPT_FOR, LOOK_EVERY, TIP_EVERY
from portal.organisations.models import Employment, EmploymentRole, Organisation
from portal.organisations.queries import roles_of
from portal.organisations.rules import EmploymentStatus, Role, Trust
from portal.programme.queries import programme_at
from portal.web.viewer import Acting, Viewer

PAGE = 20


def notices_of(session: Session, person_id: int, after: Notice | None = None) -> list[Notice]:
    """A page and one more: unread first, newest first. `after`: the last one of the page before."""
    query = select(Notice).where(Notice.person_id == person_id)
    if after is not None and after.read_at is None:
        query = query.where(or_(col(Notice.read_at).is_not(None), col(Notice.id) < after.id))
    elif after is not None:
        query = query.where(col(Notice.read_at).is_not(None), col(Notice.id) < after.id)
    return list(
        session.exec(query.order_by(col(Notice.read_at).is_not(None), col(Notice.id).desc()).limit(PAGE + 1))
    )


def notice_of(session: Session, notice_id: int, person_id: int) -> Notice | None:
    return session.exec(select(Notice).where(Notice.id == notice_id, Notice.person_id == person_id)).first()


def choice_of(session: Session, person_id: int, kind: str) -> NoticeChoice:
    """The choice, or both ways open."""
    return session.get(NoticeChoice, (person_id, kind)) or NoticeChoice(person_id=person_id, kind=kind)


def choices_of(session: Session, person_id: int) -> dict[str, NoticeChoice]:
    rows = session.exec(select(NoticeChoice).where(NoticeChoice.person_id == person_id))
    return {row.kind: row for row in rows}


def owners_to_look_at(session: Session, now: datetime, limit: int = 50) -> list[int]:
    """Owners for a week or longer, of organisations in business, who are due for a tip."""
    return [
        i
        for i in session.exec(
            select(Person.id)
            .join(Employment, col(Employment.person_id) == col(Person.id))
            .join(EmploymentRole, col(EmploymentRole.employment_id) == col(Employment.id))
            .join(Organisation, col(Organisation.id) == col(Employment.organisation_id))
            .join(Tip, col(Tip.person_id) == col(Person.id), isouter=True)
            .where(
                Employment.status == EmploymentStatus.CONFIRMED,
                EmploymentRole.role == Role.OWNER,
                col(EmploymentRole.until).is_(None),
                col(Employment.confirmed_at) < now - TIP_EVERY,
                col(Person.confirmed_at).is_not(None),
                col(Organisation.trust).not_in([Trust.SUSPENDED, Trust.CLOSED]),
                or_(col(Tip.looked_at).is_(None), col(Tip.looked_at) <= now - LOOK_EVERY),
                or_(col(Tip.sent_at).is_(None), col(Tip.sent_at) <= now - TIP_EVERY),
            )
            .order_by(col(Person.id))
            .limit(limit)
        )
        if i is not None
    ]


def owner_as_viewer(session: Session, person_id: int, now: datetime) -> Viewer | None:
    """The person as the home page would see them, without a session."""
    row = session.exec(
        select(Person, Employment, Organisation)
        .join(Employment, col(Employment.person_id) == col(Person.id))
        .join(Organisation, col(Organisation.id) == col(Employment.organisation_id))
        .where(Person.id == person_id, Employment.status == EmploymentStatus.CONFIRMED)
    ).first()
    if row is None:
        return None
    person, employment, organisation = row
    acting = Acting(
        organisation.id or 0,
        organisation.kind,
        organisation.short_name,
        organisation.trust,
        organisation.stars,
        frozenset(str(held.role) for held in roles_of(session, employment.id or 0, now)),
        employment.id or 0,
    )
    return Viewer(
        person_id,
        0,
        person.name,
        person.email,
        person.confirmed_at is not None,
        programme_at(session, now),
        acting,
    )


def any_to_forget(session: Session, now: datetime) -> bool:
    old = select(Notice.id).where(col(Notice.read_at).is_not(None), Notice.at < now - KEPT_FOR)
    return session.exec(old.limit(1)).first() is not None
