"""Briefs and introductions as each side may see them, and the candidates for a brief."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, or_, select

from casebook.briefs.models import Brief, Introduction
from casebook.briefs.rules import ENDED, LIVE, RUNNING, SAID_YES, BriefStatus, IntroductionStatus
from casebook.matching.models import NotShown, ShortlistItem
from casebook.matching.queries import public_levels
from certification.standing.rules import LevelStatus
from portal.desk.parts import OpenThing
from portal.organisations.models import Organisation, Storefront
from portal.organisations.rules import Kind

# The brand's side


@dataclass(frozen=True)
class BriefLine:
    id: int
    number: str
    title: str
    status: str
    industry: str
    created_at: datetime
    due_at: datetime | None
    shown: int
    accepted: int


def briefs_of(session: Session, organisation_id: int) -> list[BriefLine]:
    """A brand's briefs, newest first, with how many were shown and how many said yes."""
    shown = select(func.count()).where(ShortlistItem.brief_id == Brief.id).scalar_subquery()
    yes = (
        select(func.count())
        .where(Introduction.brief_id == Brief.id, col(Introduction.status).in_(SAID_YES))
        .scalar_subquery()
    )
    rows = session.exec(
        select(
            Brief.id,
            Brief.number,
            Brief.title,
            Brief.status,
            Brief.industry,
            Brief.created_at,  # type: ignore[call-overload]
            Brief.due_at,
            shown,
            yes,
        )
        .where(Brief.organisation_id == organisation_id)
        .order_by(col(Brief.id).desc())
    )
    return [BriefLine(*row) for row in rows]


def brief_by_once(session: Session, once: str) -> Brief | None:
    return session.exec(select(Brief).where(Brief.once == once)).first()


def brief_of(session: Session, number: str, organisation_id: int, *, lock: bool = False) -> Brief | None:
    """A brand's own brief."""
    query = select(Brief).where(Brief.number == number, Brief.organisation_id == organisation_id)
    return session.exec(query.with_for_update() if lock else query).first()


def lapsed_briefs(session: Session, organisation_id: int) -> int:
    """How many briefs the brand let lapse."""
    return session.exec(
        select(func.count())
        .select_from(Brief)
        .where(Brief.organisation_id == organisation_id, Brief.status == BriefStatus.STALE)
    ).one()


@dataclass(frozen=True)
class Shown:
    """A provider on a shortlist, with the introduction when it was invited."""

    organisation_id: int
    slug: str
    name: str
    province: str
    city: str
    headline: str
    price_low: int | None
    price_high: int | None
    place: int
    kind: str
    score: float
    parts: list[dict[str, Any]] = field(hash=False)
    introduction: Introduction | None = field(hash=False)
    stars: int
    on_probation: bool


def shortlist_of(session: Session, brief_id: int) -> list[Shown]:
    rows = session.exec(
        select(
            ShortlistItem,
            Organisation.slug,
            Organisation.short_name,
            Organisation.province,  # type: ignore[call-overload]
            Organisation.city,
            Storefront.headline,
            Storefront.price_low,
            Storefront.price_high,
            Introduction,
        )
        .join(Organisation, col(ShortlistItem.organisation_id) == col(Organisation.id))
        .join(Storefront, col(Storefront.organisation_id) == col(Organisation.id), isouter=True)
        .join(
            Introduction,
            (col(Introduction.brief_id) == col(ShortlistItem.brief_id))
            & (col(Introduction.organisation_id) == col(ShortlistItem.organisation_id)),
            isouter=True,
        )
        .where(ShortlistItem.brief_id == brief_id)
        .order_by(ShortlistItem.place)
    ).all()
    levels = public_levels(session, [row[0].organisation_id for row in rows])
    shown = []
    for item, slug, name, province, city, headline, low, high, introduction in rows:
        held = levels[item.organisation_id]
        shown.append(
            Shown(
                item.organisation_id,
                slug,
                name,
                province,
                city,
                headline or "",
                low,
                high,
                item.place,
                item.kind,
                item.score,
                item.parts,
                introduction,
                max((level.stars for level in held), default=0),
                any(level.status == LevelStatus.PROBATION for level in held),
            )
        )
    return shown


def introductions_of(session: Session, brief_id: int) -> list[Introduction]:
    return list(
        session.exec(
            select(Introduction)
            .where(Introduction.brief_id == brief_id)
            .order_by(col(Introduction.id))
            .with_for_update()
        )
    )


def introduction_in(session: Session, brief_id: int, introduction_id: int) -> Introduction | None:
    return session.exec(
        select(Introduction)
        .where(Introduction.id == introduction_id, Introduction.brief_id == brief_id)
        .with_for_update()
    ).first()


def providers_named(session: Session, names: Sequence[str]) -> dict[str, int]:
    """name or number as typed → the provider."""
    wanted = {name.casefold(): name for name in names}
    columns = (Organisation.short_name, Organisation.legal_name, Organisation.slug)
    named = or_(*(func.lower(column).in_(list(wanted)) for column in columns))
    rows = session.exec(select(Organisation.id, *columns).where(Organisation.kind == Kind.PROVIDER, named))
    return {wanted[n.casefold()]: i or 0 for i, *given in rows for n in given if n.casefold() in wanted}


def names_of(session: Session, organisations: Sequence[int]) -> dict[int, str]:
    if not organisations:
        return {}
    rows = session.exec(
        select(Organisation.id, Organisation.short_name).where(col(Organisation.id).in_(organisations))
    )
    return {i or 0: name for i, name in rows}


# The provider's side


@dataclass(frozen=True)
class InvitationLine:
    id: int
    number: str
    title: str
    brand: str
    industry: str
    status: str
    offered_at: datetime
    expires_at: datetime


def invitations_of(session: Session, organisation_id: int) -> list[InvitationLine]:
    """What a provider was invited to, newest first."""
    rows = session.exec(
        select(
            Introduction.id,
            Brief.number,
            Brief.title,
            Organisation.short_name,
            Brief.industry,  # type: ignore[call-overload]
            Introduction.status,
            Introduction.offered_at,
            Introduction.expires_at,
        )
        .join(Brief, col(Introduction.brief_id) == col(Brief.id))
        .join(Organisation, col(Brief.organisation_id) == col(Organisation.id))
        .where(Introduction.organisation_id == organisation_id)
        .order_by(col(Introduction.id).desc())
    )
    return [InvitationLine(*row) for row in rows]


def invitation_of(
    session: Session, introduction_id: int, organisation_id: int, *, lock: bool = False
) -> tuple[Introduction, Brief, str] | None:
    """An invitation of this provider, its brief, and the brand's short name."""
    if lock:  # always the brief first, then its introductions
        session.exec(
            select(Brief.id)
            .where(
                col(Brief.id).in_(
                    select(Introduction.brief_id).where(
                        Introduction.id == introduction_id, Introduction.organisation_id == organisation_id
                    )
                )
            )
            .with_for_update()
        ).first()
    query = (
        select(Introduction, Brief, Organisation.short_name)
        .join(Brief, col(Introduction.brief_id) == col(Brief.id))
        .join(Organisation, col(Brief.organisation_id) == col(Organisation.id))
        .where(Introduction.id == introduction_id, Introduction.organisation_id == organisation_id)
    )
    return session.exec(
        query.with_for_update(of=Introduction) if lock else query,
        execution_options={"populate_existing": lock},
    ).first()


# Clocks


def introductions_to_expire(session: Session, now: datetime) -> list[int]:
    return [
        i
        for i in session.exec(
            select(Introduction.id).where(
                Introduction.status == IntroductionStatus.OFFERED, Introduction.expires_at <= now
            )
        )
        if i is not None
    ]


def briefs_to_lapse(session: Session, now: datetime) -> list[int]:
    return [
        i
        for i in session.exec(select(Brief.id).where(col(Brief.status).in_(LIVE), col(Brief.due_at) <= now))
        if i is not None
    ]


def briefs_to_match_again(session: Session, before: datetime) -> list[int]:
    """Open briefs for which nobody was found the last time."""
    return [
        i
        for i in session.exec(
            select(Brief.id).where(Brief.status == BriefStatus.OPEN, col(Brief.matched_at) < before)
        )
        if i is not None
    ]


# The home page


def waiting_for_provider(session: Session, organisation_id: int) -> list[tuple[int, str, str, datetime]]:
    """Offered invitations as (id, brief's number, title, expires), first the one that runs out first."""
    return list(
        session.exec(
            select(Introduction.id, Brief.number, Brief.title, Introduction.expires_at)  # type: ignore[arg-type]
            .join(Brief, col(Introduction.brief_id) == col(Brief.id))
            .where(
                Introduction.organisation_id == organisation_id,
                Introduction.status == IntroductionStatus.OFFERED,
            )
            .order_by(col(Introduction.expires_at))
        )
    )


def waiting_for_brand(session: Session, organisation_id: int) -> list[tuple[Brief, list[str]]]:
    """The brand's briefs that are not over, each with the states of its introductions; oldest clock first."""
    rows = session.exec(
        select(Brief, Introduction.status)
        .join(Introduction, col(Introduction.brief_id) == col(Brief.id), isouter=True)
        .where(Brief.organisation_id == organisation_id, col(Brief.status).not_in(ENDED))
        .order_by(col(Brief.id))
    )
    found: dict[int, tuple[Brief, list[str]]] = {}
    for brief, status in rows:
        _, states = found.setdefault(brief.id or 0, (brief, []))
        if status is not None:
            states.append(status)
    return list(found.values())


def has_briefs(session: Session, organisation_id: int) -> bool:
    first = select(Brief.id).where(Brief.organisation_id == organisation_id).limit(1)
    return session.exec(first).first() is not None


# Staff


@dataclass(frozen=True)
class StaffLine:
    number: str
    title: str
    brand: str
    industry: str
    status: str
    opened_at: datetime | None
    due_at: datetime | None
    passed: int
    shown: int


def staff_briefs(session: Session, states: Iterable[str] | None = None, limit: int = 200) -> list[StaffLine]:
    """Published briefs, newest first."""
    shown = select(func.count()).where(ShortlistItem.brief_id == Brief.id).scalar_subquery()
    query = (
        select(
            Brief.number,
            Brief.title,
            Organisation.short_name,
            Brief.industry,
            Brief.status,  # type: ignore[call-overload]
            Brief.opened_at,
            Brief.due_at,
            Brief.passed,
            shown,
        )
        .join(Organisation, col(Brief.organisation_id) == col(Organisation.id))
        .where(col(Brief.status) != BriefStatus.DRAFT, col(Brief.opened_at).is_not(None))
        .order_by(col(Brief.id).desc())
        .limit(limit)
    )
    if states is not None:
        query = query.where(col(Brief.status).in_(list(states)))
    return [StaffLine(*row) for row in session.exec(query)]


def open_brief(session: Session, number: str) -> Brief | None:
    return session.exec(
        select(Brief).where(Brief.number == number, Brief.status == BriefStatus.OPEN).with_for_update()
    ).first()


def short_briefs(session: Session, size: int) -> int:
    """Briefs under way with fewer providers shown than there are places."""
    shown = select(func.count()).where(ShortlistItem.brief_id == Brief.id).scalar_subquery()
    return session.exec(
        select(func.count())
        .select_from(Brief)
        .where(col(Brief.status).in_([BriefStatus.OPEN, *LIVE]), shown < size)
    ).one()


def stale_briefs(session: Session, since: datetime) -> int:
    return session.exec(
        select(func.count())
        .select_from(Brief)
        .where(Brief.status == BriefStatus.STALE, col(Brief.closed_at) >= since)
    ).one()


# Handing over


def briefs_of_person(session: Session, organisation_id: int, person_id: int) -> list[OpenThing]:
    """Those that are not over and that somebody answers for."""
    rows = session.exec(
        select(Brief)
        .where(
            Brief.organisation_id == organisation_id,
            Brief.responsible_id == person_id,
            col(Brief.status).not_in(ENDED),
        )
        .order_by(col(Brief.id))
    )
    return [_brief_thing(row) for row in rows]


def running_brief(session: Session, organisation_id: int, brief_id: int) -> OpenThing | None:
    row = session.exec(
        select(Brief)
        .where(
            Brief.id == brief_id, Brief.organisation_id == organisation_id, col(Brief.status).not_in(ENDED)
        )
        .with_for_update()
    ).first()
    return _brief_thing(row) if row else None


def _brief_thing(row: Brief) -> OpenThing:
    right = "draft_brief" if row.status is BriefStatus.DRAFT else "brief"
    return OpenThing(
        row.id or 0, row.title or row.number, f"/my/briefs/{row.number}", right, row.responsible_id
    )


def introductions_of_person(session: Session, organisation_id: int, person_id: int) -> list[OpenThing]:
    """Running ones that somebody answers for."""
    rows = session.exec(
        select(Introduction, Brief.title)
        .join(Brief, col(Introduction.brief_id) == col(Brief.id))
        .where(
            Introduction.organisation_id == organisation_id,
            Introduction.responsible_id == person_id,
            col(Introduction.status).in_(RUNNING),
        )
        .order_by(col(Introduction.id))
    )
    return [_introduction_thing(row, title) for row, title in rows]


def running_introduction(session: Session, organisation_id: int, introduction_id: int) -> OpenThing | None:
    row = invitation_of(session, introduction_id, organisation_id, lock=True)
    if row is None or row[0].status not in RUNNING:
        return None
    return _introduction_thing(row[0], row[1].title)


def _introduction_thing(row: Introduction, title: str) -> OpenThing:
    return OpenThing(row.id or 0, title, f"/my/invitations/{row.id}", "invitation", row.responsible_id)


# When an organisation merges or leaves


@dataclass(frozen=True)
class InBoth:
    """Briefs that name both of two organisations, by what names them; `running`: the first still talks there."""

    introductions: list[int]
    shown: list[int]
    not_shown: list[int]
    running: list[int]


def in_both(session: Session, from_id: int, into_id: int) -> InBoth:
    def shared(model: Any) -> list[int]:
        other = select(model.brief_id).where(model.organisation_id == into_id)
        own = select(model.brief_id).where(model.organisation_id == from_id, model.brief_id.in_(other))
        return list(session.exec(own.order_by(model.brief_id)))

    introductions = shared(Introduction)
    running = select(Introduction.brief_id).where(
        Introduction.organisation_id == from_id,
        col(Introduction.brief_id).in_(introductions),
        col(Introduction.status).in_(RUNNING),
    )
    return InBoth(introductions, shared(ShortlistItem), shared(NotShown), list(session.exec(running)))


def won_by(session: Session, organisation_id: int) -> list[Brief]:
    return list(session.exec(select(Brief).where(Brief.winner_id == organisation_id).with_for_update()))


def blocking(session: Session, organisation_id: int) -> list[Brief]:
    """Briefs of brands that do not want this organisation."""
    rows = session.exec(select(Brief).where(col(Brief.status).not_in(ENDED)).with_for_update())
    return [row for row in rows if organisation_id in row.blocked]


def briefs_that_run(session: Session, organisation_id: int) -> list[Brief]:
    """Of a brand, those that can still be withdrawn or closed; locked."""
    return list(
        session.exec(
            select(Brief)
            .where(Brief.organisation_id == organisation_id, col(Brief.status).not_in(ENDED))
            .order_by(col(Brief.id))
            .with_for_update()
        )
    )


def introductions_that_run(session: Session, organisation_id: int) -> list[tuple[Introduction, Brief]]:
    """Of a provider, with their briefs; the briefs are locked first."""
    briefs = {
        brief.id: brief
        for brief in session.exec(
            select(Brief)
            .where(
                col(Brief.id).in_(
                    select(Introduction.brief_id).where(
                        Introduction.organisation_id == organisation_id, col(Introduction.status).in_(RUNNING)
                    )
                )
            )
            .order_by(col(Brief.id))
            .with_for_update()
        )
    }
    rows = session.exec(
        select(Introduction)
        .where(
            Introduction.organisation_id == organisation_id,
            col(Introduction.status).in_(RUNNING),
            col(Introduction.brief_id).in_(list(briefs)),
        )
        .order_by(col(Introduction.id))
        .with_for_update()
    )
    return [(row, briefs[row.brief_id]) for row in rows]
