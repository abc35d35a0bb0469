"""Tell a person in the portal, mark as read, mute, look for a tip, forget what is old."""

from datetime import datetime

from sqlmodel import Session, col, delete, update

from portal.accounts.models import Person
from portal.desk.parts import Next
from portal.history.actions import record
from portal.mail.actions import send_mail
from portal.notices.models import Notice, Tip
from portal.notices.queries import choice_of
from portal.notices.rules import KEPT_FOR, SEMI, tip_is_due
from portal.refusal import NotFound


def read_notice(notice: Notice, *, now: datetime) -> None:
    notice.read_at = notice.read_at or now


def read_all(session: Session, person_id: int, *, now: datetime) -> None:
    session.exec(
        update(Notice)
        .where(col(Notice.person_id) == person_id, col(Notice.read_at).is_(None))
        .values(read_at=now)
    )


def choose(
    session: Session, person_id: int, kind: str, *, by_mail: bool, in_portal: bool, by: int, now: datetime
) -> None:
    """NotFound for a kind that can't be muted."""
    if kind not in SEMI:
        raise NotFound
    choice = choice_of(session, person_id, kind)
    before = {"by_mail": choice.by_mail, "in_portal": choice.in_portal}
    after = {"by_mail": by_mail, "in_portal": in_portal}
    if before == after:
        return
    choice.by_mail, choice.in_portal = by_mail, in_portal
    session.add(choice)
    record(
        session,
        "notices chosen",
        "person",
        person_id,
        by=by,
        now=now,
        before=before,
        after={"notice": kind, **after},
    )


def mute_by_mail(session: Session, person_id: int, kind: str, *, now: datetime) -> None:
    """By the link in a mail; in the portal it goes on."""
    choice = choice_of(session, person_id, kind)
    choose(session, person_id, kind, by_mail=False, in_portal=choice.in_portal, by=person_id, now=now)


def tip(session: Session, person: Person, following: Next | None, *, now: datetime) -> bool:
    """Tell an owner of the one next step, if there is one. That it was looked for is kept either way."""
    assert person.id is not None  # noqa: S101
    row = session.get(Tip, person.id, with_for_update=True)
    if row and not tip_is_due(row.looked_at, row.sent_at, now):
        return False
    row = row or Tip(person_id=person.id, looked_at=now)
    row.looked_at = now
    session.add(row)
    if following is None:
        return False
    row.sent_at = now
    send_mail(
        session,
        "notices/tip",
        to=person,
        now=now,
        name=person.name,
        title=following.title,
        text=following.text,
        values=following.values,
        path=following.path,
    )
    return True


def forget_old(session: Session, *, now: datetime) -> None:
    """Notices that were read, half a year after they came."""
    session.exec(delete(Notice).where(col(Notice.read_at).is_not(None), col(Notice.at) < now - KEPT_FOR))


def consider_read(session: Session, *, before: datetime) -> None:
    """Notices of a story that is told: what is old was read then."""
    session.exec(
        update(Notice).where(col(Notice.at) < before, col(Notice.read_at).is_(None)).values(read_at=Notice.at)
    )
