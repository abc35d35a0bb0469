"""Providers that hold a public level, as everybody may see them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, or_, select

from casebook.cases.models import Case
from casebook.cases.queries import holds_key
from casebook.cases.rules import Status
from casebook.directory.rules import OUTCOMES_WITHIN, REVIEWS_WITHIN
from certification.standing.models import Level
from certification.standing.rules import PUBLIC, Family, LevelStatus
from portal.ledger.models import Fact
from portal.ledger.rules import FactKind
from portal.organisations.models import Employment, Organisation, Storefront
from portal.organisations.queries import offer_complete
from portal.organisations.rules import EmploymentStatus, Kind
from portal.programme.rules import Programme
from portal.rights.queries import holds

PAGE = 20


@dataclass(frozen=True)
class Held:
    """A public level; what is at risk privately reads as active."""

    family: Family
    stars: int
    on_probation: bool
    awarded_at: datetime
    valid_until: datetime
    status_until: datetime | None
    reason: str  # only what is public anyway: why it is on probation


@dataclass(frozen=True)
class Proofs:
    """What the ledger holds of one organisation, as the directory shows it."""

    outcomes: int = 0  # confirmed by clients, 12 months
    ratings: tuple[int, ...] = ()  # 18 months
    shown: frozenset[str] = frozenset()  # capabilities of published cases
    certificates: dict[str, int] = field(default_factory=dict)  # code → holders

    @property
    def rating(self) -> float | None:
        return sum(self.ratings) / len(self.ratings) if self.ratings else None


@dataclass(frozen=True)
class Listed:
    id: int
    slug: str
    name: str
    province: str
    city: str
    capabilities: list[str]
    industries: list[str]
    headline: str | None
    fee_model: str | None
    price_low: int | None
    capacity: int | None
    accepting: bool | None
    stars: int


def _listed(programme: Programme, *columns: Any) -> Any:
    """Providers with a public level and the right to be listed, each once."""
    return (
        select(*columns)
        .select_from(Organisation)
        .join(Level, col(Level.organisation_id) == col(Organisation.id))
        .join(Storefront, col(Storefront.organisation_id) == col(Organisation.id), isouter=True)
        .where(
            Organisation.kind == Kind.PROVIDER,
            holds(programme, "listing"),
            offer_complete(),
            col(Level.status).in_(PUBLIC),
        )
    )


def providers(
    session: Session,
    programme: Programme,
    *,
    ids: Sequence[int] | None = None,
    family: str | None = None,
    stars: int | None = None,
    industries: Sequence[str] = (),
    capability: str | None = None,
    province: str | None = None,
    accepting: bool = False,
    page: int = 1,
    size: int = PAGE,
) -> tuple[list[Listed], int]:
    """(one page, how many in all). In the order of `ids` if given, else by stars, then by name. One query."""
    query = _listed(
        programme,
        Organisation.id,
        Organisation.slug,
        Organisation.short_name,
        Organisation.province,
        Organisation.city,
        Organisation.capabilities,
        Organisation.industries,
        Storefront.headline,
        Storefront.fee_model,
        Storefront.price_low,
        Storefront.capacity,
        Storefront.accepting,
        func.max(Level.stars),
        func.count().over(),
    ).group_by(col(Organisation.id), col(Storefront.organisation_id))
    if ids is not None:
        query = query.where(col(Organisation.id).in_(ids))
    if family:
        query = query.where(col(Level.family) == family)
    if stars:
        query = query.where(col(Level.stars) >= stars)
    if industries:
        query = query.where(or_(*(holds_key(Organisation.industries, key) for key in industries)))
    if capability:
        query = query.where(holds_key(Organisation.capabilities, capability))
    if province:
        query = query.where(col(Organisation.province) == province)
    if accepting:
        query = query.where(col(Storefront.accepting), col(Storefront.capacity) > 0)
    if ids is None:
        rows = (
            session.connection()
            .execute(
                query.order_by(
                    func.max(Level.stars).desc(), col(Organisation.short_name), col(Organisation.id)
                )
                .limit(size)
                .offset((page - 1) * size)
            )
            .all()
        )
        return [Listed(*row[:-1]) for row in rows], rows[0][-1] if rows else 0
    place = {subject_id: n for n, subject_id in enumerate(ids)}
    found = sorted(
        (Listed(*row[:-1]) for row in session.connection().execute(query)), key=lambda row: place[row.id]
    )
    return found[(page - 1) * size : page * size], len(found)


def levels_of(session: Session, organisation_ids: Sequence[int]) -> dict[int, list[Held]]:
    """The public levels of each, best first."""
    held: dict[int, list[Held]] = defaultdict(list)
    for level in session.exec(
        select(Level)
        .where(col(Level.organisation_id).in_(organisation_ids), col(Level.status).in_(PUBLIC))
        .order_by(col(Level.stars).desc(), col(Level.family))
    ):
        probation = level.status is LevelStatus.PROBATION
        held[level.organisation_id].append(
            Held(
                level.family,
                level.stars,
                probation,
                level.awarded_at,
                level.valid_until,
                level.status_until if probation else None,
                level.reason if probation else "",
            )
        )
    return held


def proofs_of(session: Session, organisation_ids: Sequence[int], *, now: datetime) -> dict[int, Proofs]:
    """Confirmed outcomes, reviews, proven capabilities and certificates of each; one query."""
    rows = session.exec(
        select(Employment.organisation_id, Fact.organisation_id, Fact.kind, Fact.value, Fact.true_from)  # type: ignore[call-overload]
        .select_from(Fact)
        .join(
            Employment,
            (col(Employment.person_id) == col(Fact.person_id))
            & (col(Fact.kind) == FactKind.CERTIFICATE)
            & (col(Employment.status) == EmploymentStatus.CONFIRMED),
            isouter=True,
        )
        .where(
            col(Fact.retracted_at).is_(None),
            Fact.true_from <= now,
            or_(col(Fact.true_until).is_(None), col(Fact.true_until) > now),
            or_(
                col(Fact.organisation_id).in_(organisation_ids)
                & col(Fact.kind).in_([FactKind.OUTCOME_ATTESTED, FactKind.REVIEW, FactKind.CASE_PUBLISHED]),
                (col(Fact.kind) == FactKind.CERTIFICATE)
                & col(Employment.organisation_id).in_(organisation_ids),
            ),
        )
    )
    outcomes: dict[int, int] = defaultdict(int)
    ratings: dict[int, list[int]] = defaultdict(list)
    shown: dict[int, set[str]] = defaultdict(set)
    certificates: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for employer, organisation_id, kind, value, true_from in rows:
        if kind == FactKind.CERTIFICATE:
            certificates[employer][value["code"]] += 1
        elif kind == FactKind.OUTCOME_ATTESTED and true_from > now - OUTCOMES_WITHIN:
            outcomes[organisation_id or 0] += 1
        elif kind == FactKind.REVIEW and true_from > now - REVIEWS_WITHIN:
            ratings[organisation_id or 0].append(value["rating"])
        elif kind == FactKind.CASE_PUBLISHED:
            shown[organisation_id or 0] |= set(value.get("capabilities", []))
    return {
        i: Proofs(outcomes[i], tuple(ratings[i]), frozenset(shown[i]), dict(certificates[i]))
        for i in organisation_ids
    }


def facets(session: Session, programme: Programme) -> tuple[dict[str, int], dict[int, int]]:
    """How many are listed in each family, and with at least so many stars; one query."""
    rows = session.connection().execute(_listed(programme, Level.family, Level.stars, Organisation.id)).all()
    families: dict[str, int] = defaultdict(int)
    best: dict[int, int] = {}
    for family, stars, organisation_id in rows:
        families[family] += 1
        best[organisation_id] = max(stars, best.get(organisation_id, 0))
    return families, {least: sum(stars >= least for stars in best.values()) for least in (5, 4, 3)}


def _open_to_all(programme: Programme, *conditions: Any) -> Any:
    """Organisation and storefront of a provider with a public level and the right to be listed."""
    return (
        select(Organisation, Storefront)
        .join(Storefront, col(Storefront.organisation_id) == col(Organisation.id), isouter=True)
        .where(
            Organisation.kind == Kind.PROVIDER,
            holds(programme, "listing"),
            offer_complete(),
            col(Organisation.id).in_(select(Level.organisation_id).where(col(Level.status).in_(PUBLIC))),
            *conditions,
        )
    )


def listed_organisation(
    session: Session, programme: Programme, slug: str
) -> tuple[Organisation, Storefront | None] | None:
    row = session.exec(_open_to_all(programme, Organisation.slug == slug)).first()
    return (row[0], row[1]) if row else None


@dataclass(frozen=True)
class Indexable:
    """What the index of a provider is made from, and a stamp that changes with it."""

    organisation: Organisation
    storefront: Storefront | None
    case_titles: list[str]
    stamp: str


def indexable(session: Session, programme: Programme, organisation_id: int) -> Indexable | None:
    """None when it is not listed."""
    row = session.exec(_open_to_all(programme, Organisation.id == organisation_id)).first()
    if row is None:
        return None
    titles = list(
        session.exec(
            select(Case.title)
            .where(Case.organisation_id == organisation_id, Case.status == Status.PUBLISHED)
            .order_by(col(Case.id))
        )
    )
    return Indexable(
        row[0], row[1], titles, provider_stamps(session, programme, organisation_id)[organisation_id]
    )


def provider_stamps(
    session: Session, programme: Programme, organisation_id: int | None = None
) -> dict[int, str]:
    """organisation → what its index should be made from, for every listed provider (or the one named)."""
    cases = (
        select(func.count())
        .select_from(Case)
        .where(Case.organisation_id == Organisation.id, Case.status == Status.PUBLISHED)
        .correlate(Organisation)
        .scalar_subquery()
    )
    query = _listed(
        programme, Organisation.id, Organisation.revision, func.coalesce(Storefront.revision, 0), cases
    ).distinct()
    if organisation_id is not None:
        query = query.where(col(Organisation.id) == organisation_id)
    return {row[0]: f"{row[1]}.{row[2]}.{row[3]}" for row in session.connection().execute(query)}
