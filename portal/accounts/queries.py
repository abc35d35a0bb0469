"""Who people are."""

from datetime import datetime

from sqlmodel import Session, col, func, select

from portal.accounts.models import LoginSession, MailedToken, Person, StaffAppointment
from portal.accounts.rules import TokenKind
from portal.notices.models import Notice
from portal.organisations.models import Employment, EmploymentRole, Organisation
from portal.organisations.queries import in_force
from portal.organisations.rules import EmploymentStatus
from portal.programme.queries import programme_at
from portal.web.viewer import Acting, Viewer


def person_by_email(session: Session, email: str) -> Person | None:
    return session.exec(select(Person).where(Person.email == email.lower())).first()


def viewer_of_session(session: Session, token_hash: str, now: datetime) -> Viewer | None:
    """The viewer behind a session token: one query for the person, one for the programme in force."""
    unread = select(func.count()).where(Notice.person_id == Person.id, col(Notice.read_at).is_(None))
    rows = session.exec(
        select(
            LoginSession.id,
            Person,
            Employment.id,
            Organisation,
            EmploymentRole.role,
            StaffAppointment.role,
            unread.scalar_subquery(),
        )  # type: ignore[call-overload]
        .join(Person, col(LoginSession.person_id) == col(Person.id))
        .join(
            Employment,
            (col(Employment.person_id) == col(Person.id)) & (Employment.status == EmploymentStatus.CONFIRMED),
            isouter=True,
        )
        .join(Organisation, col(Employment.organisation_id) == col(Organisation.id), isouter=True)
        .join(
            EmploymentRole,
            (col(EmploymentRole.employment_id) == col(Employment.id)) & in_force(EmploymentRole, now),
            isouter=True,
        )
        .join(
            StaffAppointment,
            (col(StaffAppointment.person_id) == col(Person.id)) & in_force(StaffAppointment, now),
            isouter=True,
        )
        .where(LoginSession.token_hash == token_hash, LoginSession.expires_at > now)
    ).all()
    if not rows:
        return None
    session_id, person, employment_id, organisation, _, _, count = rows[0]
    acting = organisation and Acting(
        organisation.id,
        organisation.kind,
        organisation.short_name,
        organisation.trust,
        organisation.stars,
        frozenset(str(row[4]) for row in rows if row[4]),
        employment_id,
    )
    return Viewer(
        person.id,
        session_id,
        person.name,
        person.email,
        person.confirmed_at is not None,
        programme_at(session, now),
        acting,
        frozenset(str(row[5]) for row in rows if row[5]),
        count,
    )


def usable_token(session: Session, token_hash: str, kind: TokenKind, now: datetime) -> MailedToken | None:
    return session.exec(
        select(MailedToken)
        .where(
            MailedToken.token_hash == token_hash,
            MailedToken.kind == kind,
            col(MailedToken.used_at).is_(None),
            MailedToken.expires_at > now,
        )
        .with_for_update()
    ).first()


def has_demo_people(session: Session) -> bool:
    return session.exec(select(Person.id).where(col(Person.is_demo)).limit(1)).first() is not None
