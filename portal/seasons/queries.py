"""The season of a day, its exceptions, and whether a form is open."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from portal import clock
from portal.organisations.models import Organisation
from portal.programme.queries import programme_at
from portal.programme.rules import Programme
from portal.seasons.models import Season, SeasonException
from portal.seasons.rules import LATE, Gate, Phase, dated, opens_next, year_of


def season_at(session: Session, at: datetime) -> Season | None:
    """The one that began last."""
    return session.exec(
        select(Season).where(Season.starts_at <= at).order_by(col(Season.starts_at).desc()).limit(1)
    ).first()


def season_of(session: Session, year: int) -> Season | None:
    return session.exec(select(Season).where(Season.year == year)).first()


def season_by_code(session: Session, code: str) -> Season | None:
    return session.exec(select(Season).where(Season.code == code)).first()


def season_locked(session: Session, season_id: int) -> Season | None:
    return session.exec(
        select(Season)
        .where(Season.id == season_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


def every_season(session: Session) -> list[Season]:
    return list(session.exec(select(Season).order_by(col(Season.starts_at).desc())))


@dataclass(frozen=True)
class Calendar:
    """The season of a day; where none is announced yet, as the programme will announce it."""

    row: Season | None
    year: int
    phases: list[Phase]


def calendar_at(session: Session, programme: Programme, at: datetime) -> Calendar:
    row = season_at(session, at)
    if row is not None:
        return Calendar(row, row.year, row.dated)
    year = year_of(programme.season["phases"], clock.today(at))
    return Calendar(None, year, dated(programme.season["phases"], year))


def gate(
    session: Session,
    form: str,
    now: datetime,
    *,
    organisation_id: int | None = None,
    calendar: Calendar | None = None,
) -> Gate:
    """A form that no phase is named for is always open."""
    programme = programme_at(session, now)
    key = programme.season["opens"].get(form)
    if key is None:
        return Gate(form, open=True)
    known = calendar or calendar_at(session, programme, now)
    day = clock.today(now)
    for phase in known.phases:
        if phase.key == key and phase.holds(day):
            return Gate(form, open=True, until=phase.ends_at)
    if known.row is not None and organisation_id is not None and form in LATE:
        until = exception_until(session, known.row.id or 0, organisation_id, form, now)
        if until is not None:
            return Gate(form, open=True, until=until, late=True)
    again = opens_next(known.phases, programme.season["phases"], known.year, key, day)
    return Gate(form, open=False, again=again)


def exception_until(
    session: Session, season_id: int, organisation_id: int, form: str, now: datetime
) -> datetime | None:
    return session.exec(
        select(func.max(SeasonException.until)).where(
            SeasonException.season_id == season_id,
            SeasonException.organisation_id == organisation_id,
            SeasonException.form == form,
            SeasonException.until > now,
        )
    ).one()


def exceptions_given(session: Session, season_id: int) -> int:
    return session.exec(
        select(func.count()).select_from(SeasonException).where(SeasonException.season_id == season_id)
    ).one()


def exceptions_of(session: Session, season_id: int) -> list[tuple[SeasonException, str]]:
    """With the organisation's name, newest first."""
    rows = session.exec(
        select(SeasonException, Organisation.short_name)
        .join(Organisation, col(SeasonException.organisation_id) == col(Organisation.id))
        .where(SeasonException.season_id == season_id)
        .order_by(col(SeasonException.id).desc())
    )
    return [(row, name) for row, name in rows]


def organisation_by_code(session: Session, typed: str) -> Organisation | None:
    """By credit code or by public number."""
    return session.exec(
        select(Organisation).where(
            (col(Organisation.credit_code) == typed.upper()) | (col(Organisation.slug) == typed.lower())
        )
    ).first()
