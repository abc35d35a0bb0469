"""The review desk: states, moves, verdicts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from portal.programme.rules import Programme
from portal.refusal import mark


class Status(StrEnum):
    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    ACTION_REQUIRED = "action_required"  # waits for the applicant; the clock stands still
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


OPEN = (Status.SUBMITTED, Status.IN_REVIEW)

MOVES = {
    (Status.SUBMITTED, "take"): Status.IN_REVIEW,
    (Status.SUBMITTED, "withdraw"): Status.WITHDRAWN,
    (Status.IN_REVIEW, "withdraw"): Status.WITHDRAWN,
    (Status.ACTION_REQUIRED, "withdraw"): Status.WITHDRAWN,
    (Status.IN_REVIEW, "ask"): Status.ACTION_REQUIRED,
    (Status.ACTION_REQUIRED, "resubmit"): Status.SUBMITTED,
    (Status.IN_REVIEW, "approve"): Status.APPROVED,
    (Status.IN_REVIEW, "reject"): Status.REJECTED,
}


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105
    FIX = "fix"
    FAIL = "fail"


@dataclass(frozen=True)
class Item:
    """One thing a reviewer looks at."""

    key: str
    question: str  # catalogue key
    hint: str = ""  # catalogue key


@dataclass(frozen=True)
class SubjectKind:
    """What a feature hands to the desk: its rubric, its clock, what to show, and what a decision does.

    `decide(session, subject_id, decision, reason, by=, now=)` is called in the transaction of the decision; where
    `fields` names further fields of the template, it gets them as `typed=` and may refuse with 422.
    `context(session, subject_id)` gives `template` its values, the organisation's name not among them.
    """

    key: str
    name: str  # catalogue key
    items: tuple[Item, ...]
    clock_wd: float | Callable[[Programme], float]  # working days for a decision
    template: str
    context: Callable[..., dict[str, Any]]
    decide: Callable[..., None]
    blind: bool = False  # the reviewer does not learn whose it is
    roles: frozenset[str] = field(default_factory=lambda: frozenset({"reviewer", "administrator"}))
    fields: tuple[str, ...] = ()


def may_ask(round_: int, most: int) -> bool:
    """Whether staff may ask for more: after `most` supplement rounds it must be decided."""
    return round_ <= most


def what_is_missing(
    decision: str, items: tuple[Item, ...], verdicts: dict[str, tuple[str, str]]
) -> list[str]:
    """Why a decision can't be taken yet: sentences; empty when it can. `verdicts`: item → (verdict, reason)."""
    missing = []
    given = {key: Verdict(verdict) for key, (verdict, _) in verdicts.items() if verdict}
    if len(given) < len(items):
        missing.append(mark("Every item needs a verdict before you decide."))
    if any(v is not Verdict.PASS and not verdicts[k][1].strip() for k, v in given.items()):
        missing.append(mark("An item that does not pass needs a reason that says what would mend it."))
    if decision == "approve" and any(v is not Verdict.PASS for v in given.values()):
        missing.append(mark("It can be approved only when every item passes."))
    if decision == "ask" and not any(v is Verdict.FIX for v in given.values()):
        missing.append(mark("To ask for more, mark the item that needs it."))
    if decision == "reject" and not any(v is Verdict.FAIL for v in given.values()):
        missing.append(mark("To refuse, mark the item that fails and say why."))
    return missing
