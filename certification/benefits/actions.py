"""Grant what the stars bring, and keep its account: book, use, cancel, defer, expire. Grants are locked throughout."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlmodel import Session

from certification.benefits import queries
from certification.benefits.models import BenefitGrant, BenefitUse
from certification.benefits.rules import (
    ALTERS,
    FREES,
    MOVES,
    Entry,
    brought,
    kept,
    measure_of,
    period_of,
)
from portal.accounts.models import Person
from portal.clock import CHINA, today
from portal.history.actions import record
from portal.mail.actions import send_mail
from portal.organisations.models import Organisation
from portal.organisations.rules import Kind, Trust
from portal.programme.queries import programme_at
from portal.programme.rules import Programme
from portal.refusal import Refused, checked_move, mark
from portal.rights.rules import require

LEFT = mark("the organisation left the programme")


def benefits_by_key(programme: Programme) -> dict[str, Mapping[str, Any]]:
    return {benefit["key"]: benefit for benefit in programme["benefits"]}


def deferral_days(programme: Programme, stars: int) -> int:
    """For how many days after its end an unused remainder can be kept; 0 where the stars bring none."""
    benefit = benefits_by_key(programme).get("deferred_use")
    return int(brought(benefit, stars)[1] or 0) if benefit else 0


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), CHINA)


# ——— Following the stars ———


def follow_stars(session: Session, organisation_id: int, now: datetime) -> None:
    """In the transaction that changes stars or trust: more is there at once, less leaves what is taken, frozen stays frozen."""
    session.flush()
    organisation = session.get_one(Organisation, organisation_id, with_for_update=True)
    if organisation.kind is not Kind.PROVIDER:
        return
    grants = queries.open_grants(session, organisation_id, lock=True)
    before = _shown(grants)
    for grant in [g for g in grants if g.ends_at is not None and g.ends_at <= now]:
        _close(session, grant, now)
        grants.remove(grant)
    if organisation.trust is Trust.SUSPENDED or queries.suspended_above(
        session, organisation_id, organisation.stars
    ):
        thawed = [g for g in grants if g.frozen_at is None]
        for grant in thawed:
            grant.frozen_at = now
        if thawed:
            _noted(session, mark("benefits frozen"), organisation_id, before, {}, now)
        session.flush()
        return
    frozen = [g for g in grants if g.frozen_at is not None]
    for grant in frozen:
        grant.frozen_at = None
    if frozen:
        _noted(session, mark("benefits thawed"), organisation_id, {}, _shown(grants), now)
    if organisation.trust is Trust.CLOSED:
        for use, grant in queries.open_bookings(session, organisation_id):
            _settle(session, grant, use, "cancel", Entry.BOOKED, LEFT, by=None, now=now)
    _grant(session, organisation, grants, programme_at(session, now), now)
    session.flush()
    after = _shown(queries.open_grants(session, organisation_id))
    if before != after:
        _noted(session, mark("benefits follow the stars"), organisation_id, before, after, now)


def _grant(
    session: Session,
    organisation: Organisation,
    grants: list[BenefitGrant],
    programme: Programme,
    now: datetime,
) -> None:
    stars = organisation.stars if organisation.trust is Trust.VERIFIED else 0
    season = programme["season"]["phases"][0]["from"]
    known = {(g.key, g.period): g for g in grants}
    version = str(programme["version"])
    for key, benefit in benefits_by_key(programme).items():
        entitled, value = brought(benefit, stars)
        period = period_of(measure_of(benefit["unit"]), today(now), season)
        grant = known.pop((key, period.name), None)
        if grant is None and not entitled and not value:
            continue
        if grant is None:
            grant = BenefitGrant(
                organisation_id=organisation.id or 0,
                key=key,
                period=period.name,
                stars=stars,
                version=version,
                starts_at=now,
                ends_at=_midnight(period.ends) if period.ends else None,
            )
            session.add(grant)
            session.flush()
        grant.value, grant.stars, grant.version = value, stars, version
        _entitle(session, grant, entitled, now)
    for (_, period_name), grant in known.items():  # what the rules no longer count so, and what was deferred
        grant.stars, grant.version = stars, version
        if not period_name.endswith("+") or organisation.trust is Trust.CLOSED:
            grant.value = ""
            _entitle(session, grant, 0, now)


def _entitle(session: Session, grant: BenefitGrant, entitled: int, now: datetime) -> None:
    grant.entitled = entitled
    amount = kept(entitled, grant.taken)
    change, first = amount - grant.amount, grant.amount == 0 and grant.taken == 0
    if change:
        entry = Entry.SHRUNK if change < 0 else Entry.GRANTED if first else Entry.RAISED
        _enter(session, grant, entry, abs(change), change, now=now)


def _enter(
    session: Session,
    grant: BenefitGrant,
    entry: Entry,
    quantity: int,
    change: int,
    *,
    now: datetime,
    by: int | None = None,
    booking: int | None = None,
    what: str = "",
    wanted_on: date | None = None,
    reason: str = "",
) -> BenefitUse:
    """A line of the account, and what it leaves."""
    if entry in ALTERS:
        grant.amount += change
    else:
        grant.taken -= change
    line = BenefitUse(
        grant_id=grant.id or 0,
        booking_id=booking,
        entry=entry,
        quantity=quantity,
        change=change,
        what=what,
        wanted_on=wanted_on,
        reason=reason,
        at=now,
        by=by,
    )
    session.add(line)
    session.flush()
    return line


def _close(session: Session, grant: BenefitGrant, now: datetime) -> None:
    """The period is over: what is left expires; what is booked may still be confirmed."""
    grant.closed_at = now
    if grant.left:
        left = grant.left
        _enter(session, grant, Entry.EXPIRED, left, -left, now=now)
        _noted(session, mark("benefit expired"), grant.organisation_id, {}, {grant.key: left}, now)


def _shown(grants: list[BenefitGrant]) -> dict[str, int | str]:
    return {f"{g.key} {g.period}".strip(): g.value or g.amount for g in grants if g.value or g.amount}


def _noted(
    session: Session,
    verb: str,
    organisation_id: int,
    before: dict[str, Any],
    after: dict[str, Any],
    now: datetime,
) -> None:
    record(
        session,
        verb,
        "benefits",
        organisation_id,
        by=None,
        now=now,
        organisation_id=organisation_id,
        before=before,
        after=after,
    )


# ——— Booking ———


def book(
    session: Session,
    organisation: Organisation,
    grant: BenefitGrant,
    quantity: int,
    what: str,
    wanted_on: date | None,
    *,
    by: int,
    now: datetime,
) -> BenefitUse:
    """So much of what is left, which nobody else can take from now on. The grant is locked."""
    programme = programme_at(session, now)
    require(programme, organisation, "benefits")
    _usable(grant, now)
    _enough(grant, quantity)
    booking = _enter(
        session,
        grant,
        Entry.BOOKED,
        quantity,
        -quantity,
        what=what,
        wanted_on=wanted_on,
        by=by,
        now=now,
    )
    _note_use(session, mark("benefit booked"), grant, booking, by=by, now=now)
    return booking


def _usable(grant: BenefitGrant, now: datetime) -> None:
    if grant.frozen_at is not None:
        raise Refused(mark("The benefits are frozen while a suspension runs; what is booked stays booked."))
    if grant.closed_at is not None or (grant.ends_at is not None and grant.ends_at <= now):
        raise Refused(mark("This period is over; what was left of it has expired."))


def _enough(grant: BenefitGrant, quantity: int) -> None:
    if quantity < 1 or quantity > grant.left:
        raise Refused(mark("Only %(left)s are left."), status=422, left=grant.left)


def _note_use(
    session: Session, verb: str, grant: BenefitGrant, line: BenefitUse, *, by: int | None, now: datetime
) -> None:
    record(
        session,
        verb,
        "benefits",
        grant.organisation_id,
        by=by,
        now=now,
        organisation_id=grant.organisation_id,
        after={
            "key": grant.key,
            "quantity": line.quantity,
            "left": grant.left,
            "booking": line.booking_id or line.id,
        },
        reason=line.reason,
    )


VERBS = {
    "use": mark("benefit used"),
    "cancel": mark("booking cancelled"),
    "decline": mark("booking declined"),
    "return": mark("benefit given back"),
}


def settle(
    session: Session, booking: queries.Booking, move: str, reason: str, *, by: int, now: datetime
) -> None:
    """`use` and `decline` by staff, `cancel` and `return` by the organisation; what is freed can be booked again."""
    grant = booking.grant
    if move == "return" and grant.ends_at is not None:
        raise Refused(mark("What was used in a period is used."))
    _settle(session, grant, booking.use, move, booking.status, reason, by=by, now=now)
    if move in ("use", "decline") and booking.use.by is not None:
        person = session.get_one(Person, booking.use.by)
        programme = programme_at(session, now)
        send_mail(
            session,
            "benefits/answered",
            to=person,
            now=now,
            name=person.name,
            benefit=benefits_by_key(programme).get(grant.key, {"zh": grant.key, "en": grant.key}),
            quantity=booking.use.quantity,
            what=booking.use.what,
            used=move == "use",
            reason=reason,
            path="/my/benefits",
        )


def _settle(
    session: Session,
    grant: BenefitGrant,
    use: BenefitUse,
    move: str,
    status: Entry,
    reason: str,
    *,
    by: int | None,
    now: datetime,
) -> None:
    entry = Entry(checked_move(MOVES, status, move))  # type: ignore[arg-type]
    line = _enter(
        session,
        grant,
        entry,
        use.quantity,
        use.quantity if entry in FREES else 0,
        booking=use.id,
        reason=reason,
        by=by,
        now=now,
    )
    if entry in FREES:  # only as far as the stars of today bring it
        _entitle(session, grant, grant.entitled, now)
        if grant.closed_at is not None and grant.left:
            _enter(session, grant, Entry.EXPIRED, grant.left, -grant.left, now=now)
    _note_use(session, VERBS[move], grant, line, by=by, now=now)


def defer(
    session: Session,
    organisation: Organisation,
    grant: BenefitGrant,
    quantity: int,
    *,
    by: int,
    now: datetime,
) -> BenefitGrant:
    """Lock so much of a period's remainder, to be used until the programme's days after its end. The grant is locked."""
    programme = programme_at(session, now)
    require(programme, organisation, "benefits")
    _usable(grant, now)
    days = deferral_days(programme, organisation.stars)
    if not days:
        raise Refused(mark("Your stars do not bring the deferred use of benefits."))
    if grant.ends_at is None or grant.deferred_from_id is not None:
        raise Refused(mark("Only what a year or a season brings can be deferred, and once."))
    _enough(grant, quantity)
    kept_until, period = grant.ends_at + timedelta(days=days), f"{grant.period}+"
    later = queries.grant_in(session, grant.organisation_id, grant.key, period)
    if later is None:
        later = BenefitGrant(
            organisation_id=grant.organisation_id,
            key=grant.key,
            period=period,
            stars=grant.stars,
            version=grant.version,
            starts_at=now,
            deferred_from_id=grant.id,
        )
        session.add(later)
    later.ends_at = kept_until
    session.flush()
    line = _enter(session, grant, Entry.DEFERRED, quantity, -quantity, by=by, now=now)
    _entitle(session, later, later.entitled + quantity, now)
    _note_use(session, mark("benefit deferred"), grant, line, by=by, now=now)
    return later
