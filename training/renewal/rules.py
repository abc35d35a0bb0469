"""Mandatory courses hold for a while: until when, what that means today, and what renews them. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from portal.ledger.rules import FactKind, FactRow
from portal.programme.rules import Programme, Text
from training.tracks.rules import Practice

PASS_SHARE = 0.8  # of all practice questions of the track, in one go
AT_LEAST = timedelta(days=7)  # to renew what had ended before anybody was told


class State(StrEnum):
    NEVER = "never"
    VALID = "valid"
    ENDS_SOON = "ends_soon"
    ENDED = "ended"


@dataclass(frozen=True)
class Course:
    """How a person stands with a mandatory track."""

    code: str
    title: Text
    until: datetime | None  # None: never finished
    state: State


def mandatory(programme: Programme) -> list[str]:
    """Codes of the tracks that everybody renews."""
    return [t["code"] for t in programme["tracks"] if t.get("mandatory")]


def state_of(until: datetime | None, now: datetime, soon: timedelta) -> State:
    if until is None:
        return State.NEVER
    if until <= now:
        return State.ENDED
    return State.ENDS_SOON if until - now <= soon else State.VALID


def holds_until(code: str, programme: Programme, facts: Iterable[FactRow], now: datetime) -> datetime | None:
    """Until when the track holds by a person's facts: a time after its last module, or what a renewal says."""
    ends, finished = [], {}
    for fact in facts:
        if not fact.known(now):
            continue
        if fact.kind == FactKind.COURSE and fact.value.get("track") == code and fact.true_until:
            ends.append(fact.true_until)
        elif fact.kind == FactKind.TRAINING:
            finished[fact.value.get("module")] = fact.true_from
    keys = {f"{code}/{n}" for n in range(1, len(programme.track(code)["modules"]) + 1)}
    if keys <= finished.keys():
        ends.append(max(finished[key] for key in keys) + programme.course_valid)
    return max(ends, default=None)


def courses(programme: Programme, facts: Sequence[FactRow], now: datetime) -> list[Course]:
    """Of one person, each mandatory track."""
    found = []
    for code in mandatory(programme):
        until = holds_until(code, programme, facts, now)
        track = programme.track(code)
        state = state_of(until, now, programme.course_told[0])
        found.append(Course(code, {"zh": track["zh"], "en": track["en"]}, until, state))
    return found


def next_end(until: datetime, now: datetime, valid: timedelta) -> datetime:
    """Whoever renews early loses nothing: a year from the end; after the end, from now."""
    return max(until, now) + valid


def needed(asked: int) -> int:
    """How many of so many questions must be right."""
    return math.ceil(PASS_SHARE * asked)


def right(questions: Sequence[Practice], answers: Sequence[int]) -> list[bool]:
    """Question by question."""
    return [q.answer == a for q, a in zip(questions, answers, strict=True)]
