"""Nominations with what belongs to them. What a retracted case stood on is not among what everybody reads."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, exists, func, or_, select

from casebook.awards.models import AwardRound, JurorScore, Nomination, Objection
from casebook.awards.rules import RUNNING, Round, Status
from casebook.cases.models import Case
from casebook.cases.rules import Status as CaseStatus
from portal.ledger.models import Fact
from portal.ledger.rules import FactKind
from portal.organisations.models import Employment, Organisation
from portal.organisations.rules import Trust
from portal.seasons.models import Season


def round_of(session: Session, season_id: int, *, lock: bool = False) -> AwardRound | None:
    query = select(AwardRound).where(AwardRound.season_id == season_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.exec(query).first()


def nomination_locked(session: Session, nomination_id: int) -> Nomination | None:
    return session.exec(
        select(Nomination)
        .where(Nomination.id == nomination_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


def own_nomination(session: Session, season_id: int, award: str, organisation_id: int) -> Nomination | None:
    return session.exec(
        select(Nomination).where(
            Nomination.season_id == season_id,
            Nomination.award == award,
            Nomination.organisation_id == organisation_id,
        )
    ).first()


def own_nominations(session: Session, organisation_id: int) -> list[tuple[Nomination, Season]]:
    """Of every season, the latest first."""
    rows = session.exec(
        select(Nomination, Season)
        .join(Season, col(Nomination.season_id) == col(Season.id))
        .where(Nomination.organisation_id == organisation_id)
        .order_by(col(Season.starts_at).desc(), col(Nomination.id))
    )
    return [(row, season) for row, season in rows]


def running_of(session: Session, organisation_id: int) -> list[Nomination]:
    return list(
        session.exec(
            select(Nomination)
            .where(Nomination.organisation_id == organisation_id, col(Nomination.status).in_(RUNNING))
            .order_by(col(Nomination.id))
            .with_for_update()
        )
    )


def cases_to_nominate(session: Session, organisation_id: int) -> list[Case]:
    """Published and confirmed by their clients, newest first."""
    return list(
        session.exec(
            select(Case)
            .where(
                Case.organisation_id == organisation_id,
                Case.status == CaseStatus.PUBLISHED,
                col(Case.confirmation_id).is_not(None),
            )
            .order_by(col(Case.published_at).desc())
            .limit(100)
        )
    )


def stands() -> Any:
    """No case, or one that is published and whose fact nobody retracted; an organisation that takes part."""
    fact = (
        select(Fact.id)
        .where(
            Fact.source_kind == "case",
            Fact.source_id == Nomination.case_id,
            Fact.kind == FactKind.CASE_PUBLISHED,
            col(Fact.retracted_at).is_(None),
            col(Fact.true_until).is_(None),
        )
        .correlate(Nomination)
    )
    return (col(Organisation.trust) == Trust.VERIFIED) & or_(
        col(Nomination.case_id).is_(None), (col(Case.status) == CaseStatus.PUBLISHED) & exists(fact)
    )


@dataclass(frozen=True)
class Entry:
    nomination: Nomination
    organisation: Organisation
    case: Case | None
    scored: int = 0
    objections: int = 0
    unanswered: int = 0
    stands: bool = True

    @property
    def title(self) -> str:
        return self.case.title if self.case else self.organisation.short_name


def _counted(model: Any, *conditions: Any) -> Any:
    return (
        select(func.count())
        .select_from(model)
        .where(model.nomination_id == Nomination.id, *conditions)
        .correlate(Nomination)
        .scalar_subquery()
    )


def _entries(*conditions: Any) -> Any:
    return (
        select(  # type: ignore[call-overload]
            Nomination,
            Organisation,
            Case,
            _counted(JurorScore),
            _counted(Objection),
            _counted(Objection, col(Objection.answered_at).is_(None)),
            stands(),
        )
        .join(Organisation, col(Nomination.organisation_id) == col(Organisation.id))
        .join(Case, col(Nomination.case_id) == col(Case.id), isouter=True)
        .where(*conditions)
        .order_by(
            col(Nomination.award), col(Nomination.place).is_(None), col(Nomination.place), Nomination.id
        )
    )


def entries_of(session: Session, season_id: int) -> list[Entry]:
    """Everything of a season, by award and place; one query."""
    return [Entry(*row) for row in session.exec(_entries(Nomination.season_id == season_id))]


def public_entries(session: Session, season_id: int) -> list[Entry]:
    """Those on the short list, and what became of them, while what they stand on stands; one query."""
    shown = (Status.SHORTLISTED, Status.WON, Status.LOST)
    rows = session.exec(
        _entries(
            Nomination.season_id == season_id,
            col(Nomination.status).in_(shown),
            col(Nomination.place).is_not(None),
            stands(),
        )
    )
    return [Entry(*row) for row in rows]


def entry(session: Session, nomination_id: int) -> Entry | None:
    row = session.exec(_entries(Nomination.id == nomination_id)).first()
    return Entry(*row) if row else None


@dataclass(frozen=True)
class Winner:
    award: str
    code: str
    year: int
    organisation: str
    slug: str
    title: str | None
    number: str | None
    total: float | None
    nomination_id: int


def winners(
    session: Session, *, organisation_id: int | None = None, case_id: int | None = None, limit: int = 60
) -> list[Winner]:
    """The latest season first; not those whose case fell or whose organisation is out. One query."""
    query = (
        select(  # type: ignore[call-overload]
            Nomination.award,
            Season.code,
            Season.year,
            Organisation.short_name,
            Organisation.slug,
            Case.title,
            Case.number,
            Nomination.total,
            Nomination.id,
        )
        .join(Season, col(Nomination.season_id) == col(Season.id))
        .join(Organisation, col(Nomination.organisation_id) == col(Organisation.id))
        .join(Case, col(Nomination.case_id) == col(Case.id), isouter=True)
        .where(Nomination.status == Status.WON, stands())
        .order_by(col(Season.starts_at).desc(), col(Nomination.award))
        .limit(limit)
    )
    if organisation_id is not None:
        query = query.where(Nomination.organisation_id == organisation_id)
    if case_id is not None:
        query = query.where(Nomination.case_id == case_id)
    return [Winner(*row) for row in session.exec(query)]


def last_totals(session: Session, before: datetime) -> dict[str, float]:
    """Award → the total of the latest winner of a season that began before."""
    rows = session.exec(
        select(Nomination.award, Nomination.total)
        .join(Season, col(Nomination.season_id) == col(Season.id))
        .where(Nomination.status == Status.WON, Season.starts_at < before)
        .order_by(col(Season.starts_at))
    )
    return {award: total for award, total in rows if total is not None}


def in_both(session: Session, from_id: int, into_id: int) -> set[int]:
    """Nominations of the first for an award and season for which the other is nominated too."""
    other = aliased(Nomination)
    return {
        i or 0
        for i in session.exec(
            select(Nomination.id)
            .join(
                other, (col(other.season_id) == Nomination.season_id) & (col(other.award) == Nomination.award)
            )
            .where(Nomination.organisation_id == from_id, other.organisation_id == into_id)
        )
    }


# The jury


def _employers(person_id: int) -> Any:
    """Where the person works or worked, with the parent and the subsidiaries of each."""
    ever = select(Employment.organisation_id).where(
        Employment.person_id == person_id, col(Employment.confirmed_at).is_not(None)
    )
    parents = select(Organisation.parent_id).where(
        col(Organisation.id).in_(ever), col(Organisation.parent_id).is_not(None)
    )
    return or_(
        col(Organisation.id).in_(ever),
        col(Organisation.id).in_(parents),
        _or_false(Organisation.parent_id, ever),
    )


def _or_false(column: Any, chosen: Any) -> Any:
    """NULL would make the whole condition unknown, and an unknown conflict must not pass for none."""
    return func.coalesce(col(column).in_(chosen), False)


def for_juror(
    session: Session, juror_id: int, awards: Sequence[str], nomination_id: int | None = None
) -> list[tuple[Entry, JurorScore | None]]:
    """What this juror may score: not where they work or worked, not what they nominated; with their own score."""
    query = _entries(
        Nomination.status == Status.SHORTLISTED,
        col(Nomination.award).in_(awards),
        Nomination.nominated_by != juror_id,
        ~_employers(juror_id),
        stands(),
    )
    if nomination_id is not None:
        query = query.where(Nomination.id == nomination_id)
    query = query.add_columns(JurorScore).join(
        JurorScore,
        (col(JurorScore.nomination_id) == col(Nomination.id)) & (col(JurorScore.juror_id) == juror_id),
        isouter=True,
    )
    return [(Entry(*row[:-1]), row[-1]) for row in session.exec(query)]


def has_stake(session: Session, person_id: int, organisations: Sequence[int]) -> bool:
    """Does the person work, or did they ever, for one of these or its family?"""
    return bool(
        session.exec(
            select(func.count())
            .select_from(Organisation)
            .where(col(Organisation.id).in_(organisations), _employers(person_id))
        ).one()
    )


def points_of(session: Session, season_id: int) -> dict[int, list[float]]:
    """Nomination → the jurors' points; one query."""
    found: dict[int, list[float]] = defaultdict(list)
    for nomination_id, points in session.exec(
        select(JurorScore.nomination_id, JurorScore.points)
        .join(Nomination, col(JurorScore.nomination_id) == col(Nomination.id))
        .where(Nomination.season_id == season_id)
    ):
        found[nomination_id].append(points)
    return found


def scores_of(session: Session, nomination_id: int) -> list[JurorScore]:
    return list(
        session.exec(
            select(JurorScore).where(JurorScore.nomination_id == nomination_id).order_by(col(JurorScore.id))
        )
    )


# Objections


def objections_of(session: Session, nomination_id: int) -> list[Objection]:
    return list(
        session.exec(
            select(Objection).where(Objection.nomination_id == nomination_id).order_by(col(Objection.id))
        )
    )


def objection_locked(session: Session, objection_id: int) -> Objection | None:
    return session.exec(
        select(Objection)
        .where(Objection.id == objection_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


def objections_by(session: Session, nomination_id: int, person_id: int) -> list[Objection]:
    return list(
        session.exec(
            select(Objection).where(
                Objection.nomination_id == nomination_id, Objection.person_id == person_id
            )
        )
    )


def unanswered(session: Session, season_id: int | None = None) -> int:
    query = (
        select(func.count())
        .select_from(Objection)
        .join(Nomination, col(Objection.nomination_id) == col(Nomination.id))
        .where(col(Objection.answered_at).is_(None), Nomination.status == Status.SHORTLISTED)
    )
    if season_id is not None:
        query = query.where(Nomination.season_id == season_id)
    return session.exec(query).one()


def to_check(session: Session) -> int:
    return session.exec(
        select(func.count()).select_from(Nomination).where(Nomination.status == Status.NOMINATED)
    ).one()


def proposed_by_others(session: Session, person_id: int) -> int:
    """Seasons whose winners wait for a second person."""
    return session.exec(
        select(func.count())
        .select_from(AwardRound)
        .where(AwardRound.status == Round.PROPOSED, AwardRound.proposed_by != person_id)
    ).one()


def fallen(session: Session) -> list[tuple[int, Status]]:
    """Running or won, and what it stands on does not stand any more."""
    rows = session.exec(
        select(Nomination.id, Nomination.status)
        .join(Organisation, col(Nomination.organisation_id) == col(Organisation.id))
        .join(Case, col(Nomination.case_id) == col(Case.id), isouter=True)
        .where(col(Nomination.status).in_((*RUNNING, Status.WON)), ~stands())
        .order_by(col(Nomination.id))
    )
    return [(i or 0, Status(status)) for i, status in rows]
