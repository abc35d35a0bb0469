"""A back-test chunk by chunk: reads and computes, writes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from certification.sandbox import queries
from certification.sandbox.models import BacktestLine
from certification.sandbox.rules import BacktestStatus, Compared, compared, held_at, moments, size_of
from certification.standing.actions import clocks_of, rules_for
from certification.standing.evidence import Evidence
from certification.standing.home import family_of
from certification.standing.models import Level
from certification.standing.rules import Family, LevelStatus, judge
from portal.ledger.queries import facts_of_many
from portal.ledger.rules import FactKind, FactRow
from portal.organisations.models import Organisation
from portal.programme.queries import programme_by_id


@dataclass(frozen=True)
class Computed:
    """A chunk of organisations: what is to be written, and whether what is predicted is what the tables hold."""

    after: int
    last: int
    organisations: int
    lines: list[BacktestLine]
    counted: list[tuple[Mapping[str, str], Compared]]
    levels: int
    differ: list[int]
    waiting: int


def compute_chunk(session: Session, backtest_id: int, *, now: datetime) -> Computed | None:
    """Reads and computes, writes nothing. None when the back-test is not running any more."""
    backtest = queries.backtest_with(session, backtest_id)
    if backtest is None or backtest.status is not BacktestStatus.RUNNING:
        return None
    providers = queries.providers_after(session, backtest.last_id)
    ids = [p.id for p in providers]
    facts = facts_of_many(session, ids) if ids else {}
    old = programme_by_id(session, backtest.version_id).content
    new = backtest.content if backtest.content != old else old
    levels = queries.public_levels_of(session, ids)
    running = {
        (level.organisation_id, level.family.value): {c.key: c for c in clocks_of(level)} for level in levels
    }
    waiting = queries.not_yet_computed(session, ids, now) if ids else set()
    lines: list[BacktestLine] = []
    figures: list[tuple[Mapping[str, str], Compared]] = []
    for provider in providers:
        for family in _families(provider, facts[provider.id]):
            own = facts[provider.id]
            *quarters, today = moments(backtest.at)
            seen = [compared(own, family, at, old, new) for at in quarters]
            seen.append(compared(own, family, today, old, new, running.get((provider.id, family))))
            line = _line(backtest_id, provider, family, seen, size_of(facts[provider.id], backtest.at))
            lines.append(line)
            places = {
                "family": family,
                "province": line.province,
                "size": line.size,
                "stars": str(line.held),
            }
            figures += [({}, one) for one in seen[:-1]] + [(places, seen[-1])]
    return Computed(
        backtest.last_id,
        ids[-1] if ids else 0,
        len(ids),
        lines,
        figures,
        len(levels),
        [
            level.organisation_id
            for level in levels
            if level.organisation_id not in waiting
            and not _as_predicted(session, level, facts[level.organisation_id], now)
        ],
        len({level.organisation_id for level in levels} & waiting),
    )


def _families(provider: queries.Provider, facts: Sequence[FactRow]) -> list[str]:
    """That which it works in, and those in which it holds or held a level."""
    own = family_of(Organisation(directions=provider.directions)).value  # type: ignore[call-arg]
    held = {str(f.value["family"]) for f in facts if f.kind == FactKind.LEVEL}
    return sorted({own, *held})


def _line(
    backtest_id: int, provider: queries.Provider, family: str, seen: Sequence[Compared], size: str
) -> BacktestLine:
    today = seen[-1]
    return BacktestLine(
        backtest_id=backtest_id,
        organisation_id=provider.id,
        family=Family(family),
        province=provider.province,
        size=size,
        held=today.held,
        before=today.before.outcome,
        after=today.after.outcome,
        moves=today.moves,
        difference=today.difference,
        moments=[one.as_data() for one in seen],
    )


def _as_predicted(session: Session, level: Level, facts: Sequence[FactRow], now: datetime) -> bool:
    """What the rules that judge a level say of it is what the table holds: its stars, its clocks, its state."""
    rules = rules_for(session, level, now)
    evidence = Evidence(facts, now, rules)
    failing = judge(evidence, level.family, level.stars).failing()
    running = {c.key for c in clocks_of(level)}
    return (
        held_at(evidence, level.family) == level.stars
        and running == set(failing)
        and (level.status is LevelStatus.ACTIVE) == (not failing)
    )
