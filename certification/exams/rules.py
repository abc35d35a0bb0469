"""What an exam asks, when it may be sat, how its clock runs and how it is marked. The same for every bank."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from portal.programme.rules import Programme
from portal.refusal import Refused, mark
from portal.rights.rules import Holder, require

GRACE = timedelta(seconds=30)  # for an answer that was on its way when the clock ran out
ATTEMPTS_IN = timedelta(days=30)


class QuestionKind(StrEnum):
    ONE = "one"
    SEVERAL = "several"  # right with all of the keys and nothing else


class SittingStatus(StrEnum):
    OPEN = "open"
    HANDED_IN = "handed_in"
    TIMED_OUT = "timed_out"
    MARKED = "marked"
    VOIDED = "voided"


MOVES = {
    (SittingStatus.OPEN, "hand_in"): SittingStatus.HANDED_IN,
    (SittingStatus.OPEN, "time_out"): SittingStatus.TIMED_OUT,
    (SittingStatus.HANDED_IN, "mark"): SittingStatus.MARKED,
    (SittingStatus.TIMED_OUT, "mark"): SittingStatus.MARKED,
    (SittingStatus.OPEN, "void"): SittingStatus.VOIDED,
    (SittingStatus.HANDED_IN, "void"): SittingStatus.VOIDED,
    (SittingStatus.TIMED_OUT, "void"): SittingStatus.VOIDED,
    (SittingStatus.MARKED, "void"): SittingStatus.VOIDED,
}


# ——— The paper ———


@dataclass(frozen=True)
class Item:
    """A question as the draw sees it."""

    id: int
    topic: str
    group: str
    options: int
    fixed: tuple[int, ...] = ()  # options, from 1, that stay where they are: "all of these"


@dataclass(frozen=True)
class Place:
    """One question of a paper and the order its options are shown in (numbers as in the bank, from 1)."""

    question: int
    options: tuple[int, ...]

    def shown(self, chosen: Iterable[int]) -> list[int]:
        """Bank numbers → places on the page, from 1."""
        return sorted(self.options.index(c) + 1 for c in chosen if c in self.options)

    def chosen(self, shown: Iterable[int]) -> list[int]:
        """Places on the page → bank numbers; what is no place is left out."""
        return sorted({self.options[s - 1] for s in shown if 1 <= s <= len(self.options)})


def share_out(weights: Mapping[str, int], total: int) -> dict[str, int]:
    """`total` questions in proportion to the weights (largest remainder; ties by name)."""
    everything = sum(weights.values())
    exact = {key: total * weight / everything for key, weight in weights.items()}
    shares = {key: int(value) for key, value in exact.items()}
    for key in sorted(exact, key=lambda k: (shares[k] - exact[k], k))[: total - sum(shares.values())]:
        shares[key] += 1
    return shares


def draw(blueprint: Mapping[str, int], items: Iterable[Item], seed: str) -> list[int]:
    """The questions of a paper: so many a topic, spread over its groups as evenly as they allow.

    The same seed and items give the same paper. ValueError when a topic has too few questions.
    """
    rng = random.Random(seed)  # noqa: S311  to be replayed, not to keep a secret: the seed is drawn by `secrets`
    pool = sorted(items, key=lambda item: item.id)
    paper: list[int] = []
    for topic, count in sorted(blueprint.items()):
        groups: dict[str, list[int]] = {}
        for item in pool:
            if item.topic == topic:
                groups.setdefault(item.group, []).append(item.id)
        if sum(map(len, groups.values())) < count:
            raise ValueError(f"topic {topic} has fewer than {count} questions")
        order = list(groups)
        rng.shuffle(order)
        for ids in groups.values():
            rng.shuffle(ids)
        taken: list[int] = []
        while len(taken) < count:  # round after round, one from each group that has any left
            for group in order:
                if groups[group] and len(taken) < count:
                    taken.append(groups[group].pop())
        paper += taken
    rng.shuffle(paper)
    return paper


def lay_out(paper: Sequence[int], items: Iterable[Item], seed: str) -> list[Place]:
    """Each question with its options in an order of this sitting; fixed ones stay where they are."""
    rng = random.Random(f"{seed}/options")  # noqa: S311
    known = {item.id: item for item in items}
    places = []
    for question in paper:
        item = known[question]
        loose = [n for n in range(1, item.options + 1) if n not in item.fixed]
        rng.shuffle(loose)
        following = iter(loose)
        places.append(
            Place(
                question, tuple(n if n in item.fixed else next(following) for n in range(1, item.options + 1))
            )
        )
    return places


# ——— The clock ———


def end_of(start: datetime, minutes: int, accommodation: float = 1.0) -> datetime:
    return start + timedelta(minutes=minutes * accommodation)


def is_late(ends_at: datetime, now: datetime) -> bool:
    """Past the end and the grace: nothing more is taken."""
    return now > ends_at + GRACE


def seconds_left(ends_at: datetime, now: datetime) -> int:
    return max(0, int((ends_at - now).total_seconds()))


def is_stale(stored: int, sent: int, *, same: bool) -> bool:
    """A newer one is stored than the page had seen. The same answer sent again is not stale."""
    return sent < stored or (sent == stored and not same)


# ——— Marks ———


def is_right(key: Iterable[int], chosen: Iterable[int]) -> bool:
    """All of the keys and only the keys; one key or several, the rule is the same."""
    return set(chosen) == set(key)


@dataclass(frozen=True)
class Marked:
    score: int
    of: int
    topics: dict[str, tuple[int, int]] = field(hash=False)  # topic → right, asked
    groups: dict[str, tuple[int, int]] = field(hash=False)

    def as_json(self) -> dict[str, Any]:
        return {
            "score": self.score,
            "of": self.of,
            "topics": {k: list(v) for k, v in self.topics.items()},
            "groups": {k: list(v) for k, v in self.groups.items()},
        }


@dataclass(frozen=True)
class Asked:
    """A question of a sitting with the answer it got."""

    topic: str
    group: str
    key: tuple[int, ...]
    chosen: tuple[int, ...]


def mark_paper(asked: Iterable[Asked]) -> Marked:
    topics: dict[str, tuple[int, int]] = {}
    groups: dict[str, tuple[int, int]] = {}
    score = total = 0
    for one in asked:
        right = int(is_right(one.key, one.chosen))
        score, total = score + right, total + 1
        for table, name in ((topics, one.topic), (groups, one.group)):
            had, of = table.get(name, (0, 0))
            table[name] = (had + right, of + 1)
    return Marked(score, total, dict(sorted(topics.items())), dict(sorted(groups.items())))


# ——— May it be sat? ———


@dataclass(frozen=True)
class Terms:
    """What holds for a sitting that starts now."""

    questions: int
    minutes: int
    pass_marks: int
    attempts: int  # in 30 days
    cooldown: timedelta  # after a failed sitting
    bank_min: int
    blueprint: dict[str, int] = field(hash=False)


def terms_of(
    programme: Programme, certificate: str | None, blueprint: Mapping[str, int], minutes: int, pass_marks: int
) -> Terms:
    """A certificate's paper follows the programme in force; another exam has terms of its own."""
    if certificate is None:
        paper, asked = programme["exams"], sum(blueprint.values())
        return Terms(
            asked,
            minutes,
            pass_marks,
            paper["attempts_per_30d"],
            timedelta(days=paper["cooldown_d"]),
            asked,
            dict(blueprint),
        )
    paper = programme.certificate(certificate)["paper"]
    asked = paper["questions"]
    plan = dict(blueprint) if sum(blueprint.values()) == asked else share_out(blueprint, asked)
    return Terms(
        asked,
        paper["minutes"],
        -(-asked * paper["pass"] // 100),
        paper["attempts_per_30d"],
        timedelta(days=paper["cooldown_d"]),
        paper["bank_min_per_exam"],
        plan,
    )


@dataclass(frozen=True)
class Attempt:
    started_at: datetime
    ended_at: datetime | None  # None while it is open
    passed: bool
    voided: bool = False


@dataclass(frozen=True)
class Why:
    """Why an exam can't be started now: a sentence (catalogue key), until when, and where to mend it."""

    text: str
    values: dict[str, Any] = field(default_factory=dict, hash=False)
    until: datetime | None = None  # fills %(when)s
    path: str = ""


def why_not_start(
    *,
    terms: Terms,
    certificate: str | None,
    programme: Programme,
    holder: Holder | None,
    unfinished: int,
    lessons: int,
    needs: Mapping[str, bool],
    held: Mapping[str, datetime | None],
    attempts: Sequence[Attempt],
    bank: int,
    renewal_opens: timedelta,
    now: datetime,
) -> list[Why]:
    """Every reason at once; empty when it may be started.

    `holder` is the organisation (None: the person acts for none); `unfinished` of `lessons` are left;
    `needs`: certificates that must be held first, and whether they are; `held`: certificates now held
    and their ends; `attempts`: earlier sittings of this exam; `bank`: questions there are.
    """
    whys = []
    if certificate is not None and holder is None:
        whys.append(
            Why(
                mark(
                    "Certificate exams are open to people of a verified organisation. "
                    "Register yours, or ask a colleague for an invitation."
                ),
                path="/my/organisation/new",
            )
        )
    if holder is not None:
        try:
            require(programme, holder, "learn" if certificate is None else "certificate")
        except Refused as refused:
            whys.append(Why(refused.message, path="/my/verification"))
    if bank < max(terms.bank_min, terms.questions):
        whys.append(Why(mark("The questions for this exam are still being written.")))
    if unfinished:
        whys.append(
            Why(
                mark("Finish the lessons first: %(left)s of %(all)s are left."),
                {"left": unfinished, "all": lessons},
                path="/my/learning",
            )
        )
    whys += [
        Why(mark("Certificate %(code)s comes first."), {"code": code}, path="/my/exams")
        for code, has in needs.items()
        if not has
    ]
    if certificate is not None and certificate in held:
        until = held[certificate]
        opens = until and until - renewal_opens
        if opens is None:
            whys.append(Why(mark("You hold this certificate, and it does not run out.")))
        elif now < opens:
            whys.append(
                Why(
                    mark(
                        "You hold this certificate. You can sit the exam again for its renewal from %(when)s."
                    ),
                    until=opens,
                )
            )
    return whys + _too_many(terms, [a for a in attempts if not a.voided], now)


def _too_many(terms: Terms, attempts: Sequence[Attempt], now: datetime) -> list[Why]:
    whys = []
    recent = sorted(a.started_at for a in attempts if a.started_at > now - ATTEMPTS_IN)
    if len(recent) >= terms.attempts:
        whys.append(
            Why(
                mark("You have used your %(n)s sittings of these 30 days. The next is open from %(when)s."),
                {"n": terms.attempts},
                until=recent[-terms.attempts] + ATTEMPTS_IN,
            )
        )
    failed = max((a.ended_at for a in attempts if a.ended_at and not a.passed), default=None)
    if failed and now < failed + terms.cooldown:
        whys.append(
            Why(
                mark(
                    "After a sitting that was not passed there is a pause of %(days)s days. "
                    "You can sit it again from %(when)s."
                ),
                {"days": terms.cooldown.days},
                until=failed + terms.cooldown,
            )
        )
    return whys


def opens_again(whys: Iterable[Why]) -> datetime | None:
    """When waiting alone opens it; None when something else is missing or nothing is."""
    found = list(whys)
    return max((w.until for w in found if w.until), default=None) if all(w.until for w in found) else None
