"""Grants with their account, bookings that wait, organisations whose benefits are out of date."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, or_, select

from certification.benefits.models import BenefitGrant, BenefitUse
from certification.benefits.rules import Entry
from certification.standing.models import Level
from certification.standing.rules import LevelStatus
from portal.accounts.models import Person
from portal.organisations.models import Employment, Organisation
from portal.organisations.rules import Kind, Trust


def open_grants(session: Session, organisation_id: int, *, lock: bool = False) -> list[BenefitGrant]:
    query = (
        select(BenefitGrant)
        .where(BenefitGrant.organisation_id == organisation_id, col(BenefitGrant.closed_at).is_(None))
        .order_by(col(BenefitGrant.id))
    )
    return list(session.exec(query.with_for_update() if lock else query))


def grant_of(session: Session, organisation_id: int, grant_id: int) -> BenefitGrant | None:
    """Locked: bookings wait for each other."""
    return session.exec(
        select(BenefitGrant)
        .where(BenefitGrant.id == grant_id, BenefitGrant.organisation_id == organisation_id)
        .with_for_update()
    ).first()


def grant_in(session: Session, organisation_id: int, key: str, period: str) -> BenefitGrant | None:
    return session.exec(
        select(BenefitGrant)
        .where(
            BenefitGrant.organisation_id == organisation_id,
            BenefitGrant.key == key,
            BenefitGrant.period == period,
        )
        .with_for_update()
    ).first()


def suspended_above(session: Session, organisation_id: int, stars: int) -> bool:
    """Whether a level of more stars is suspended: its benefits wait for what comes of it."""
    return (
        session.exec(
            select(Level.id)
            .where(
                Level.organisation_id == organisation_id,
                Level.status == LevelStatus.SUSPENDED,
                Level.stars > stars,
            )
            .limit(1)
        ).first()
        is not None
    )


@dataclass(frozen=True)
class Booking:
    """A booking with where it stands."""

    use: BenefitUse
    grant: BenefitGrant
    status: Entry
    reason: str  # of the last step
    settled_at: datetime | None
    organisation: str = ""
    person: str = ""

    @property
    def late(self) -> bool:
        """Taken out of a period that is over."""
        return self.grant.closed_at is not None


def booking_of(
    session: Session, booking_id: int, *, organisation_id: int | None = None, not_of: int | None = None
) -> Booking | None:
    """With its grant locked. `organisation_id`: theirs alone; `not_of`: nobody's with whom this person works or worked."""
    query = (
        select(BenefitUse, BenefitGrant)
        .join(BenefitGrant, col(BenefitUse.grant_id) == col(BenefitGrant.id))
        .where(BenefitUse.id == booking_id, BenefitUse.entry == Entry.BOOKED)
        .with_for_update(of=BenefitGrant)
    )
    if organisation_id is not None:
        query = query.where(BenefitGrant.organisation_id == organisation_id)
    if not_of is not None:
        query = query.where(col(BenefitGrant.organisation_id).not_in(_worked_for(not_of)))
    found = session.exec(query).first()
    if found is None:
        return None
    use, grant = found
    last = session.exec(
        select(BenefitUse)
        .where(BenefitUse.booking_id == booking_id)
        .order_by(col(BenefitUse.id).desc())
        .limit(1)
    ).first()
    return (
        Booking(use, grant, last.entry, last.reason, last.at)
        if last
        else Booking(use, grant, use.entry, "", None)
    )


def _worked_for(person_id: int):  # type: ignore[no-untyped-def]
    return select(Employment.organisation_id).where(Employment.person_id == person_id)


def bookings_of(session: Session, organisation_id: int, limit: int = 60) -> list[Booking]:
    """Those of an organisation, newest first."""
    rows = session.exec(
        select(BenefitUse, BenefitGrant, Person.name)
        .join(BenefitGrant, col(BenefitUse.grant_id) == col(BenefitGrant.id))
        .join(Person, col(BenefitUse.by) == col(Person.id), isouter=True)
        .where(BenefitGrant.organisation_id == organisation_id, BenefitUse.entry == Entry.BOOKED)
        .order_by(col(BenefitUse.id).desc())
        .limit(limit)
    ).all()
    steps = _last_steps(session, [use.id or 0 for use, *_ in rows])
    found = []
    for use, grant, person in rows:
        last = steps.get(use.id or 0)
        found.append(
            Booking(
                use,
                grant,
                last.entry if last else Entry.BOOKED,
                last.reason if last else "",
                last.at if last else None,
                person=person or "",
            )
        )
    return found


def _last_steps(session: Session, bookings: Sequence[int]) -> dict[int, BenefitUse]:
    rows = session.exec(
        select(BenefitUse).where(col(BenefitUse.booking_id).in_(bookings)).order_by(col(BenefitUse.id))
    )
    return {row.booking_id or 0: row for row in rows}


def waiting(session: Session, viewer_id: int, limit: int = 100) -> list[Booking]:
    """Bookings that staff have not answered, oldest first; none of organisations that they work or worked for."""
    later = aliased(BenefitUse)
    rows = session.exec(
        select(BenefitUse, BenefitGrant, Organisation.short_name, Person.name)
        .join(BenefitGrant, col(BenefitUse.grant_id) == col(BenefitGrant.id))
        .join(Organisation, col(BenefitGrant.organisation_id) == col(Organisation.id))
        .join(Person, col(BenefitUse.by) == col(Person.id), isouter=True)
        .join(later, col(later.booking_id) == col(BenefitUse.id), isouter=True)
        .where(
            BenefitUse.entry == Entry.BOOKED,
            col(later.id).is_(None),
            col(BenefitGrant.organisation_id).not_in(_worked_for(viewer_id)),
        )
        .order_by(col(BenefitUse.id))
        .limit(limit)
    )
    return [
        Booking(use, grant, Entry.BOOKED, "", None, organisation, person or "")
        for use, grant, organisation, person in rows
    ]


def open_bookings(session: Session, organisation_id: int) -> list[tuple[BenefitUse, BenefitGrant]]:
    later = aliased(BenefitUse)
    rows = session.exec(
        select(BenefitUse, BenefitGrant)
        .join(BenefitGrant, col(BenefitUse.grant_id) == col(BenefitGrant.id))
        .join(later, col(later.booking_id) == col(BenefitUse.id), isouter=True)
        .where(
            BenefitUse.entry == Entry.BOOKED,
            col(later.id).is_(None),
            BenefitGrant.organisation_id == organisation_id,
        )
        .order_by(col(BenefitUse.id))
    )
    return [(use, grant) for use, grant in rows]


def sums(session: Session, grant_ids: Sequence[int]) -> dict[int, dict[Entry, int]]:
    """Grant → entry → quantity in all."""
    found: dict[int, dict[Entry, int]] = defaultdict(lambda: defaultdict(int))
    for grant, entry, quantity in session.exec(
        select(BenefitUse.grant_id, BenefitUse.entry, func.sum(BenefitUse.quantity))
        .where(col(BenefitUse.grant_id).in_(grant_ids))
        .group_by(col(BenefitUse.grant_id), col(BenefitUse.entry))
    ):
        found[grant][Entry(entry)] = int(quantity)
    return found


def account(session: Session, organisation_id: int, grant_id: int) -> list[BenefitUse]:
    """Every line of a grant, oldest first."""
    return list(
        session.exec(
            select(BenefitUse)
            .join(BenefitGrant, col(BenefitUse.grant_id) == col(BenefitGrant.id))
            .where(BenefitGrant.organisation_id == organisation_id, BenefitGrant.id == grant_id)
            .order_by(col(BenefitUse.id))
        )
    )


def uses_of(session: Session, organisation_id: int) -> list[BenefitUse]:
    return list(
        session.exec(
            select(BenefitUse)
            .join(BenefitGrant, col(BenefitUse.grant_id) == col(BenefitGrant.id))
            .where(BenefitGrant.organisation_id == organisation_id)
            .order_by(col(BenefitUse.id))
        )
    )


def ending(session: Session, organisation_id: int, before: datetime, now: datetime) -> list[BenefitGrant]:
    """Grants with something left whose period ends before then."""
    return list(
        session.exec(
            select(BenefitGrant)
            .where(
                BenefitGrant.organisation_id == organisation_id,
                col(BenefitGrant.closed_at).is_(None),
                col(BenefitGrant.frozen_at).is_(None),
                col(BenefitGrant.ends_at) > now,
                col(BenefitGrant.ends_at) <= before,
                col(BenefitGrant.amount) > col(BenefitGrant.taken),
            )
            .order_by(col(BenefitGrant.ends_at), col(BenefitGrant.id))
        )
    )


def out_of_date(session: Session, version: str, now: datetime) -> list[int]:
    """Providers whose benefits are not those of their stars and the rules in force, or whose period is over."""
    mine = (
        select(  # type: ignore[call-overload]
            BenefitGrant.organisation_id,
            func.min(BenefitGrant.stars).label("least"),
            func.max(BenefitGrant.stars).label("most"),
            func.min(BenefitGrant.version).label("oldest"),
            func.max(BenefitGrant.version).label("newest"),
            func.min(BenefitGrant.ends_at).label("ends"),
            func.count(col(BenefitGrant.frozen_at)).label("frozen"),
        )
        .where(col(BenefitGrant.closed_at).is_(None))
        .group_by(col(BenefitGrant.organisation_id))
        .subquery()
    )
    trust = col(Organisation.trust)
    verified, suspended = trust == Trust.VERIFIED, trust == Trust.SUSPENDED
    other = or_(
        mine.c.least != Organisation.stars,
        mine.c.most != Organisation.stars,
        mine.c.oldest != version,
        mine.c.newest != version,
    )
    return [
        i or 0
        for i in session.exec(
            select(Organisation.id)
            .join(mine, mine.c.organisation_id == col(Organisation.id), isouter=True)
            .where(
                Organisation.kind == Kind.PROVIDER,
                or_(
                    verified & mine.c.organisation_id.is_(None) & (col(Organisation.stars) > 0),
                    verified & other,
                    verified & (mine.c.frozen > 0),
                    suspended & (mine.c.frozen == 0),
                    mine.c.ends <= now,
                    ~verified & ~suspended & (mine.c.most > 0),
                ),
            )
            .order_by(col(Organisation.id))
        )
    ]
