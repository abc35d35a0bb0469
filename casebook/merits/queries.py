"""Briefs that organisations won, and how many certified providers a province or an industry has."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from casebook.briefs.models import Brief
from certification.standing.models import Level
from certification.standing.rules import PUBLIC
from portal.organisations.models import Organisation
from portal.organisations.rules import Kind
from portal.programme.rules import Programme
from portal.rights.queries import holds


@dataclass(frozen=True)
class Won:
    province: str
    industry: str
    budget_high: int | None


def won_briefs(
    session: Session, organisations: Sequence[int], since: datetime, now: datetime
) -> dict[int, list[Won]]:
    """Organisation → the briefs that were decided for it in that time."""
    found: dict[int, list[Won]] = defaultdict(list)
    for winner, province, industry, budget in session.exec(
        select(Brief.winner_id, Brief.province, Brief.industry, Brief.budget_high).where(
            col(Brief.winner_id).in_(organisations),
            col(Brief.decided_at) > since,
            col(Brief.decided_at) <= now,
        )
    ):
        found[winner or 0].append(Won(province, industry, budget))
    return found


@dataclass(frozen=True)
class Field:
    """Providers with a public level."""

    provinces: Counter[str]
    industries: Counter[str]  # groups and leaves, as organisations name them

    def serving(self, programme: Programme, industry: str) -> int:
        """Who names the leaf or its group."""
        group = programme.group_of("industries", industry)
        return self.industries[industry] + (self.industries[group] if group and group != industry else 0)


def certified_field(session: Session, programme: Programme) -> Field:
    """One query."""
    field = Field(Counter(), Counter())
    for province, industries in session.exec(
        select(Organisation.province, Organisation.industries).where(
            Organisation.kind == Kind.PROVIDER,
            holds(programme, "listing"),
            col(Organisation.id).in_(select(Level.organisation_id).where(col(Level.status).in_(PUBLIC))),
        )
    ):
        field.provinces[province] += 1
        field.industries.update(industries or [])
    return field
