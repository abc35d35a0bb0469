"""Plan a live session, fill its seats, check people in, tell them. Whoever changes seats locks the session first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlmodel import Session

from portal.accounts.models import Person
from portal.history.actions import record
from portal.i18n import local, show_time, speaking
from portal.ledger.actions import retract_facts, write_fact
from portal.ledger.rules import FactKind
from portal.mail.actions import send_mail
from portal.refusal import NotFound, Refused, checked_move, mark
from training.live import queries
from training.live.models import LiveSeat, LiveSession
from training.live.rules import (
    MOVES,
    SEAT,
    SEAT_MOVES,
    SUBJECT,
    TOLD_BEFORE,
    How,
    SeatStatus,
    Status,
    door_open,
    to_seat,
)

CLOSED = mark("The time to sign up and withdraw is over.")
NOT_OPEN = mark("This session takes nobody now.")
DOOR_CLOSED = mark("The door opens 30 minutes before the start and closes at the end of the session.")
NO_SEAT = mark("You have no seat in this session, and none is free.")


def _locked(session: Session, live_id: int) -> LiveSession:
    live = queries.live_locked(session, live_id)
    if live is None:
        raise NotFound
    return live


def plan(session: Session, fields: dict[str, Any], *, by: int, now: datetime) -> LiveSession:
    """`fields`: the columns that staff type; times in UTC."""
    live = LiveSession(uid=str(uuid4()), planned_at=now, planned_by=by, changed_at=now, **fields)
    session.add(live)
    session.flush()
    record(
        session,
        "live session planned",
        SUBJECT,
        live.id,
        by=by,
        now=now,
        after={"title": live.title_zh, "until": live.starts_at.isoformat(), "hours": live.hours},
    )
    return live


def change(
    session: Session, live_id: int, fields: dict[str, Any], *, sequence: int, by: int, now: datetime
) -> LiveSession:
    """`sequence`: what the form was opened on. A later time or another place is told to all with a seat; more seats
    let as many move up. Refused after the end, and below what is taken."""
    live = _locked(session, live_id)
    if live.status not in (Status.PLANNED, Status.OPEN) or live.ends_at <= now:
        raise Refused(mark("A session that is over or cancelled stays as it is."))
    if live.sequence != sequence:
        raise Refused(mark("Somebody else has changed this session since you opened it. Nothing was saved."))
    taken = len(queries.seats_of(session, live_id, SeatStatus.SEATED))
    if fields["capacity"] < taken:
        raise Refused(mark("%(n)s people have a seat already; there can't be fewer."), n=taken, status=422)
    before = {name: getattr(live, name) for name in fields}
    changed = {name: value for name, value in fields.items() if before[name] != value}
    if not changed:
        return live
    for name, value in changed.items():
        setattr(live, name, value)
    live.sequence, live.changed_at = live.sequence + 1, now
    record(
        session,
        "live session changed",
        SUBJECT,
        live.id,
        by=by,
        now=now,
        before={name: _plain(before[name]) for name in changed if name != "link"},
        after={name: _plain(value) for name, value in changed.items() if name != "link"},
    )
    if "starts_at" in changed:  # those who were reminded of the earlier time are reminded again
        for seat in queries.seats_of(session, live_id, SeatStatus.SEATED):
            seat.reminded_at = None
    if live.status is Status.OPEN:
        if changed.keys() & {"starts_at", "ends_at", "place", "link"}:
            _tell_all(session, live, "changed", now=now)
        _fill(session, live, by=by, now=now)
    return live


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def open_up(session: Session, live_id: int, *, by: int, now: datetime) -> None:
    """People see it and sign up."""
    live = _locked(session, live_id)
    status = Status(checked_move(MOVES, live.status, "open"))  # type: ignore[arg-type]
    if live.closes_at <= now:
        raise Refused(mark("The time to sign up has passed. Set a later one first."))
    live.status, live.changed_at = status, now
    record(session, "live session opened", SUBJECT, live.id, by=by, now=now)


def cancel(session: Session, live_id: int, *, reason: str, by: int, now: datetime) -> None:
    """All with a place are told; who had checked in already is credited nothing."""
    live = _locked(session, live_id)
    status = Status(checked_move(MOVES, live.status, "cancel"))  # type: ignore[arg-type]
    for seat in queries.attended_of(session, live_id):
        _uncredit(session, seat, reason=reason, by=by, now=now)
    live.status, live.cancelled_for = status, reason
    live.sequence, live.changed_at = live.sequence + 1, now
    record(session, "live session cancelled", SUBJECT, live.id, by=by, now=now, reason=reason)
    seats = queries.seats_of(session, live_id, SeatStatus.SEATED)
    waiting = queries.seats_of(session, live_id, SeatStatus.WAITING)
    _tell(session, live, "cancelled", [*seats, *waiting], now=now)


def hold(session: Session, live_id: int, *, by: int | None, now: datetime) -> None:
    """It is over; attendance can still be corrected. Refused before the end."""
    live = _locked(session, live_id)
    status = Status(checked_move(MOVES, live.status, "hold"))  # type: ignore[arg-type]
    if live.ends_at > now:
        raise Refused(mark("The session has not ended yet."))
    live.status, live.changed_at = status, now
    came, seats = (
        len(queries.attended_of(session, live_id)),
        len(queries.seats_of(session, live_id, SeatStatus.SEATED)),
    )
    record(
        session, "live session held", SUBJECT, live.id, by=by, now=now, after={"came": came, "seats": seats}
    )


# Seats


def sign_up(session: Session, live_id: int, organisation_id: int, *, by: int, now: datetime) -> LiveSeat:
    """A seat, or the end of the line. Asking twice changes nothing."""
    live = _locked(session, live_id)
    if live.status is not Status.OPEN:
        raise Refused(NOT_OPEN)
    if now >= live.closes_at:
        raise Refused(CLOSED)
    return _ask(session, live, organisation_id, by=by, now=now)


def _ask(session: Session, live: LiveSession, organisation_id: int, *, by: int, now: datetime) -> LiveSeat:
    seat = queries.seat_of(session, live.id or 0, by)
    if seat is not None and seat.status is not SeatStatus.WITHDRAWN:
        return seat
    if seat is None:
        seat = LiveSeat(session_id=live.id or 0, person_id=by, organisation_id=organisation_id, asked_at=now)
    else:
        seat.status = SeatStatus(checked_move(SEAT_MOVES, seat.status, "ask"))  # type: ignore[arg-type]
        seat.organisation_id, seat.asked_at = organisation_id, now
        seat.seated_at = seat.reminded_at = None
    session.add(seat)
    session.flush()
    _record(session, "seat asked for", live, seat, by=by, now=now)
    _fill(session, live, by=by, now=now)
    return seat


def withdraw(session: Session, live_id: int, *, by: int, now: datetime) -> None:
    """The first in line gets the seat."""
    live = _locked(session, live_id)
    if live.status is not Status.OPEN:
        raise Refused(NOT_OPEN)
    if now >= live.closes_at:
        raise Refused(CLOSED)
    _free(session, live, by, by=by, now=now)


def _free(session: Session, live: LiveSession, person_id: int, *, by: int | None, now: datetime) -> None:
    seat = queries.seat_of(session, live.id or 0, person_id)
    if seat is None:
        raise NotFound
    seat.status = SeatStatus(checked_move(SEAT_MOVES, seat.status, "withdraw"))  # type: ignore[arg-type]
    session.flush()
    _record(session, "seat given back", live, seat, by=by, now=now)
    _fill(session, live, by=by, now=now)


def people_changed(session: Session, organisation_id: int, now: datetime) -> None:
    """Who has left has no seat for that organisation any more."""
    session.flush()
    for live_id, person_id in queries.coming_seats(session, organisation_id, now, gone=True):
        _free(session, _locked(session, live_id), person_id, by=None, now=now)


def free_all(session: Session, organisation_id: int, *, by: int, now: datetime) -> None:
    """The organisation leaves: others may come."""
    for live_id, person_id in queries.coming_seats(session, organisation_id, now):
        _free(session, _locked(session, live_id), person_id, by=by, now=now)


def _fill(session: Session, live: LiveSession, *, by: int | None, now: datetime) -> None:
    """Free seats go to the first in line; the only place that seats anybody, under the session's lock."""
    taken = len(queries.seats_of(session, live.id or 0, SeatStatus.SEATED))
    line = {seat.id or 0: seat for seat in queries.seats_of(session, live.id or 0, SeatStatus.WAITING)}
    for seat_id in to_seat(list(line), taken, live.capacity):
        seat = line[seat_id]
        seat.status = SeatStatus(checked_move(SEAT_MOVES, seat.status, "seat"))  # type: ignore[arg-type]
        seat.seated_at = now
        session.flush()
        _record(session, "seat given", live, seat, by=by, now=now)
        if seat.person_id != by:  # who has just asked reads it on the page
            _tell(session, live, "seat", [seat], now=now)


def _record(
    session: Session,
    verb: str,
    live: LiveSession,
    seat: LiveSeat,
    *,
    by: int | None,
    now: datetime,
    reason: str = "",
) -> None:
    record(
        session,
        verb,
        SUBJECT,
        live.id,
        by=by,
        now=now,
        organisation_id=seat.organisation_id,
        reason=reason,
        after={"title": live.title_zh, "of": seat.person_id},
    )


# Attendance


def check_in(session: Session, live_id: int, organisation_id: int, *, by: int, now: datetime) -> bool:
    """Who has a seat is there; who has none gets one that is free. False when they were checked in already."""
    live = _locked(session, live_id)
    if live.status is not Status.OPEN or not door_open(live.starts_at, live.ends_at, now):
        raise Refused(DOOR_CLOSED)
    seat = queries.seat_of(session, live_id, by)
    if seat is None or seat.status is not SeatStatus.SEATED:
        seat = _ask(session, live, organisation_id, by=by, now=now)
    if seat.status is not SeatStatus.SEATED:
        raise Refused(NO_SEAT)
    if seat.attended_at is not None:
        return False
    _credit(session, live, seat, How.SCANNED, by=by, now=now)
    _record(session, "checked in", live, seat, by=by, now=now)
    return True


def mark_present(
    session: Session, live_id: int, seat_id: int, *, reason: str, by: int, now: datetime
) -> None:
    """By hand, with a reason: a person without a phone, say."""
    live, seat = _to_mark(session, live_id, seat_id, now)
    if seat.attended_at is not None:
        raise Refused(mark("This person is marked as present already."))
    seat.reason, seat.marked_by = reason, by
    _credit(session, live, seat, How.BY_HAND, by=by, now=now)
    _record(session, "marked as present", live, seat, by=by, now=now, reason=reason)


def mark_absent(session: Session, live_id: int, seat_id: int, *, reason: str, by: int, now: datetime) -> None:
    """A correction: the hours count no more."""
    live, seat = _to_mark(session, live_id, seat_id, now)
    if seat.attended_at is None:
        raise Refused(mark("This person is not marked as present."))
    seat.reason, seat.marked_by = reason, by
    _uncredit(session, seat, reason=reason, by=by, now=now)
    _record(session, "marked as absent", live, seat, by=by, now=now, reason=reason)


def _to_mark(session: Session, live_id: int, seat_id: int, now: datetime) -> tuple[LiveSession, LiveSeat]:
    live = _locked(session, live_id)
    seats = queries.seats_of(session, live_id, SeatStatus.SEATED)
    seat = next((s for s in seats if s.id == seat_id), None)
    if seat is None:
        raise NotFound
    started = door_open(live.starts_at, now, now)  # no end: it is corrected later too
    if live.status not in (Status.OPEN, Status.HELD) or not started:
        raise Refused(mark("Attendance is marked from 30 minutes before the start."))
    return live, seat


def _credit(session: Session, live: LiveSession, seat: LiveSeat, how: How, *, by: int, now: datetime) -> None:
    seat.attended_at, seat.how = now, how
    write_fact(
        session,
        FactKind.TRAINING,
        source=(SEAT, seat.id),
        person_id=seat.person_id,
        true_from=live.starts_at,
        by=by,
        now=now,
        hours=round(live.hours, 2),
        live_session=live.id,
    )


def _uncredit(session: Session, seat: LiveSeat, *, reason: str, by: int, now: datetime) -> None:
    seat.attended_at = seat.how = None
    retract_facts(session, source=(SEAT, seat.id or 0), reason=reason, by=by, now=now)


# Telling


def remind(session: Session, seat_id: int, *, now: datetime) -> bool:
    """A day before, once; looked at again under lock."""
    live_id = queries.live_of_seat(session, seat_id)
    if live_id is None:
        return False
    live = _locked(session, live_id)
    seats = queries.seats_of(session, live_id, SeatStatus.SEATED)
    seat = next((s for s in seats if s.id == seat_id), None)
    soon = now < live.starts_at <= now + TOLD_BEFORE
    if seat is None or seat.reminded_at or live.status is not Status.OPEN or not soon:
        return False
    seat.reminded_at = now
    _tell(session, live, "reminder", [seat], now=now)
    return True


def _tell_all(session: Session, live: LiveSession, news: str, *, now: datetime) -> None:
    _tell(session, live, news, queries.seats_of(session, live.id or 0, SeatStatus.SEATED), now=now)


def _tell(
    session: Session, live: LiveSession, news: str, seats: Sequence[LiveSeat], *, now: datetime
) -> None:
    for seat in seats:
        person = session.get_one(Person, seat.person_id)
        with speaking(person.language):
            title, at = local(live.title), show_time(live.starts_at)
        values = {
            "name": person.name,
            "title": title,
            "at": at,
            "reason": live.cancelled_for,
            "path": f"/my/live/{live.id}",
        }
        if news == "seat":
            send_mail(session, "live/seat", to=person, now=now, **values)
        elif news == "changed":
            send_mail(session, "live/changed", to=person, now=now, **values)
        elif news == "cancelled":
            send_mail(session, "live/cancelled", to=person, now=now, **values)
        else:
            send_mail(session, "live/reminder", to=person, now=now, **values)
