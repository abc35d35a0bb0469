"""Give and take roles on the platform."""

from datetime import datetime

from sqlmodel import Session

from portal.accounts.actions import sign_out_everywhere
from portal.accounts.models import Person, StaffAppointment
from portal.accounts.rules import StaffRole
from portal.history.actions import record
from portal.refusal import Refused, mark
from portal.staffing.queries import administrators, appointment_in_force


def appoint(
    session: Session,
    person: Person,
    role: StaffRole,
    *,
    by: int | None,
    now: datetime,
    until: datetime | None = None,
) -> StaffAppointment:
    """The role from now on, until its day or open. Giving it again only changes the day."""
    row = appointment_in_force(session, person.id or 0, role, now)
    if row is not None and row.until == until:
        return row
    before = {"until": row.until.isoformat() if row.until else None} if row else None
    if row is not None:
        _keep_one(session, row, now)
        row.until = now
    row = StaffAppointment(person_id=person.id or 0, role=role, since=now, until=until, given_by=by)
    session.add(row)
    session.flush()
    if before is None:  # other rights, new sessions: they sign in again
        sign_out_everywhere(session, row.person_id)
    record(
        session,
        "staff role given",
        "person",
        person.id,
        by=by,
        now=now,
        before=before,
        after={"role": role.value, "until": until.isoformat() if until else None},
    )
    return row


def end_appointment(session: Session, row: StaffAppointment, reason: str, *, by: int, now: datetime) -> None:
    _keep_one(session, row, now)
    row.until = now
    sign_out_everywhere(session, row.person_id)
    record(
        session,
        "staff role taken back",
        "person",
        row.person_id,
        by=by,
        now=now,
        before={"role": row.role.value},
        reason=reason,
    )


def _keep_one(session: Session, row: StaffAppointment, now: datetime) -> None:
    """Somebody must always be there who can appoint, without a last day."""
    if row.role is StaffRole.ADMINISTRATOR and row.until is None and administrators(session, now) == [row.id]:
        raise Refused(mark("This is the only administrator without a last day. Appoint another one first."))
