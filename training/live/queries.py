"""Live sessions, their seats and the line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, exists, func, select

from portal.accounts.models import Person
from portal.organisations.models import Employment, Organisation
from portal.organisations.rules import EmploymentStatus
from training.live.models import LiveSeat, LiveSession
from training.live.rules import TOLD_BEFORE, SeatStatus, Status

TAKEN = col(LiveSeat.status) == SeatStatus.SEATED
VISIBLE = (Status.OPEN, Status.HELD, Status.CANCELLED)  # to people who may come


@dataclass(frozen=True)
class Counted:
    """A session with how many have a seat, wait and came; `own`: the reader's place in it."""

    live: LiveSession
    seated: int
    waiting: int
    came: int
    own: LiveSeat | None = None

    @property
    def free(self) -> int:
        return max(0, self.live.capacity - self.seated)


def live_locked(session: Session, live_id: int) -> LiveSession | None:
    return session.exec(
        select(LiveSession)
        .where(LiveSession.id == live_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


def live_visible(session: Session, live_id: int) -> LiveSession | None:
    """Not one that is only planned."""
    return session.exec(
        select(LiveSession).where(LiveSession.id == live_id, col(LiveSession.status).in_(VISIBLE))
    ).first()


def _counted(session: Session, lives: Sequence[LiveSession], person_id: int | None = None) -> list[Counted]:
    ids = [one.id for one in lives]
    if not ids:
        return []
    numbers: dict[tuple[int, str], int] = {}
    came: dict[int, int] = {}
    for live_id, status, n, attended in session.exec(
        select(LiveSeat.session_id, LiveSeat.status, func.count(), func.count(col(LiveSeat.attended_at)))
        .where(col(LiveSeat.session_id).in_(ids))
        .group_by(col(LiveSeat.session_id), col(LiveSeat.status))
    ):
        numbers[live_id, status] = n
        came[live_id] = came.get(live_id, 0) + attended
    own = (
        {
            seat.session_id: seat
            for seat in session.exec(
                select(LiveSeat).where(col(LiveSeat.session_id).in_(ids), LiveSeat.person_id == person_id)
            )
        }
        if person_id
        else {}
    )
    return [
        Counted(
            one,
            numbers.get((one.id or 0, SeatStatus.SEATED), 0),
            numbers.get((one.id or 0, SeatStatus.WAITING), 0),
            came.get(one.id or 0, 0),
            own.get(one.id or 0),
        )
        for one in lives
    ]


def counted_of(session: Session, live: LiveSession, person_id: int | None = None) -> Counted:
    return _counted(session, [live], person_id)[0]


def coming(session: Session, person_id: int, now: datetime, limit: int = 50) -> list[Counted]:
    """Open sessions that have not ended, and cancelled ones of which the person held a place; the nearest first."""
    mine = exists().where(
        col(LiveSeat.session_id) == col(LiveSession.id),
        col(LiveSeat.person_id) == person_id,
        col(LiveSeat.status) != SeatStatus.WITHDRAWN,
    )
    rows = session.exec(
        select(LiveSession)
        .where(
            LiveSession.ends_at > now,
            (col(LiveSession.status) == Status.OPEN) | ((col(LiveSession.status) == Status.CANCELLED) & mine),
        )
        .order_by(col(LiveSession.starts_at), col(LiveSession.id))
        .limit(limit)
    ).all()
    return _counted(session, rows, person_id)


def past_of(session: Session, person_id: int, now: datetime, limit: int = 50) -> list[Counted]:
    """Sessions that are over in which the person had a seat, the latest first."""
    rows = session.exec(
        select(LiveSession)
        .join(LiveSeat, col(LiveSeat.session_id) == col(LiveSession.id))
        .where(
            LiveSeat.person_id == person_id,
            TAKEN,
            LiveSession.ends_at <= now,
            col(LiveSession.status).in_((Status.OPEN, Status.HELD)),
        )
        .order_by(col(LiveSession.starts_at).desc(), col(LiveSession.id).desc())
        .limit(limit)
    ).all()
    return _counted(session, rows, person_id)


def next_with_seat(session: Session, person_id: int, now: datetime) -> LiveSession | None:
    return session.exec(
        select(LiveSession)
        .join(LiveSeat, col(LiveSeat.session_id) == col(LiveSession.id))
        .where(
            LiveSeat.person_id == person_id,
            TAKEN,
            LiveSession.status == Status.OPEN,
            LiveSession.starts_at > now,
        )
        .order_by(col(LiveSession.starts_at), col(LiveSession.id))
        .limit(1)
    ).first()


def every_live(session: Session, limit: int = 200) -> list[Counted]:
    """For staff, the latest first."""
    rows = session.exec(
        select(LiveSession)
        .order_by(col(LiveSession.starts_at).desc(), col(LiveSession.id).desc())
        .limit(limit)
    ).all()
    return _counted(session, rows)


@dataclass(frozen=True)
class Place:
    seat: LiveSeat
    person: str
    organisation: str


def places_of(session: Session, live_id: int) -> list[Place]:
    """Everybody who asked and has not withdrawn, in the order of asking."""
    rows = session.exec(
        select(LiveSeat, Person.name, Organisation.short_name)
        .join(Person, col(LiveSeat.person_id) == col(Person.id))
        .join(Organisation, col(LiveSeat.organisation_id) == col(Organisation.id))
        .where(LiveSeat.session_id == live_id, col(LiveSeat.status) != SeatStatus.WITHDRAWN)
        .order_by(col(LiveSeat.asked_at), col(LiveSeat.id))
    )
    return [Place(*row) for row in rows]


def seats_of(session: Session, live_id: int, status: SeatStatus) -> list[LiveSeat]:
    """In the order of asking."""
    return list(
        session.exec(
            select(LiveSeat)
            .where(LiveSeat.session_id == live_id, LiveSeat.status == status)
            .order_by(col(LiveSeat.asked_at), col(LiveSeat.id))
        )
    )


def attended_of(session: Session, live_id: int) -> list[LiveSeat]:
    return list(
        session.exec(
            select(LiveSeat).where(LiveSeat.session_id == live_id, col(LiveSeat.attended_at).is_not(None))
        )
    )


def seat_of(session: Session, live_id: int, person_id: int) -> LiveSeat | None:
    return session.exec(
        select(LiveSeat).where(LiveSeat.session_id == live_id, LiveSeat.person_id == person_id)
    ).first()


def ahead_of(session: Session, seat: LiveSeat) -> int:
    """How many wait who asked earlier."""
    earlier = (col(LiveSeat.asked_at) < seat.asked_at) | (
        (col(LiveSeat.asked_at) == seat.asked_at) & (col(LiveSeat.id) < seat.id)
    )
    return session.exec(
        select(func.count())
        .select_from(LiveSeat)
        .where(LiveSeat.session_id == seat.session_id, LiveSeat.status == SeatStatus.WAITING, earlier)
    ).one()


def live_of_seat(session: Session, seat_id: int) -> int | None:
    return session.exec(select(LiveSeat.session_id).where(LiveSeat.id == seat_id)).first()


def seats_to_remind(session: Session, now: datetime) -> list[int]:
    """Of sessions within a day. Who got the seat later than that has just been told."""
    rows = session.exec(
        select(LiveSeat.id, LiveSeat.seated_at, LiveSession.starts_at)
        .join(LiveSession, col(LiveSeat.session_id) == col(LiveSession.id))
        .where(
            TAKEN,
            col(LiveSeat.reminded_at).is_(None),
            LiveSession.status == Status.OPEN,
            LiveSession.starts_at > now,
            LiveSession.starts_at <= now + TOLD_BEFORE,
        )
        .order_by(col(LiveSeat.id))
    )
    return [i or 0 for i, seated, starts in rows if seated and seated <= starts - TOLD_BEFORE]


def over(session: Session, now: datetime) -> list[int]:
    """Open sessions that have ended."""
    rows = session.exec(
        select(LiveSession.id).where(LiveSession.status == Status.OPEN, LiveSession.ends_at <= now)
    )
    return [i for i in rows if i is not None]


def coming_seats(
    session: Session, organisation_id: int, now: datetime, *, gone: bool = False
) -> list[tuple[int, int]]:
    """(session, person) of coming sessions; `gone`: of those who do not work there any more."""
    works = exists().where(
        col(Employment.person_id) == col(LiveSeat.person_id),
        col(Employment.organisation_id) == organisation_id,
        col(Employment.status) == EmploymentStatus.CONFIRMED,
    )
    rows = session.exec(
        select(LiveSeat.session_id, LiveSeat.person_id)
        .join(LiveSession, col(LiveSeat.session_id) == col(LiveSession.id))
        .where(
            LiveSeat.organisation_id == organisation_id,
            col(LiveSeat.status) != SeatStatus.WITHDRAWN,
            LiveSession.status == Status.OPEN,
            LiveSession.starts_at > now,
            *([~works] if gone else []),
        )
        .order_by(col(LiveSeat.session_id), col(LiveSeat.id))
    )
    return list(rows)
