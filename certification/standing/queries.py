"""Levels and applications."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, or_, select

from certification.standing.models import Application, Level
from certification.standing.rules import PUBLIC, LevelStatus
from portal.ledger.models import Fact
from portal.ledger.rules import FactKind
from portal.notices.rules import reminder_due
from portal.organisations.models import Organisation
from portal.organisations.rules import Kind


def level_of(session: Session, organisation_id: int, family: str, *, lock: bool = False) -> Level | None:
    query = select(Level).where(Level.organisation_id == organisation_id, Level.family == family)
    return session.exec(query.with_for_update() if lock else query).first()


def levels_of(session: Session, organisation_id: int) -> list[Level]:
    return list(
        session.exec(select(Level).where(Level.organisation_id == organisation_id).order_by(Level.family))
    )


def application_of(session: Session, organisation_id: int, family: str) -> Application | None:
    """The latest one."""
    return session.exec(
        select(Application)
        .where(Application.organisation_id == organisation_id, Application.family == family)
        .order_by(col(Application.id).desc())
        .limit(1)
    ).first()


def levels_due(session: Session, now: datetime) -> list[tuple[int, str]]:
    """Levels in good standing that time alone may have changed since they were computed."""
    return [
        (o, f)
        for o, f in session.exec(
            select(Level.organisation_id, Level.family)
            .where(
                col(Level.status).in_(PUBLIC), or_(col(Level.look_at).is_(None), col(Level.look_at) <= now)
            )
            .order_by(col(Level.organisation_id))
        )
    ]


def levels_to_remind(session: Session, days: Sequence[int], now: datetime) -> list[int]:
    """Levels that would not be renewed as they stand, at whose end one of these days is due to be told."""
    rows = session.exec(
        select(Level.id, Level.valid_until, Level.reminded_d).where(
            col(Level.status).in_([LevelStatus.AT_RISK, LevelStatus.PROBATION]),
            Level.valid_until > now,
            Level.valid_until <= now + timedelta(days=max(days)),
        )
    )
    return [i or 0 for i, until, told in rows if reminder_due(until, told, days, now) is not None]


def stars_out_of_date(session: Session, now: datetime) -> list[int]:
    """Providers without a public level whose automatic stars (see `rules.automatic_stars`) are not what is noted."""
    certificate = aliased(Fact)
    true_now = (
        col(Fact.retracted_at).is_(None),
        Fact.true_from <= now,
        or_(col(Fact.true_until).is_(None), col(Fact.true_until) > now),
    )
    verified = set(
        session.exec(
            select(Fact.organisation_id).where(Fact.kind == FactKind.ORGANISATION_VERIFIED, *true_now)
        )
    )
    certified = set(
        session.exec(
            select(Fact.organisation_id)
            .join(certificate, col(certificate.person_id) == col(Fact.person_id))
            .where(
                Fact.kind == FactKind.EMPLOYMENT,
                *true_now,
                certificate.kind == FactKind.CERTIFICATE,
                col(certificate.retracted_at).is_(None),
                certificate.true_from <= now,
                or_(col(certificate.true_until).is_(None), col(certificate.true_until) > now),
            )
            .distinct()
        )
    )
    public = select(Level.organisation_id).where(col(Level.status).in_(PUBLIC))
    noted = session.exec(
        select(Organisation.id, Organisation.stars).where(
            Organisation.kind == Kind.PROVIDER, col(Organisation.id).not_in(public)
        )
    )
    return [
        i
        for i, stars in noted
        if i is not None and stars != (i in verified) + (i in verified and i in certified)
    ]


@dataclass(frozen=True)
class Row:
    id: int
    slug: str
    name: str
    kind: str
    trust: str
    city: str
    created_at: datetime
    stars: int | None
    status: str | None


def organisations(session: Session, q: str = "", *, after: int = 0, limit: int = 100) -> list[Row]:
    """Every organisation with its best level, for staff."""
    query = (
        select(
            Organisation.id,
            Organisation.slug,
            Organisation.short_name,
            Organisation.kind,
            Organisation.trust,
            Organisation.city,  # type: ignore[call-overload]
            Organisation.created_at,
            Level.stars,
            Level.status,
        )
        .join(Level, col(Level.organisation_id) == col(Organisation.id), isouter=True)
        .where(col(Organisation.id) > after)
    )
    if q:
        query = query.where(
            or_(
                col(Organisation.legal_name).contains(q, autoescape=True),
                col(Organisation.short_name).contains(q, autoescape=True),
                col(Organisation.credit_code) == q.upper(),
            )
        )
    return [Row(*row) for row in session.exec(query.order_by(Organisation.id, Level.family).limit(limit))]


def public_levels(session: Session, limit: int) -> list[tuple[Level, Organisation]]:
    """The latest changes of levels that strangers may read, good and bad news alike."""
    statuses = [*PUBLIC, LevelStatus.SUSPENDED, LevelStatus.REVOKED]
    return list(
        session.exec(
            select(Level, Organisation)
            .join(Organisation)
            .where(col(Level.status).in_(statuses), Organisation.kind == Kind.PROVIDER)
            .order_by(col(Level.status_since).desc())
            .limit(limit)
        )
    )


def best_level(session: Session) -> tuple[Level, Organisation] | None:
    """The highest level in good standing, for the public front."""
    return session.exec(
        select(Level, Organisation)
        .join(Organisation)
        .where(Level.status == LevelStatus.ACTIVE)
        .order_by(col(Level.stars).desc(), col(Level.score).desc())
        .limit(1)
    ).first()
