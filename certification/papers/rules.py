"""How a paper is drawn from a bank, and how its options are laid out. The same seed gives the same paper."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from certification.banks.rules import QuestionKind

TRIES = 50  # draws before enemies are said to make a paper impossible
Blueprint = Mapping[str, int | Mapping[str, int]]  # topic → questions, or topic → level → questions
Cell = tuple[str, int | None]


@dataclass(frozen=True)
class Item:
    """A question as the draw sees it."""

    id: int
    topic: str
    group: str
    options: int
    fixed: tuple[int, ...] = ()  # options, from 1, that stay where they are: "all of these"
    level: int = 1
    kind: str = QuestionKind.ONE
    points: int = 1
    pilot: bool = False
    enemies: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Place:
    """One question of a paper and the order its options are shown in (numbers as in the bank, from 1)."""

    question: int
    options: tuple[int, ...]
    pilot: bool = False
    kind: str = QuestionKind.ONE

    def as_json(self) -> dict[str, Any]:
        """As a sitting keeps it."""
        kept: dict[str, Any] = {"question": self.question, "options": list(self.options)}
        if self.kind != QuestionKind.ONE:
            kept["kind"] = str(self.kind)
        return kept | ({"pilot": True} if self.pilot else {})

    def shown(self, chosen: Sequence[int]) -> list[int]:
        """An answer in bank numbers → as the page shows it: places on it, from 1."""
        if self.kind == QuestionKind.ORDER:
            return [chosen[o - 1] if o <= len(chosen) else 0 for o in self.options]
        if self.kind == QuestionKind.MATCH:
            return [self.options.index(c) + 1 if c in self.options else 0 for c in chosen]
        return sorted(self.options.index(c) + 1 for c in chosen if c in self.options)

    def chosen(self, shown: Sequence[int]) -> list[int]:
        """What the page sent → an answer in bank numbers; what is no place is left out or 0."""
        n = len(self.options)
        if self.kind == QuestionKind.ORDER:
            given = {o: s if 1 <= s <= n else 0 for o, s in zip(self.options, shown, strict=False)}
            return [given.get(o, 0) for o in range(1, n + 1)] if any(given.values()) else []
        if self.kind == QuestionKind.MATCH:
            found = [self.options[s - 1] if 1 <= s <= n else 0 for s in shown]
            return found if any(found) else []
        return sorted({self.options[s - 1] for s in shown if 1 <= s <= n})


def share_out(weights: Mapping[str, int], total: int) -> dict[str, int]:
    """`total` questions in proportion to the weights (largest remainder; ties by name)."""
    everything = sum(weights.values())
    exact = {key: total * weight / everything for key, weight in weights.items()}
    shares = {key: int(value) for key, value in exact.items()}
    for key in sorted(exact, key=lambda k: (shares[k] - exact[k], k))[: total - sum(shares.values())]:
        shares[key] += 1
    return shares


def cells(blueprint: Blueprint) -> dict[Cell, int]:
    """(topic, level or None for any) → questions, in a fixed order."""
    found: dict[Cell, int] = {}
    for topic, plan in sorted(blueprint.items()):
        if isinstance(plan, Mapping):
            found |= {(topic, int(level)): count for level, count in sorted(plan.items())}
        else:
            found[topic, None] = plan
    return found


def size(blueprint: Blueprint) -> int:
    return sum(cells(blueprint).values())


def scaled(blueprint: Blueprint, total: int) -> Blueprint:
    """The same plan for another number of questions; levels keep their proportions too."""
    if size(blueprint) == total:
        return blueprint
    named = {f"{topic}\0{level or ''}": n for (topic, level), n in cells(blueprint).items()}
    plan: dict[str, int | dict[str, int]] = {}
    for name, count in share_out(named, total).items():
        topic, _, level = name.partition("\0")
        if level:
            plan.setdefault(topic, {})[level] = count  # type: ignore[index]
        else:
            plan[topic] = count
    return plan


@dataclass(frozen=True)
class Wear:
    """What speaks against asking a question again: this person saw it, or too many have of late."""

    seen: frozenset[int] = field(default_factory=frozenset)
    often: frozenset[int] = field(default_factory=frozenset)

    def rank(self, item: int) -> int:
        return 2 if item in self.seen else 1 if item in self.often else 0


def draw(
    blueprint: Blueprint, items: Iterable[Item], seed: str, *, wear: Wear | None = None, pilots: int = 0
) -> list[int]:
    """The questions of a paper: so many a topic and level, spread over the groups as evenly as they allow.

    Enemies never stand together. A question this person has seen, or that is over its exposure cap, is taken
    only when a group has no other. `pilots` unscored ones are mixed in, as many as there are.
    The same seed, items and wear give the same paper. ValueError when the bank cannot fill the plan.
    """
    pool = sorted(items, key=lambda item: item.id)
    scored = [item for item in pool if not item.pilot]
    plan = cells(blueprint)
    for (topic, level), count in plan.items():
        if sum(i.topic == topic and level in (None, i.level) for i in scored) < count:
            raise ValueError(f"topic {topic} has fewer than {count} questions")
    for attempt in range(TRIES):
        rng = random.Random(f"{seed}/{attempt}" if attempt else seed)  # noqa: S311  replayed; the seed is the secret
        paper = _draw_once(plan, scored, rng, wear or Wear())
        if paper is not None:
            barred = frozenset[int]().union(*(i.enemies for i in pool if i.id in set(paper)))
            trial = [i.id for i in pool if i.pilot and i.id not in barred]
            paper += rng.sample(trial, min(pilots, len(trial)))
            rng.shuffle(paper)
            return paper
    raise ValueError("questions that exclude each other leave too few for this plan")


def _draw_once(
    plan: Mapping[Cell, int], items: Sequence[Item], rng: random.Random, wear: Wear
) -> list[int] | None:
    paper: list[int] = []
    taken: set[int] = set()
    barred: set[int] = set()
    for (topic, level), count in plan.items():
        groups: dict[str, list[Item]] = {}
        for item in items:
            if item.topic == topic and level in (None, item.level):
                groups.setdefault(item.group, []).append(item)
        order = list(groups)
        rng.shuffle(order)
        for group in groups.values():
            rng.shuffle(group)
            group.sort(key=lambda item: -wear.rank(item.id))  # the fresh ones are taken from the end
        had = 0
        while had < count:  # round after round, one from each group that has any left
            before = had
            for name in order:
                group = groups[name]
                while had < count and group:
                    item = group.pop()
                    if item.id not in barred and item.id not in taken:
                        paper.append(item.id)
                        taken.add(item.id)
                        barred |= item.enemies
                        had += 1
                        break
            if had == before:
                return None
    return paper


def lay_out(paper: Sequence[int], items: Iterable[Item], seed: str) -> list[Place]:
    """Each question with its options in an order of this sitting; fixed ones stay where they are."""
    rng = random.Random(f"{seed}/options")  # noqa: S311
    known = {item.id: item for item in items}
    places = []
    for question in paper:
        item = known[question]
        loose = [n for n in range(1, item.options + 1) if n not in item.fixed]
        if item.kind != QuestionKind.TRUE_FALSE:
            rng.shuffle(loose)
        following = iter(loose)
        order = tuple(n if n in item.fixed else next(following) for n in range(1, item.options + 1))
        places.append(Place(question, order, item.pilot, item.kind))
    return places


# ——— Fixed forms ———


class FormStatus(StrEnum):
    WANTED = "wanted"  # asked for; a job looks for its questions
    FAILED = "failed"
    DRAFT = "draft"
    IN_USE = "in_use"
    RETIRED = "retired"


FORM_MOVES = {
    (FormStatus.WANTED, "made"): FormStatus.DRAFT,
    (FormStatus.WANTED, "fail"): FormStatus.FAILED,
    (FormStatus.DRAFT, "use"): FormStatus.IN_USE,
    (FormStatus.DRAFT, "retire"): FormStatus.RETIRED,
    (FormStatus.FAILED, "retire"): FormStatus.RETIRED,
    (FormStatus.IN_USE, "retire"): FormStatus.RETIRED,
}


def next_form(counts: Mapping[int, int], seed: str) -> int:
    """The form with the fewest sittings; the seed decides between equals. `counts` is not empty."""
    least = min(counts.values())
    rng = random.Random(f"{seed}/form")  # noqa: S311
    return rng.choice(sorted(form for form, count in counts.items() if count == least))


def fill(form: Sequence[int], items: Iterable[Item], seed: str, *, pilots: int = 0) -> list[int]:
    """The questions of a fixed form in an order of this sitting, with up to `pilots` unscored ones mixed in."""
    pool = sorted(items, key=lambda item: item.id)
    rng = random.Random(seed)  # noqa: S311
    paper = sorted(form)
    barred = frozenset[int]().union(*(i.enemies for i in pool if i.id in set(paper)))
    trial = [i.id for i in pool if i.pilot and i.id not in barred and i.id not in paper]
    paper += rng.sample(trial, min(pilots, len(trial)))
    rng.shuffle(paper)
    return paper


# ——— Numbers kept short ———


def ranges(ids: Iterable[int]) -> str:
    """1, 2, 3, 7 → "1-3,7": the pool of a draw, kept with the sitting so that it can be drawn again."""
    parts: list[list[int]] = []
    for i in sorted(set(ids)):
        if parts and parts[-1][1] == i - 1:
            parts[-1][1] = i
        else:
            parts.append([i, i])
    return ",".join(f"{a}-{b}" if a < b else str(a) for a, b in parts)


def in_ranges(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def worn(papers: Sequence[Sequence[int]], cap: float, least: int) -> frozenset[int]:
    """The questions that stood in more than the share `cap` of the papers; none before there are `least` papers."""
    if len(papers) < least:
        return frozenset()
    counts: dict[int, int] = {}
    for paper in papers:
        for question in paper:
            counts[question] = counts.get(question, 0) + 1
    return frozenset(q for q, n in counts.items() if n > cap * len(papers))
