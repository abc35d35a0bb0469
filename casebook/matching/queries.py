"""The candidates for a brief: who could be shown at one moment, in a handful of queries."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, select

from casebook.briefs.models import Brief, Introduction
from casebook.briefs.rules import (
    ENDED,
    OUTSCORED,
    RUNNING,
    BriefStatus,
    IntroductionStatus,
    capacity_left,
    known_capabilities,
    size_of,
)
from casebook.cases.models import Case
from casebook.cases.rules import Status as CaseStatus
from casebook.matching.models import MatchEpoch, MatchLedger, NotShown, ShortlistItem
from casebook.matching.rules import (
    INDUSTRY_DECLARED,
    INDUSTRY_PROVEN,
    Account,
    Candidate,
    Corpus,
    Matching,
    aged,
    alike,
    debt,
    faded,
)
from casebook.search.rules import terms
from certification.standing.models import Level
from certification.standing.rules import PUBLIC, LevelStatus
from portal.ledger.queries import facts_of_all
from portal.ledger.rules import FactKind, FactRow
from portal.organisations.models import Organisation, Storefront
from portal.organisations.queries import offer_complete
from portal.organisations.rules import Kind
from portal.programme.rules import Programme
from portal.rights.queries import holds


@dataclass(frozen=True)
class HeldLevel:
    stars: int
    family: str
    status: LevelStatus


def public_levels(session: Session, organisations: Sequence[int] | None = None) -> dict[int, list[HeldLevel]]:
    """organisation → its public levels; of all organisations when none are named."""
    query = select(Level.organisation_id, Level.stars, Level.family, Level.status).where(
        col(Level.status).in_(PUBLIC)
    )
    if organisations is not None:
        query = query.where(col(Level.organisation_id).in_(organisations))
    levels: dict[int, list[HeldLevel]] = defaultdict(list)
    for organisation_id, stars, family, status in session.exec(query):
        levels[organisation_id].append(HeldLevel(stars, family, LevelStatus(status)))
    return levels


@dataclass(frozen=True)
class Field:
    """Everybody who could be shown for a brief at one moment, and the mean rating on the portal."""

    candidates: list[Candidate]
    mean_rating: float


@dataclass
class _Facts:
    ratings: list[float] = field(default_factory=list)
    offered: int = 0
    in_time: int = 0
    attested: int = 0
    attested_cases: set[int] = field(default_factory=set)
    cases: set[int] = field(default_factory=set)
    industries: set[str] = field(default_factory=set)
    capabilities: set[str] = field(default_factory=set)


def field_for(
    session: Session, brief: Brief, programme: Programme, *, now: datetime, only: Sequence[int] | None = None
) -> Field:
    """Providers with a public level and the right to be matched, in seven queries however many there are."""
    matching = programme.matching
    query = (
        select(Organisation, Storefront)
        .join(Storefront)
        .where(Organisation.kind == Kind.PROVIDER, holds(programme, "matching"), offer_complete())
    )
    if only is not None:
        query = query.where(col(Organisation.id).in_(only))
    rows = session.exec(query).all()
    levels = public_levels(session)
    facts, ratings = _facts(session, matching, now)
    likeness = _likeness(session, brief, matching, now)
    taken = _capacity_taken(session, now)
    sizes = _sizes_served(session, list(programme.options("brand_scales")))
    areas = programme["taxonomy"]["capabilities"]
    area_of = {leaf: area for area, group in areas.items() for leaf in group["leaves"]}
    candidates = []
    for organisation, shop in rows:
        key = organisation.id or 0
        if key not in levels:
            continue
        known = facts.get(key, _Facts())
        best, title = likeness.get(key, (0.0, ""))
        by_month = shop.fee_model != "project"  # a price by project says nothing of a month
        candidates.append(
            Candidate(
                key,
                accepting=shop.accepting,
                stars=max(level.stars for level in levels[key]),
                capacity=capacity_left(
                    shop.capacity,
                    shop.capacity_confirmed_at,
                    taken.get(key, 0),
                    now=now,
                    days=matching["capacity_expires_d"],
                ),
                capabilities=known_capabilities(
                    organisation.capabilities,
                    known.capabilities,
                    [level.family for level in levels[key]],
                    area_of,
                ),
                industries=dict.fromkeys(organisation.industries, INDUSTRY_DECLARED)
                | dict.fromkeys(known.industries, INDUSTRY_PROVEN),
                price_low=shop.price_low if by_month else None,
                price_high=shop.price_high if by_month else None,
                min_budget=shop.min_budget,
                refused_industries=frozenset(
                    [*shop.refused_industries, *(one["industry"] for one in shop.conflicts)]
                ),
                languages=frozenset(shop.languages),
                province=organisation.province,
                city=organisation.city,
                remote=shop.remote,
                nationwide=shop.nationwide,
                coverage=frozenset(shop.coverage),
                can_start=shop.can_start,
                ratings=tuple(known.ratings),
                outcomes_verified=known.attested,
                outcomes_unverified=len(known.cases - known.attested_cases),
                client_sizes=tuple(sizes.get(key, ())),
                offered=known.offered,
                in_time=known.in_time,
                likeness=best,
                likeness_title=title,
            )
        )
    return Field(candidates, sum(ratings) / len(ratings) if ratings else 3.0)


def _facts(session: Session, matching: Matching, now: datetime) -> tuple[dict[int, _Facts], list[float]]:
    """What the ledger knows of each provider, and every rating young enough to count."""
    young = now - timedelta(days=matching["reviews_window_months"] * 365.25 / 12)
    kinds = [FactKind.CASE_PUBLISHED, FactKind.OUTCOME_ATTESTED, FactKind.REVIEW, FactKind.RESPONSE]
    found: dict[int, _Facts] = defaultdict(_Facts)
    ratings: list[float] = []
    for fact in facts_of_all(session, kinds, now):
        if fact.organisation_id is None or not fact.holds(now) or not fact.known(now):
            continue
        _add(found[fact.organisation_id], fact, young)
        if fact.kind == FactKind.REVIEW and fact.true_from >= young:
            ratings.append(fact.value["rating"])
    return found, ratings


def _add(known: _Facts, fact: FactRow, young: datetime) -> None:
    value = fact.value
    if fact.kind == FactKind.CASE_PUBLISHED:
        known.cases.add(value["case_id"])
        known.industries.add(value.get("industry", ""))
        known.capabilities |= set(value.get("capabilities", ()))
    elif fact.kind == FactKind.OUTCOME_ATTESTED:
        known.attested += 1
        known.attested_cases.add(value["case_id"])
    elif fact.kind == FactKind.REVIEW and fact.true_from >= young:
        known.ratings.append(value["rating"])
    elif fact.kind == FactKind.RESPONSE:
        known.offered += 1
        known.in_time += bool(value["in_time"])


def _likeness(
    session: Session, brief: Brief, matching: Matching, now: datetime
) -> dict[int, tuple[float, str]]:
    """organisation → how alike its most alike published case is, aged, and that case's title."""
    columns = (Case.organisation_id, Case.title, Case.before, Case.failed_first, Case.done, Case.published_at)
    published = select(*columns).where(Case.status == CaseStatus.PUBLISHED)  # type: ignore[call-overload]
    rows = session.exec(published).all()
    texts = [terms(" ".join(row[1:5])) for row in rows]
    corpus, asked = Corpus.of(texts), terms(f"{brief.title} {brief.need}")
    best: dict[int, tuple[float, str]] = {}
    for (organisation_id, title, *_, published_at), text in zip(rows, texts, strict=True):
        days = (now - published_at).days if published_at else 0
        value = aged(alike(asked, text, corpus), days, matching)
        if value > best.get(organisation_id, (0.0, ""))[0]:
            best[organisation_id] = (value, title)
    return best


def _capacity_taken(session: Session, now: datetime) -> dict[int, int]:
    """organisation → places held: introductions that run or were won, shortlists that may still invite."""
    held = [*RUNNING, IntroductionStatus.WON]
    running = (
        select(Introduction.organisation_id, func.count())
        .join(Brief, col(Introduction.brief_id) == col(Brief.id))
        .where(col(Introduction.status).in_(held), col(Brief.status).not_in(ENDED))
        .group_by(col(Introduction.organisation_id))
    )
    shown = (
        select(ShortlistItem.organisation_id, func.count())
        .join(Brief, col(ShortlistItem.brief_id) == col(Brief.id))
        .where(Brief.status == BriefStatus.SHORTLISTED, col(Brief.due_at) > now)
        .group_by(col(ShortlistItem.organisation_id))
    )
    taken: dict[int, int] = defaultdict(int)
    for query in (running, shown):  # a brief that has invited somebody is in talks: nobody counts twice
        for organisation_id, n in session.exec(query):
            taken[organisation_id] += n
    return taken


def _sizes_served(session: Session, scales: Sequence[str]) -> dict[int, list[float]]:
    """organisation → the sizes of the brands that chose it."""
    sizes: dict[int, list[float]] = defaultdict(list)
    for organisation_id, scale in session.exec(
        select(Brief.winner_id, Brief.scale).where(col(Brief.winner_id).is_not(None))
    ):
        size = size_of(scale, scales)
        if organisation_id is not None and size is not None:
            sizes[organisation_id].append(size)
    return sizes


# What was decided


def shortlisted_ids(session: Session, brief_id: int) -> list[int]:
    """Who was shown, by place."""
    return list(
        session.exec(
            select(ShortlistItem.organisation_id)
            .where(ShortlistItem.brief_id == brief_id)
            .order_by(col(ShortlistItem.place))
        )
    )


def item_of(session: Session, brief_id: int, organisation_id: int | None) -> ShortlistItem | None:
    return session.exec(
        select(ShortlistItem).where(
            ShortlistItem.brief_id == brief_id, ShortlistItem.organisation_id == organisation_id
        )
    ).first()


@dataclass(frozen=True)
class LedgerLine:
    organisation_id: int
    name: str
    slug: str
    share: float
    intro: float
    debt: float


def exposure(session: Session, matching: Matching, now: datetime) -> list[LedgerLine]:
    """The exposure ledger, the most owed first."""
    began = epoch_began(session)
    if began is None:
        return []
    age = (now - began).total_seconds() / 86_400
    rows = session.exec(
        select(
            Organisation.id,
            Organisation.short_name,
            Organisation.slug,  # type: ignore[call-overload]
            MatchLedger.share,
            MatchLedger.intro,
        ).join(Organisation, col(MatchLedger.organisation_id) == col(Organisation.id))
    )
    lines = []
    for organisation_id, name, slug, share, intro in rows:
        account = Account(faded(share, age, matching), faded(intro, age, matching))
        lines.append(
            LedgerLine(organisation_id, name, slug, account.share, account.intro, debt(account, matching))
        )
    return sorted(lines, key=lambda line: (-line.debt, line.slug))


def epoch_began(session: Session) -> datetime | None:
    return session.exec(select(MatchEpoch.began_at)).first()


def locked_epoch(session: Session) -> MatchEpoch | None:
    return session.exec(select(MatchEpoch).with_for_update()).first()


def accounts(session: Session) -> dict[int, MatchLedger]:
    return {row.organisation_id: row for row in session.exec(select(MatchLedger))}


def not_shown_for(session: Session, brief_id: int) -> list[NotShown]:
    return list(session.exec(select(NotShown).where(NotShown.brief_id == brief_id)))


def next_by_score(session: Session, brief_id: int, least: float) -> list[NotShown]:
    """Who passed every filter and comes next, near enough to the last place; best first."""
    return list(
        session.exec(
            select(NotShown)
            .where(
                NotShown.brief_id == brief_id,
                NotShown.reason == OUTSCORED,
                col(NotShown.score) >= least,
            )
            .order_by(col(NotShown.score).desc(), col(NotShown.organisation_id))
            .limit(20)
        )
    )


@dataclass(frozen=True)
class NotShownLine:
    number: str
    industry: str
    matched_at: datetime
    reason: str
    score: float | None
    kth_score: float | None
    gap: dict[str, Any] = field(hash=False)


def not_shown_to(session: Session, organisation_id: int, since: datetime) -> list[NotShownLine]:
    """Briefs for which this provider was looked at and not shown, newest first."""
    rows = session.exec(
        select(
            Brief.number,
            Brief.industry,
            Brief.matched_at,
            NotShown.reason,
            NotShown.score,  # type: ignore[call-overload]
            Brief.kth_score,
            NotShown.gap,
        )
        .join(Brief, col(NotShown.brief_id) == col(Brief.id))
        .where(NotShown.organisation_id == organisation_id, col(Brief.matched_at) >= since)
        .order_by(col(Brief.id).desc())
        .limit(100)
    )
    return [NotShownLine(*row) for row in rows]
