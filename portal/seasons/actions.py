"""Announce seasons, move their phases, open a form for one organisation, refuse what is closed."""

from collections.abc import Iterable
from datetime import date, datetime

from sqlmodel import Session

from portal import clock
from portal.history.actions import record
from portal.programme.queries import programme_at
from portal.refusal import NotFound, Refused, mark
from portal.seasons import queries
from portal.seasons.models import Season, SeasonException
from portal.seasons.rules import LATE, SUBJECT, Gate, Phase, dated, start_of, stored, why_not_move, year_of

CHANGED = mark("Somebody else has moved a phase since you opened this page. Nothing was saved.")


def announce(session: Session, year: int, phases: Iterable[Phase], *, now: datetime) -> Season:
    """A season with its days. They hold for it, whatever a newer programme says; staff move them one by one."""
    season = queries.season_of(session, year)
    if season is None:
        season = Season(code=f"S{year}", year=year, starts_at=now, ends_at=now)
    else:
        season.revision += 1
    _keep(season, list(phases))
    session.add(season)
    session.flush()
    record(session, "season announced", SUBJECT, season.id, by=None, now=now, after={"phases": season.phases})
    return season


def _keep(season: Season, phases: list[Phase]) -> None:
    season.phases = stored(phases)
    season.starts_at = min(p.starts_at for p in phases)
    season.ends_at = max(p.ends_at for p in phases)


def ensure_season(session: Session, *, now: datetime) -> Season:
    """The season of now; announced from the programme when it is not yet there."""
    config = programme_at(session, now).season["phases"]
    year, row = year_of(config, clock.today(now)), queries.season_at(session, now)
    if row is not None and (row.year >= year or row.ends_at > now):
        return row
    return announce(session, year, dated(config, year), now=now)


def move_phase(
    session: Session,
    season_id: int,
    key: str,
    first: date,
    last: date,
    *,
    reason: str,
    revision: int,
    by: int,
    now: datetime,
) -> None:
    """For this season alone. Raises Refused (422, the field among its values) where the days can't be."""
    season = queries.season_locked(session, season_id)
    phases = season.dated if season else []
    old = next((p for p in phases if p.key == key), None)
    if season is None or old is None:
        raise NotFound
    if season.revision != revision:
        raise Refused(CHANGED)
    for field, sentence in why_not_move(old, first, last, clock.today(now)).items():
        raise Refused(sentence, status=422, field=field)
    new = Phase(key, old.name, first, last)
    _keep(season, [new if p is old else p for p in phases])
    season.revision += 1
    record(
        session,
        "phase of the season moved",
        SUBJECT,
        season.id,
        by=by,
        now=now,
        reason=reason,
        before={"phase": key, "from": old.first.isoformat(), "to": old.last.isoformat()},
        after={"phase": key, "from": first.isoformat(), "to": last.isoformat()},
    )


def let_in(
    session: Session,
    season_id: int,
    organisation_id: int,
    form: str,
    last: date,
    *,
    reason: str,
    by: int,
    now: datetime,
) -> SeasonException:
    """Open a form for one organisation until the end of a day; counted in public. The same again is one."""
    season = queries.season_locked(session, season_id)
    if season is None or form not in LATE:
        raise NotFound
    until = start_of(date.fromordinal(last.toordinal() + 1))
    if until <= now:
        raise Refused(mark("The last day lies in the past."), status=422, field="last")
    if queries.gate(session, form, now).open:
        raise Refused(mark("The form is open for everybody now."), status=422, field="form")
    present = queries.exception_until(session, season_id, organisation_id, form, now)
    if present is not None and present >= until:
        raise Refused(mark("It is open for them until that day or longer already."), status=422, field="last")
    row = SeasonException(
        season_id=season_id,
        organisation_id=organisation_id,
        form=form,
        until=until,
        reason=reason,
        given_at=now,
        given_by=by,
    )
    session.add(row)
    session.flush()
    record(
        session,
        "form opened after its phase",
        SUBJECT,
        season_id,
        by=by,
        now=now,
        organisation_id=organisation_id,
        reason=reason,
        after={"form": form, "until": until.isoformat()},
    )
    return row


def require_open(session: Session, form: str, *, now: datetime, organisation_id: int | None = None) -> Gate:
    """Refused with the day on which it opens again."""
    found = queries.gate(session, form, now, organisation_id=organisation_id)
    if not found.open:
        raise found.closed
    return found
