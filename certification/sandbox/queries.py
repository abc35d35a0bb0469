"""Drafts, back-tests and their lines; what a back-test reads of organisations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, or_, select

from certification.sandbox.models import Backtest, BacktestLine, ProgrammeDraft
from certification.sandbox.rules import CHUNK, BacktestStatus, DraftStatus
from certification.standing.models import Level
from certification.standing.rules import LEVELS, PUBLIC
from portal.accounts.models import Person
from portal.history.models import History
from portal.ledger.models import LedgerChange
from portal.organisations.models import Organisation
from portal.organisations.rules import Kind, Trust
from portal.programme.models import ProgrammeVersion

WROTE = ("draft of rules opened", "draft of rules saved", "draft of rules handed in")


@dataclass(frozen=True)
class DraftRow:
    draft: ProgrammeDraft
    opened_by: str
    base: str  # version that it was begun from


def draft_with(session: Session, draft_id: int, *, lock: bool = False) -> ProgrammeDraft | None:
    query = select(ProgrammeDraft).where(ProgrammeDraft.id == draft_id)
    return session.exec(query.with_for_update() if lock else query).first()


def drafts(session: Session, limit: int = 50) -> list[DraftRow]:
    """Newest first."""
    rows = session.exec(
        select(ProgrammeDraft, Person.name, ProgrammeVersion.version)
        .join(Person, col(Person.id) == col(ProgrammeDraft.opened_by))
        .join(ProgrammeVersion, col(ProgrammeVersion.id) == col(ProgrammeDraft.base_id))
        .order_by(col(ProgrammeDraft.id).desc())
        .limit(limit)
    )
    return [DraftRow(*row) for row in rows]


def drafts_waiting(session: Session) -> int:
    return session.exec(
        select(func.count()).select_from(ProgrammeDraft).where(ProgrammeDraft.status == DraftStatus.IN_REVIEW)
    ).one()


def authors_of(session: Session, draft_id: int) -> set[int]:
    """Everybody who wrote in it or handed it in, as the record knows."""
    rows = session.exec(
        select(History.actor_id)
        .where(
            History.subject_kind == "programme_draft",
            History.subject_id == draft_id,
            col(History.verb).in_(WROTE),
        )
        .distinct()
    )
    return {r for r in rows if r is not None}


def latest_backtest(session: Session, draft_id: int) -> Backtest | None:
    return session.exec(
        select(Backtest)
        .where(Backtest.draft_id == draft_id, Backtest.status != BacktestStatus.STOPPED)
        .order_by(col(Backtest.id).desc())
        .limit(1)
    ).first()


def backtests_of(session: Session, draft_id: int) -> list[Backtest]:
    return list(session.exec(select(Backtest).where(Backtest.draft_id == draft_id).with_for_update()))


def backtest_with(session: Session, backtest_id: int, *, lock: bool = False) -> Backtest | None:
    query = select(Backtest).where(Backtest.id == backtest_id).execution_options(populate_existing=True)
    return session.exec(query.with_for_update() if lock else query).first()


def backtests_left(session: Session, before: datetime) -> list[int]:
    """Those that nobody has worked on since then."""
    rows = session.exec(
        select(Backtest.id).where(Backtest.status == BacktestStatus.RUNNING, Backtest.touched_at < before)
    )
    return [r or 0 for r in rows]


def to_tell(session: Session, before: datetime) -> list[int]:
    """Back-tests whose draft was published before then and whose holders have not all been told."""
    rows = session.exec(
        select(Backtest.id)
        .join(ProgrammeDraft, col(ProgrammeDraft.id) == col(Backtest.draft_id))
        .where(
            ProgrammeDraft.status == DraftStatus.PUBLISHED,
            col(ProgrammeDraft.decided_at) < before,
            Backtest.status == BacktestStatus.DONE,
            col(Backtest.told_at).is_(None),
        )
    )
    return [r or 0 for r in rows]


_LOOKED_AT = (
    Organisation.kind == Kind.PROVIDER,
    col(Organisation.trust).not_in([Trust.SUSPENDED, Trust.CLOSED]),
)


def how_many_providers(session: Session) -> int:
    return session.exec(select(func.count()).select_from(Organisation).where(*_LOOKED_AT)).one()


@dataclass(frozen=True)
class Provider:
    id: int
    directions: list[str]
    province: str


def providers_after(session: Session, after: int, limit: int = CHUNK) -> list[Provider]:
    rows = session.exec(
        select(Organisation.id, Organisation.directions, Organisation.province)
        .where(*_LOOKED_AT, col(Organisation.id) > after)
        .order_by(col(Organisation.id))
        .limit(limit)
    )
    return [Provider(i or 0, list(d), p) for i, d, p in rows]


def public_levels_of(session: Session, organisations: Sequence[int]) -> list[Level]:
    return list(
        session.exec(
            select(Level).where(col(Level.organisation_id).in_(organisations), col(Level.status).in_(PUBLIC))
        )
    )


def not_yet_computed(session: Session, organisations: Sequence[int], now: datetime) -> set[int]:
    """Organisations whose level waits for a sweep: written about, or their moment has come."""
    written = session.exec(
        select(LedgerChange.organisation_id).where(col(LedgerChange.organisation_id).in_(organisations))
    )
    due = session.exec(
        select(Level.organisation_id).where(
            col(Level.organisation_id).in_(organisations),
            col(Level.status).in_(PUBLIC),
            or_(col(Level.look_at).is_(None), col(Level.look_at) <= now),
        )
    )
    return {*written, *due}


def differences(session: Session, backtest_id: int) -> list[float]:
    return list(session.exec(select(BacktestLine.difference).where(BacktestLine.backtest_id == backtest_id)))


@dataclass(frozen=True)
class Shown:
    line: BacktestLine
    name: str


@dataclass(frozen=True)
class Filter:
    """What of a back-test is shown. Empty: everything. `only`: an outcome under the draft, `moves`, or everything."""

    family: str = ""
    province: str = ""
    size: str = ""
    held: str = ""
    only: str = "moves"


def lines_of(
    session: Session, backtest_id: int, wanted: Filter, *, after: int = 0, limit: int = 50
) -> list[Shown]:
    query = (
        select(BacktestLine, Organisation.short_name)
        .join(Organisation, col(Organisation.id) == col(BacktestLine.organisation_id))
        .where(*_conditions(backtest_id, wanted), col(BacktestLine.id) > after)
    )
    return [Shown(*row) for row in session.exec(query.order_by(col(BacktestLine.id)).limit(limit))]


def how_many_lines(session: Session, backtest_id: int, wanted: Filter) -> int:
    return session.exec(
        select(func.count()).select_from(BacktestLine).where(*_conditions(backtest_id, wanted))
    ).one()


def _conditions(backtest_id: int, wanted: Filter) -> list[Any]:
    found: list[Any] = [BacktestLine.backtest_id == backtest_id]
    for column, value in (
        (BacktestLine.family, wanted.family),
        (BacktestLine.province, wanted.province),
        (BacktestLine.size, wanted.size),
    ):
        if value:
            found.append(column == value)
    if wanted.held:
        found.append(BacktestLine.held == int(wanted.held))
    if wanted.only == "moves":
        found.append(col(BacktestLine.moves))
    elif wanted.only != "all":
        found.append(BacktestLine.after == wanted.only)
    return found


def holders_after(session: Session, backtest_id: int, after: int, limit: int = 50) -> list[BacktestLine]:
    """Lines of organisations that hold a level, for the letters to them."""
    return list(
        session.exec(
            select(BacktestLine)
            .where(
                BacktestLine.backtest_id == backtest_id,
                BacktestLine.held >= LEVELS[0],
                col(BacktestLine.id) > after,
            )
            .order_by(col(BacktestLine.id))
            .limit(limit)
        )
    )


@dataclass(frozen=True)
class Names:
    opened: str
    submitted: str | None
    decided: str | None


def names_of(session: Session, draft: ProgrammeDraft) -> Names:
    """Who opened it, handed it in, decided on it."""
    submitted, decided = aliased(Person), aliased(Person)
    row = session.exec(
        select(Person.name, submitted.name, decided.name)
        .select_from(ProgrammeDraft)
        .join(Person, col(Person.id) == col(ProgrammeDraft.opened_by))
        .join(submitted, col(submitted.id) == col(ProgrammeDraft.submitted_by), isouter=True)
        .join(decided, col(decided.id) == col(ProgrammeDraft.decided_by), isouter=True)
        .where(ProgrammeDraft.id == draft.id)
    ).one()
    return Names(*row)
