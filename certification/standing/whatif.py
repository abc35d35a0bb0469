"""What the level would be if something were otherwise. Pure: it makes other facts or takes other rules, and writes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from certification.standing.movement import grace_of
from certification.standing.rules import Gate, Metric, Tree, evaluate
from portal.ledger.rules import FactKind, FactRow

SUPPOSED = 0  # the number of a fact that is not in the ledger


def without_person(facts: Sequence[FactRow], person_id: int, at: datetime) -> list[FactRow]:
    """They left at that moment: the certificates stay theirs and count here no more."""
    return [
        replace(f, true_until=at)
        if f.kind == FactKind.EMPLOYMENT and f.person_id == person_id and f.holds(at)
        else f
        for f in facts
    ]


def supposed(
    kind: FactKind,
    at: datetime,
    *,
    organisation_id: int | None = None,
    person_id: int | None = None,
    **value: Any,
) -> FactRow:
    """A fact as it would be written at that moment."""
    return FactRow(SUPPOSED, kind.value, organisation_id, person_id, at, None, at, None, value)


@dataclass(frozen=True)
class Change:
    """A metric or gate that would come out otherwise."""

    before: Metric | Gate
    after: Metric | Gate


@dataclass(frozen=True)
class Comparison:
    before: Tree
    after: Tree
    changes: tuple[Change, ...]
    lost: tuple[tuple[str, datetime], ...]  # what would not be met any more → when its grace would end
    won: tuple[str, ...]  # what would be met


def compare(before: Tree, after: Tree, rules: Mapping[str, Any]) -> Comparison:
    """Two trees of the same number of stars; `rules` are those of the second."""
    pairs = [*_pairs(before.metrics, after.metrics), *_pairs(before.gates, after.gates)]
    failed, fails = before.failing(), after.failing()
    return Comparison(
        before,
        after,
        tuple(Change(a, b) for a, b in pairs if _figures(a) != _figures(b)),
        tuple((key, after.at + grace_of(after, key, rules)) for key in fails if key not in failed),
        tuple(key for key in failed if key not in fails),
    )


def _pairs(before: Sequence[Any], after: Sequence[Any]) -> list[tuple[Any, Any]]:
    known = {item.key: item for item in before}
    return [(known[item.key], item) for item in after if item.key in known]


def _figures(item: Metric | Gate) -> tuple[Any, ...]:
    if isinstance(item, Gate):
        return (item.value, item.limit, item.met)
    return (item.value, item.gate, item.target, item.points, item.met)


def what_if(
    facts: Sequence[FactRow],
    family: str,
    stars: int,
    at: datetime,
    rules: Mapping[str, Any],
    *,
    leave: Sequence[int] = (),
    come: Sequence[FactRow] = (),
    by: Mapping[str, Any] | None = None,
) -> Comparison:
    """The tree as it is beside the one where these people leave, these facts come, and other rules judge."""
    before = evaluate(facts, family, stars, at, rules)
    other = [*facts, *come]
    for person_id in leave:
        other = without_person(other, person_id, at)
    after = evaluate(other, family, stars, at, by or rules)
    return compare(before, after, by or rules)
