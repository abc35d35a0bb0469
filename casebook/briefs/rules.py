"""A brief from draft to outcome, an introduction from offer to decision; when a brief is concrete enough."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from casebook.matching.rules import CERTIFIED, DECLARED, PARTS, PROVEN
from portal.refusal import Refused, mark


class BriefStatus(StrEnum):
    DRAFT = "draft"
    OPEN = "open"  # published, nobody shown yet
    SHORTLISTED = "shortlisted"
    IN_TALKS = "in_talks"
    DECIDED = "decided"
    DELIVERING = "delivering"
    CLOSED = "closed"
    STALE = "stale"
    WITHDRAWN = "withdrawn"


B = BriefStatus
BRIEF_MOVES = {
    (B.DRAFT, "publish"): B.OPEN,
    (B.OPEN, "shortlist"): B.SHORTLISTED,
    (B.SHORTLISTED, "invite"): B.IN_TALKS,
    (B.IN_TALKS, "invite"): B.IN_TALKS,
    (B.IN_TALKS, "choose"): B.DECIDED,
    (B.OPEN, "choose_none"): B.DECIDED,
    (B.SHORTLISTED, "choose_none"): B.DECIDED,
    (B.IN_TALKS, "choose_none"): B.DECIDED,
    (B.DECIDED, "start"): B.DELIVERING,
    (B.DELIVERING, "close"): B.CLOSED,
    (B.DECIDED, "close"): B.CLOSED,
    (B.SHORTLISTED, "lapse"): B.STALE,
    (B.IN_TALKS, "lapse"): B.STALE,
    (B.DRAFT, "withdraw"): B.WITHDRAWN,
    (B.OPEN, "withdraw"): B.WITHDRAWN,
    (B.SHORTLISTED, "withdraw"): B.WITHDRAWN,
    (B.IN_TALKS, "withdraw"): B.WITHDRAWN,
}
LIVE = (B.SHORTLISTED, B.IN_TALKS)  # its shortlist stands
ENDED = (B.CLOSED, B.STALE, B.WITHDRAWN)


class IntroductionStatus(StrEnum):
    OFFERED = "offered"
    ACCEPTED = "accepted"  # by the provider; contacts stay hidden
    DECLINED = "declined"
    EXPIRED = "expired"
    CONTACTS_OPEN = "contacts_open"  # the brand accepted too
    MET = "met"
    PROPOSED = "proposed"
    WON = "won"
    LOST = "lost"


I = IntroductionStatus  # noqa: E741
INTRODUCTION_MOVES = {
    (I.OFFERED, "accept"): I.ACCEPTED,
    (I.OFFERED, "decline"): I.DECLINED,
    (I.OFFERED, "expire"): I.EXPIRED,
    (I.OFFERED, "lose"): I.LOST,
    (I.ACCEPTED, "open_contacts"): I.CONTACTS_OPEN,
    (I.ACCEPTED, "lose"): I.LOST,
    (I.CONTACTS_OPEN, "meet"): I.MET,
    (I.CONTACTS_OPEN, "win"): I.WON,
    (I.CONTACTS_OPEN, "lose"): I.LOST,
    (I.MET, "propose"): I.PROPOSED,
    (I.MET, "win"): I.WON,
    (I.MET, "lose"): I.LOST,
    (I.PROPOSED, "win"): I.WON,
    (I.PROPOSED, "lose"): I.LOST,
}
RUNNING = (I.OFFERED, I.ACCEPTED, I.CONTACTS_OPEN, I.MET, I.PROPOSED)  # each takes one place of the capacity
SAID_YES = (I.ACCEPTED, I.CONTACTS_OPEN, I.MET, I.PROPOSED, I.WON)
MAY_WIN = (I.CONTACTS_OPEN, I.MET, I.PROPOSED)

BRIEF_STATUS_NAMES = {
    B.DRAFT: mark("draft"),
    B.OPEN: mark("open"),
    B.SHORTLISTED: mark("shortlist ready"),
    B.IN_TALKS: mark("in talks"),
    B.DECIDED: mark("decided"),
    B.DELIVERING: mark("delivering"),
    B.CLOSED: mark("closed with an outcome"),
    B.STALE: mark("lapsed"),
    B.WITHDRAWN: mark("withdrawn"),
}
INTRODUCTION_STATUS_NAMES = {
    I.OFFERED: mark("waits for an answer"),
    I.ACCEPTED: mark("accepted, contacts still closed"),
    I.DECLINED: mark("declined"),
    I.EXPIRED: mark("not answered in time"),
    I.CONTACTS_OPEN: mark("contacts open"),
    I.MET: mark("meeting held"),
    I.PROPOSED: mark("proposal made"),
    I.WON: mark("chosen"),
    I.LOST: mark("not chosen"),
}


def contacts_are_open(status: str) -> bool:
    """Both sides have accepted. Who was not chosen needs no telephone number any more."""
    return status in (I.CONTACTS_OPEN, I.MET, I.PROPOSED, I.WON)


# Decisions

PART_NAMES = {
    "capability": mark("Capability match"),
    "similar_case": mark("Similar case"),
    "industry": mark("Industry fit"),
    "price": mark("Price fit"),
    "reviews": mark("Client reviews"),
    "certification": mark("Certified stars"),
    "region_language": mark("Region and language"),
    "evidence": mark("Proven outcomes"),
    "size_fit": mark("Size fit"),
    "responsiveness": mark("Response"),
}
PART_NAMES_SHORT = PART_NAMES | {
    "capability": mark("Capability"),
    "similar_case": mark("Cases"),
    "industry": mark("Industry"),
    "price": mark("Price"),
    "reviews": mark("Ratings"),
    "certification": mark("Stars"),
    "region_language": mark("Region"),
    "evidence": mark("Evidence"),
}
CHOSEN_FOR = {**{key: PART_NAMES[key] for key in PARTS}, "other": mark("Another reason")}  # why somebody won
ANOTHER_CHOSEN = "other-provider"  # the programme's code for those who were not


def reasons_for_none(matching: Mapping[str, Any]) -> dict[str, Any]:
    """Coded reasons why nobody was chosen."""
    return {code: text for code, text in matching["lost_reasons"].items() if code != ANOTHER_CHOSEN}


def check_decision(chosen: str, reason: str, matching: Mapping[str, Any]) -> None:
    """Refuse a decision whose reason is not one of the coded ones for it."""
    if reason not in (CHOSEN_FOR if chosen != "none" else reasons_for_none(matching)):
        raise Refused(mark("Please choose a reason that fits the decision."), status=422)


# Why somebody was not shown

OUTSCORED = "outscored"
NOT_SHOWN_REASONS = {
    "certified_and_accepting": mark("The provider does not accept invitations now."),
    "capacity_left": mark("No capacity was left, or its statement was older than 30 days."),
    "must_have_capability": mark("A capability that the brand must have is not among those offered."),
    "language": mark("A language that the brand needs is not offered."),
    "region_if_on_site": mark("The work is on site in another province."),
    "price_floor": mark("The lowest price is more than one and a half times the budget."),
    "start_date": mark("It cannot start by the day the brand needs."),
    "provider_refusals": mark("Its own limits rule this brief out: budget, industry or a conflict."),
    "blocked_by_brand": mark("The brand asked for other providers."),
    "level_gate": mark("The brief needs a higher level."),
    "minimum_score": mark("The score is below the least that is shown."),
    OUTSCORED: mark("It passed every filter; others scored higher."),
}

# How complete a brief is

FULL_NEED, SOME_NEED = 100, 40  # characters
TOO_MANY_SYSTEMS = 3
WEIGHTS = {
    "title": 5,
    "need": 20,
    "industry": 10,
    "must_have": 15,
    "wished": 5,
    "stage": 5,
    "scale": 5,
    "budget": 15,
    "province": 5,
    "start_by": 5,
    "systems": 5,
    "contact": 5,
}
FIELD_NAMES = {
    "title": mark("Title"),
    "need": mark("The need"),
    "industry": mark("Industry"),
    "must_have": mark("Must-haves"),
    "wished": mark("Wishes"),
    "stage": mark("Stage"),
    "scale": mark("Size of the brand"),
    "budget": mark("Budget"),
    "province": mark("Place"),
    "start_by": mark("Start"),
    "systems": mark("Systems in use"),
    "contact": mark("Contact"),
}
COACH = {
    "title": mark("Say in one line what should be different in half a year."),
    "need": mark(
        "Describe the need in a hundred characters or more: where you stand, in figures; "
        "what you have tried; what would count as success."
    ),
    "industry": mark("Choose the industry: similar cases are looked for there."),
    "must_have": mark("Name at least one capability without which it will not work."),
    "wished": mark("Name a capability that would be good to have."),
    "stage": mark("Say which stage your private domain is in."),
    "scale": mark("Say how large the brand is: providers know which size they serve well."),
    "budget": mark("Name a monthly budget: without it providers above it and below it are mixed."),
    "province": mark("Say where you are."),
    "start_by": mark("Say by when work should begin."),
    "systems": mark("List the systems in use, or write that there is none."),
    "contact": mark("Leave a contact with telephone or e-mail. Nobody sees it before both sides accept."),
}
REQUIRED = ("title", "need", "industry", "must_have", "budget", "contact")  # matching cannot do without them


@dataclass(frozen=True)
class Facet:
    """One line of the coach."""

    key: str
    points: int
    of: int

    @property
    def missing(self) -> bool:
        return self.points < self.of


def completeness(fields: Mapping[str, Any]) -> tuple[Facet, ...]:
    """What each field of a brief gives of 100. `fields`: as the columns of the brief."""
    written = len(fields.get("need") or "")
    need = 1.0 if written >= FULL_NEED else 0.5 if written >= SOME_NEED else 0.0
    contact = fields.get("contact_name") and (fields.get("contact_phone") or fields.get("contact_email"))
    filled = {
        "title": bool(fields.get("title")),
        "need": need,
        "industry": bool(fields.get("industry")),
        "must_have": bool(fields.get("must_have")),
        "wished": bool(fields.get("wished")),
        "stage": bool(fields.get("stage")),
        "scale": bool(fields.get("scale")),
        "budget": bool(fields.get("budget_low") or fields.get("budget_high")),
        "province": bool(fields.get("province")),
        "start_by": fields.get("start_by") is not None,
        "systems": bool(fields.get("systems") or fields.get("no_systems")),
        "contact": bool(contact),
    }
    return tuple(Facet(key, int(of * filled[key]), of) for key, of in WEIGHTS.items())


def total(facets: Iterable[Facet]) -> int:
    return sum(facet.points for facet in facets)


def why_not_publish(facets: Sequence[Facet], least: int) -> str | None:
    """A sentence when the brief is not concrete enough; None when it may be published."""
    if any(f.points == 0 for f in facets if f.key in REQUIRED):
        return mark("Title, need, industry, a must-have, budget and contact are needed before publishing.")
    if total(facets) < least:
        return mark("The brief needs more before publishing: the coach lists what each answer gives.")
    return None


def overlapping(systems: Iterable[Mapping[str, str]]) -> list[str]:
    """Areas in which three or more systems do the same work."""
    counts = Counter(system["area"] for system in systems)
    return [area for area, n in counts.items() if n >= TOO_MANY_SYSTEMS]


_CONTACT = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|(?<!\d)(?:\+?86[ -]?)?1[3-9]\d(?:[ -]?\d{4}){2}(?!\d)"
    r"|(?<!\d)0\d{2,3}[- ]\d{7,8}(?!\d)"
    r"|(?:微信|wechat|weixin|vx)\s*(?:号|id)?\s*[:：]\s*[a-z][\w-]{5,}",
    re.IGNORECASE,
)


def names_a_contact(text: str) -> bool:
    """A telephone number, e-mail address or WeChat id stands in a text that the other side reads at once."""
    return bool(_CONTACT.search(text))


# What follows from a brief


def segment_of(scale: str) -> str:
    """Of the brand's yearly sales: below 100 m small, below 1 bn growing, else a key account."""
    return {"s1": "smb", "s2": "smb", "s3": "growth", "s4": "ka", "s5": "ka"}.get(scale, "smb")


def size_of(scale: str, scales: Sequence[str]) -> float | None:
    """Where the size stands among all sizes: 0 to 1."""
    return (scales.index(scale) + 0.5) / len(scales) if scale in scales else None


def answer_hours(segment: str, matching: Mapping[str, Any]) -> float:
    """Working hours in which an invited provider answers."""
    clocks = matching["clocks"]
    return float(clocks["provider_response_ka_wh" if segment == "ka" else "provider_response_wh"])


def capacity_left(stated: int, confirmed_at: datetime | None, taken: int, *, now: datetime, days: int) -> int:
    """Clients a provider can still take. What was stated more than `days` ago no longer counts."""
    if confirmed_at is None or confirmed_at < now - timedelta(days=days):
        return 0
    return max(0, stated - taken)


# A level in a family certifies what is declared in the areas that the family is examined in.
CERTIFIES = {"operator": ("insight", "strategy", "content", "results"), "isv": ("tools", "systems")}


def known_capabilities(
    declared: Iterable[str], proven: Iterable[str], families: Iterable[str], area_of: Mapping[str, str]
) -> dict[str, float]:
    """capability → how well it is known, the best that holds."""
    areas = {area for family in families for area in CERTIFIES.get(family, ())}
    known = {key: CERTIFIED if area_of.get(key) in areas else DECLARED for key in declared}
    return known | dict.fromkeys(proven, PROVEN)


def display_order(ids: Iterable[int], seed: str, viewer_id: int) -> list[int]:
    """The same order for the same viewer each time, another for the next: the order is no ranking."""
    return sorted(ids, key=lambda i: hashlib.sha256(f"{seed}:{viewer_id}:{i}".encode()).digest())


def reliability(lapsed: int, matching: Mapping[str, Any]) -> int:
    """Of a brand, of 100: each brief that it let lapse costs points."""
    terms = matching["brand_reliability"]
    return max(0, int(terms["start"] - terms["ghosting_penalty"] * lapsed))


# Drawing


@dataclass(frozen=True)
class Slot:
    """A part in the strip: where it begins, its full width, the width reached; in percent."""

    key: str
    x: float
    width: float
    value: float
    points: float
    of: float


SLOT_GAP = 0.5


def strip(parts: Sequence[Mapping[str, Any]]) -> list[Slot]:
    """The ten parts side by side, as wide as they weigh. `parts`: {key, weight, points} each."""
    whole = sum(part["weight"] for part in parts) or 1
    scale = (100 - SLOT_GAP * (len(parts) - 1)) / whole
    slots, x = [], 0.0
    for part in parts:
        weight, points = part["weight"], part["points"]
        slots.append(Slot(part["key"], x, weight * scale, points * scale, points, weight))
        x += weight * scale + SLOT_GAP
    return slots


def compare(own: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Two scores part by part; `gap` is what the other had more."""
    theirs = {part["key"]: part["points"] for part in other}
    return [
        {
            "key": part["key"],
            "weight": part["weight"],
            "own": part["points"],
            "other": theirs.get(part["key"], 0),
            "gap": theirs.get(part["key"], 0) - part["points"],
        }
        for part in own
    ]
