"""Who people are."""

from datetime import datetime

from sqlmodel import Session, col, func, or_, select

from portal.accounts.models import (
    Ceremony,
    LoginSession,
    MailedToken,
    Person,
    ResetRequest,
    StaffAppointment,
)
from portal.accounts.rules import CeremonyKind, TokenKind
from portal.notices.models import Notice
from portal.organisations.models import Employment, EmploymentRole, Organisation
from portal.organisations.queries import in_force
from portal.organisations.rules import EmploymentStatus
from portal.programme.queries import programme_at
from portal.web.viewer import Acting, Viewer


def person_by_email(session: Session, email: str) -> Person | None:
    return session.exec(select(Person).where(Person.email == email.lower())).first()


def person_by_uuid(session: Session, uuid: str) -> Person | None:
    return session.exec(select(Person).where(Person.uuid == uuid)).first()


def viewer_of_session(session: Session, token_hash: str, now: datetime) -> Viewer | None:
    """The viewer behind a session token: one query for the person, one for the programme in force.

    A session that waits for its second factor has none.
    """
    unread = select(func.count()).where(Notice.person_id == Person.id, col(Notice.read_at).is_(None))
    rows = session.exec(
        select(
            LoginSession,
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
        .where(LoginSession.token_hash == token_hash, LoginSession.expires_at > now, ~col(LoginSession.waits))
    ).all()
    if not rows:
        return None
    login, person, employment_id, organisation, _, _, count = rows[0]
    acting = organisation and Acting(
        organisation.id,
        organisation.kind,
        organisation.short_name,
        organisation.trust,
        organisation.stars,
        frozenset(str(row[4]) for row in rows if row[4]),
        employment_id,
    )
    roles = frozenset(str(row[5]) for row in rows if row[5])
    second = login.second_factor_at is not None
    return Viewer(
        person.id,
        login.id,
        person.name,
        person.email,
        person.confirmed_at is not None,
        programme_at(session, now),
        acting,
        roles if second else frozenset(),
        count,
        second_factor=second,
        owes_second_factor=bool(roles) and not second,
        since=login.created_at,
        seen_at=login.last_seen_at,
        time_zone=person.time_zone,
    )


def waiting_login(session: Session, token_hash: str, now: datetime) -> tuple[LoginSession, Person] | None:
    """A sign-in that waits for its second factor, locked."""
    return session.exec(
        select(LoginSession, Person)
        .join(Person, col(LoginSession.person_id) == col(Person.id))
        .where(LoginSession.token_hash == token_hash, LoginSession.expires_at > now, col(LoginSession.waits))
        .with_for_update(of=LoginSession)
    ).first()


def logins_of(session: Session, person_id: int, now: datetime) -> list[LoginSession]:
    """The open sessions of a person, the one seen last first."""
    return list(
        session.exec(
            select(LoginSession)
            .where(
                LoginSession.person_id == person_id, LoginSession.expires_at > now, ~col(LoginSession.waits)
            )
            .order_by(col(LoginSession.last_seen_at).desc(), col(LoginSession.id).desc())
        )
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


def usable_ceremony(
    session: Session, token_hash: str, kind: CeremonyKind, now: datetime, *, person_id: int | None = None
) -> Ceremony | None:
    """What this browser has begun, locked; with `person_id` only if that person began it."""
    return session.exec(
        select(Ceremony)
        .where(
            Ceremony.token_hash == token_hash,
            Ceremony.kind == kind,
            col(Ceremony.used_at).is_(None),
            Ceremony.expires_at > now,
            or_(Ceremony.person_id == person_id, col(Ceremony.person_id).is_(None) & (person_id is None)),
        )
        .with_for_update()
    ).first()


def resets_asked(session: Session) -> list[int]:
    """Ids of requests for a new password that nobody has looked at."""
    return [
        i
        for i in session.exec(
            select(ResetRequest.id)
            .where(col(ResetRequest.done_at).is_(None))
            .order_by(col(ResetRequest.id))
            .limit(200)
        )
        if i is not None
    ]


def reset_asked(session: Session, request_id: int) -> ResetRequest | None:
    """The request, locked, unless it is done or somebody does it."""
    return session.exec(
        select(ResetRequest)
        .where(ResetRequest.id == request_id, col(ResetRequest.done_at).is_(None))
        .with_for_update(skip_locked=True)
    ).first()


def has_demo_people(session: Session) -> bool:
    return session.exec(select(Person.id).where(col(Person.is_demo)).limit(1)).first() is not None
