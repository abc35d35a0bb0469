"""Briefs, introductions and the ledger of exposure when an organisation merges, leaves or is exported."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from casebook.briefs import queries
from casebook.briefs.actions import end_all_of
from casebook.briefs.models import Brief, Introduction
from casebook.briefs.rules import BRIEF_MOVES, RUNNING, contacts_are_open
from casebook.directory.actions import index_provider
from casebook.matching.models import MatchLedger, NotShown, ShortlistItem
from casebook.matching.queries import locked_epoch
from portal.desk.parts import Copies, Fate, Line
from portal.leaving.rules import as_data
from portal.mergers.own import move
from portal.mergers.queries import how_many, rows_of
from portal.organisations.models import Organisation
from portal.refusal import mark

CONTACTS = ("contact_name", "contact_phone", "contact_email")


def merge_preview(session: Session, from_id: int, into_id: int) -> list[Line]:
    both = queries.in_both(session, from_id, into_id)
    talks = how_many(session, Introduction.organisation_id, from_id)
    shown = how_many(session, ShortlistItem.organisation_id, from_id)
    return [
        Line(
            mark("Briefs in which both are in talks: %(n)s"),
            Fate.BLOCKS,
            len(both.running),
            mark("Both are in talks on the same brief, or were shown for it. Decline for one of them first."),
        ),
        Line(mark("Briefs: %(n)s"), Fate.MOVES, how_many(session, Brief.organisation_id, from_id)),
        Line(mark("Introductions to brands: %(n)s"), Fate.MOVES, talks - len(both.introductions)),
        Line(
            mark("Introductions that the other side has too: %(n)s"),
            Fate.STAYS,
            len(both.introductions),
            mark("Each brief names an organisation once; these are over and stay readable."),
        ),
        Line(mark("Lines of the exposure ledger: %(n)s"), Fate.MOVES, shown - len(both.shown)),
    ]


def merge(session: Session, from_id: int, into_id: int, **_: Any) -> dict[str, list[int]]:
    both = queries.in_both(session, from_id, into_id)
    moved = move(session, Brief.organisation_id, from_id, into_id)
    for brief in queries.won_by(session, from_id):
        brief.winner_id = into_id
    for brief in queries.blocking(session, from_id):
        brief.blocked = list(dict.fromkeys(into_id if i == from_id else i for i in brief.blocked))
    for model, kept in (
        (Introduction, both.introductions),
        (ShortlistItem, both.shown),
        (NotShown, both.not_shown),
    ):
        moved |= move(session, model.organisation_id, from_id, into_id, model.brief_id.not_in(kept))  # type: ignore[attr-defined]
    if locked_epoch(session):
        own, other = session.get(MatchLedger, from_id), session.get(MatchLedger, into_id)
        if own and other:
            other.share, other.intro = other.share + own.share, other.intro + own.intro
            own.share = own.intro = 0.0
        elif own:
            own.organisation_id = into_id
    session.flush()
    return moved


def merged(session: Session, from_id: int, into_id: int, now: datetime) -> None:
    """The directory follows."""
    for organisation_id in (from_id, into_id):
        index_provider(session, organisation_id, now=now)


def leave_preview(session: Session, organisation_id: int) -> list[Line]:
    ends = {status for status, move_ in BRIEF_MOVES if move_ in ("withdraw", "close")}
    briefs = how_many(session, Brief.organisation_id, organisation_id, Brief.status.in_(ends))  # type: ignore[attr-defined]
    talks = how_many(
        session,
        Introduction.organisation_id,
        organisation_id,
        Introduction.status.in_(RUNNING),  # type: ignore[attr-defined]
    )
    return [
        Line(mark("Briefs that run: %(n)s"), Fate.ENDS, briefs, mark("Whoever was invited is told.")),
        Line(mark("Introductions that run: %(n)s"), Fate.ENDS, talks, mark("The brands are told.")),
    ]


def leave(session: Session, organisation: Organisation, reason: str, *, by: int, now: datetime) -> None:
    end_all_of(session, organisation.id or 0, reason, by=by, now=now)


def export(session: Session, organisation_id: int) -> Copies:
    """The other side's contacts are in it only while both sides may read them."""
    briefs = []
    for brief in rows_of(session, Brief.organisation_id, organisation_id, lock=False):
        talks = [
            as_data(one, leave_out=() if contacts_are_open(one.status) else (*CONTACTS, "note"))
            for one in rows_of(session, Introduction.brief_id, brief.id, lock=False)
        ]
        briefs.append(as_data(brief, leave_out=("once", "seed")) | {"introductions": talks})
    own = rows_of(session, Introduction.organisation_id, organisation_id, lock=False)
    return Copies({"briefs.json": briefs, "introductions.json": [as_data(one) for one in own]})
