"""Ask for a link, answer it, end it: both sides agree, either side ends."""

from datetime import datetime

from sqlmodel import Session

from portal.group import queries
from portal.group.models import OrganisationLink
from portal.group.rules import LINK_MOVES, LinkStatus, Side, may_answer, why_not_link
from portal.history.actions import record
from portal.mail.actions import send_mail
from portal.organisations.models import Organisation
from portal.organisations.queries import both_locked, organisation_by_code, owners_of
from portal.organisations.rules import Trust
from portal.programme.queries import programme_at
from portal.refusal import NotFound, Refused, checked_move, mark
from portal.rights.rules import require

NOT_REGISTERED = mark(
    "No organisation with this credit code takes part. Compare it with the other side's licence."
)


def ask(
    session: Session, organisation: Organisation, other_code: str, side: Side, *, by: int, now: datetime
) -> OrganisationLink:
    """The other side's owners read of it and decide."""
    require(programme_at(session, now), organisation, "unite")
    other = organisation_by_code(session, other_code)
    if other is None or other.trust is Trust.CLOSED:
        raise Refused(NOT_REGISTERED, status=422)
    own, others = organisation.id or 0, other.id or 0
    child, parent = (own, others) if side is Side.CHILD else (others, own)
    if why := why_not_link(child, parent, queries.parents(session)):
        raise Refused(why, status=422)
    if queries.asked_already(session, child, parent):
        raise Refused(
            mark("This link is asked for already; the other side has not answered yet."), status=422
        )
    link = OrganisationLink(child_id=child, parent_id=parent, asked_by_id=own, asked_at=now)
    session.add(link)
    session.flush()
    for side_id in (own, others):
        record(
            session,
            "link asked for",
            "organisation_link",
            link.id,
            by=by,
            now=now,
            organisation_id=side_id,
            after={"status": link.status.value},
        )
    _tell(session, link, others, "asked", now=now)
    return link


def move_link(
    session: Session,
    link: OrganisationLink,
    move: str,
    organisation_id: int,
    *,
    by: int | None,
    now: datetime,
) -> None:
    """`confirm`, `decline`, `withdraw` or `end`, by the side that may."""
    asked_it = link.asked_by_id == organisation_id
    if not may_answer(move, asked_it=asked_it):
        raise NotFound
    both = both_locked(session, link.child_id, link.parent_id)
    before = link.status
    after = LinkStatus(checked_move(LINK_MOVES, before, move))  # type: ignore[arg-type]
    child = both[link.child_id]
    if move == "confirm":
        if any(one.trust is Trust.CLOSED for one in both.values()):
            raise Refused(mark("One of the two has left the programme."))
        if why := why_not_link(link.child_id, link.parent_id, queries.parents(session)):
            raise Refused(why)
        child.parent_id, link.answered_at = link.parent_id, now
    elif move == "end":
        child.parent_id, link.ended_at = None, now
    else:
        link.answered_at = now
    link.status = after
    child.revision += 1
    session.flush()
    for side_id in (link.child_id, link.parent_id):
        record(
            session,
            {
                "confirm": "link confirmed",
                "decline": "link declined",
                "withdraw": "link withdrawn",
                "end": "link ended",
            }[move],
            "organisation_link",
            link.id,
            by=by,
            now=now,
            organisation_id=side_id,
            before={"status": before.value},
            after={"status": after.value},
        )
    other = link.parent_id if organisation_id == link.child_id else link.child_id
    if move != "withdraw":
        _tell(session, link, other, move, now=now)


def end_links(session: Session, organisation_id: int, *, by: int | None, now: datetime) -> int:
    """All links of an organisation that leaves or goes into another; how many there were."""
    links = queries.open_links(session, organisation_id)
    for link in links:
        if link.status is LinkStatus.CONFIRMED:
            move_link(session, link, "end", organisation_id, by=by, now=now)
        else:
            own = link.asked_by_id == organisation_id
            move_link(session, link, "withdraw" if own else "decline", organisation_id, by=by, now=now)
    child = session.get_one(Organisation, organisation_id)
    child.parent_id = None
    for below in queries.children_of(session, organisation_id):  # links from before both sides confirmed
        below.parent_id = None
    return len(links)


def _tell(session: Session, link: OrganisationLink, to_id: int, news: str, *, now: datetime) -> None:
    from_id = link.parent_id if to_id == link.child_id else link.child_id
    sender = session.get_one(Organisation, from_id)
    for owner in owners_of(session, to_id):
        send_mail(
            session,
            "group/link",
            to=owner,
            now=now,
            name=owner.name,
            other=sender.legal_name,
            other_is_parent=from_id == link.parent_id,
            news=news,
            path="/my/profile",
        )
