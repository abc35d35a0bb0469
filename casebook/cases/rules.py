"""What a case is, how it moves, when it is complete, and what its outcomes are worth."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from portal.folding import fold
from portal.refusal import mark
from portal.review.rules import Item

CLIENT_ANSWERS_WITHIN = timedelta(days=30)
LESSON_MIN = 20  # characters
MOST_OUTCOMES, BLOCKS = 12, 3
MOST_EVIDENCE = 20
ATTAINMENT_MOST = 1.5


class Status(StrEnum):
    DRAFT = "draft"
    AWAITING_CLIENT = "awaiting_client"
    CLIENT_CONFIRMED = "client_confirmed"
    SUBMITTED = "submitted"
    CHANGES_ASKED = "changes_asked"
    DISPUTED = "disputed"
    PUBLISHED = "published"
    RETRACTED = "retracted"


MOVES: dict[tuple[str, str], str] = {
    (Status.DRAFT, "send"): Status.AWAITING_CLIENT,
    (Status.AWAITING_CLIENT, "send"): Status.AWAITING_CLIENT,  # again, to the same or another person
    (Status.AWAITING_CLIENT, "recall"): Status.DRAFT,
    (Status.AWAITING_CLIENT, "confirm"): Status.CLIENT_CONFIRMED,
    (Status.AWAITING_CLIENT, "dispute"): Status.DISPUTED,
    (Status.DISPUTED, "send"): Status.AWAITING_CLIENT,
    (Status.CLIENT_CONFIRMED, "recall"): Status.DRAFT,
    (Status.CLIENT_CONFIRMED, "submit"): Status.SUBMITTED,
    (Status.SUBMITTED, "approve"): Status.PUBLISHED,
    (Status.SUBMITTED, "ask"): Status.CHANGES_ASKED,
    (Status.SUBMITTED, "reject"): Status.DRAFT,
    (Status.CHANGES_ASKED, "send"): Status.AWAITING_CLIENT,
    (Status.CHANGES_ASKED, "submit"): Status.SUBMITTED,
    **{(status, "retract"): Status.RETRACTED for status in Status if status is not Status.RETRACTED},
}
EDITABLE = (Status.DRAFT, Status.CHANGES_ASKED, Status.DISPUTED)
TAKES_EVIDENCE = (*EDITABLE, Status.AWAITING_CLIENT, Status.CLIENT_CONFIRMED)


class Kind(StrEnum):
    """What an outcome's numbers are; percent and percentage points are two kinds and never mixed."""

    AMOUNT = "amount"
    SHARE = "share"
    GROWTH = "growth"
    PP_CHANGE = "pp_change"
    MULTIPLE = "multiple"
    COUNT = "count"
    RATE = "rate"


KIND_NAMES = {
    Kind.AMOUNT: mark("Amount of money"),
    Kind.SHARE: mark("Share, in percent"),
    Kind.GROWTH: mark("Growth, in percent"),
    Kind.PP_CHANGE: mark("Change, in percentage points"),
    Kind.MULTIPLE: mark("Multiple (times)"),
    Kind.COUNT: mark("Count"),
    Kind.RATE: mark("Rate, such as orders per customer a year"),
}
UNITS = {
    Kind.SHARE: "%",
    Kind.GROWTH: "%",
    Kind.PP_CHANGE: "pp",
    Kind.MULTIPLE: "×",
}  # the others say their own


class Verdict(StrEnum):
    CONFIRMED = "confirmed"
    DISPUTED = "disputed"


_UNITS = {
    "%": ("%", "％", "percent", "per cent", "百分比", "百分之"),
    "pp": ("pp", "p.p.", "ppt", "百分点", "个百分点", "percentage point", "percentage points"),
    "×": ("×", "x", "倍", "times", "fold"),
}
_UNIT_OF = {name: unit for unit, names in _UNITS.items() for name in names}


def read_unit(kind: Kind, typed: str) -> str:
    """The unit of an outcome. Raises ValueError with a catalogue key when it does not fit the kind."""
    unit = _UNIT_OF.get(unicodedata.normalize("NFKC", typed).strip().lower(), typed.strip())
    fixed = UNITS.get(kind)
    if fixed is None:
        if unit in ("%", "pp"):
            raise ValueError(
                mark(
                    "For percent choose a share or growth, "
                    "for percentage points a change in percentage points."
                )
            )
        return unit
    if unit in ("", fixed):
        return fixed
    if {unit, fixed} == {"%", "pp"}:
        raise ValueError(
            mark(
                "Percent and percentage points are different: "
                "from 20 to 30 percent is 10 percentage points, or growth by 50 percent."
            )
        )
    raise ValueError(mark("This unit does not fit the kind of number."))


def attainment(baseline: float | None, value: float | None, target: float | None) -> float | None:
    """How much of the way to the target was gone: 1 is all of it, at most 1.5; None without a target."""
    if baseline is None or value is None or target is None or target == baseline:
        return None
    return min(ATTAINMENT_MOST, max(0.0, (value - baseline) / (target - baseline)))


@dataclass(frozen=True)
class Line:
    """An outcome as the rules see it."""

    nth: int
    name: str
    kind: Kind | None
    baseline: float | None
    value: float | None
    unit: str
    period_from: date | None
    period_until: date | None
    definition: str
    source: str


@dataclass(frozen=True)
class Draft:
    """A case as the rules see it."""

    client_name: str
    client_named: bool
    client_alias: str
    industry: str
    stage: str
    capabilities: Sequence[str]
    failed_first: str
    public_texts: Sequence[str]
    outcomes: Sequence[Line]


def missing_of_outcome(line: Line) -> list[str]:
    """Names of what an outcome lacks."""
    present = {
        "name": bool(line.name),
        "kind": line.kind is not None,
        "baseline": line.baseline is not None,
        "value": line.value is not None,
        "unit": bool(line.unit),
        "period": line.period_from is not None and line.period_until is not None,
        "definition": bool(line.definition),
        "source": bool(line.source),
    }
    return [name for name, there in present.items() if not there]


def what_is_missing(draft: Draft) -> dict[str, str]:
    """Why a case can't go to the client or to review yet: field → catalogue key. Empty when it can."""
    missing = {}
    if not draft.industry:
        missing["industry"] = mark("Choose the client's industry.")
    if not draft.stage:
        missing["stage"] = mark("Choose the stage in which the work began.")
    if not draft.capabilities:
        missing["capabilities"] = mark("Choose at least one capability that did the work.")
    if len(draft.failed_first.strip()) < LESSON_MIN:
        missing["failed_first"] = mark(
            "Say what failed first, in at least 20 characters: the lesson is what others learn from."
        )
    if not draft.client_named and not draft.client_alias:
        missing["client_alias"] = mark(
            "The client is masked: say what to call it instead, such as “a bakery chain in East China”."
        )
    if not draft.client_named and names_client(draft.client_name, [draft.client_alias, *draft.public_texts]):
        missing["client_named"] = mark(
            "The client is masked, but its name stands in the text. Take it out, or name the client openly."
        )
    whole = [line for line in draft.outcomes if not missing_of_outcome(line)]
    if not draft.outcomes:
        missing["o1_name"] = mark(
            "Add at least one outcome with baseline, value, unit, period, definition and source."
        )
    elif len(whole) < len(draft.outcomes):
        first = next(line for line in draft.outcomes if missing_of_outcome(line))
        missing[f"o{first.nth}_name"] = mark(
            "Each outcome needs baseline, value, unit, period, definition and source."
        )
    return missing


_FORMS = re.compile(
    r"(股份有限公司|有限责任公司|有限公司|股份公司|公司|co\.?,?\s*ltd\.?|inc\.?|llc|limited)$"
)
_NOT_WORD = re.compile(r"[\W_]+")


def normal_client(name: str) -> str:
    """One spelling for one client: width, case, script, legal form and signs do not matter."""
    plain = fold(unicodedata.normalize("NFKC", name).strip().lower())
    shorter = _FORMS.sub("", plain).strip(" ,，")
    return _NOT_WORD.sub("", shorter) or _NOT_WORD.sub("", plain) or plain


def names_client(name: str, texts: Iterable[str]) -> bool:
    """Does the client's name stand in one of these texts?"""
    wanted = normal_client(name)
    return len(wanted) > 1 and any(
        wanted in _NOT_WORD.sub("", fold(unicodedata.normalize("NFKC", text).lower())) for text in texts
    )


def why_not_address(email: str, *, website: str, members: Iterable[str]) -> str | None:
    """Why this address can't be the client's: a catalogue key; None when it may be."""
    address = email.strip().lower()
    if address in {member.lower() for member in members}:
        return mark("That is one of your own people. The client confirms, at an address of its own.")
    host = re.sub(r"^[a-z]+://", "", website.strip().lower()).split("/")[0].split(":")[0].removeprefix("www.")
    domain = address.rpartition("@")[2]
    if host and (domain == host or domain.endswith("." + host) or host.endswith("." + domain)):
        return mark("That address is at your own domain. The client confirms, at an address of its own.")
    return None


ITEMS = (
    Item(
        "baseline",
        mark("Are baseline and definition clear?"),
        mark("Same definition before and after; the period is named; seasons are compared with seasons."),
    ),
    Item(
        "client",
        mark("Did the client confirm it?"),
        mark("By its own mailbox; the domain belongs to the brand; disputed outcomes are left out."),
    ),
    Item(
        "evidence",
        mark("Do the results have evidence?"),
        mark("A screenshot, an export or a report for each number, not a sentence alone."),
    ),
    Item(
        "masking",
        mark("Masking and consent"),
        mark("No name of a masked client, no personal data in text or evidence; a named client agreed."),
    ),
    Item(
        "repeatable",
        mark("Can others repeat it?"),
        mark("Steps, roles and the version of the SOP; what failed first and why."),
    ),
)

STATUS_NAMES = {
    Status.DRAFT: mark("draft"),
    Status.AWAITING_CLIENT: mark("waits for the client"),
    Status.CLIENT_CONFIRMED: mark("confirmed by the client"),
    Status.SUBMITTED: mark("with the reviewers"),
    Status.CHANGES_ASKED: mark("changes asked"),
    Status.DISPUTED: mark("disputed by the client"),
    Status.PUBLISHED: mark("published"),
    Status.RETRACTED: mark("retracted"),
}
