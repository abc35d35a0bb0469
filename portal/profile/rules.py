"""What an organisation may change at once, what staff look at first, and when capacity is asked for again."""

from collections.abc import Collection
from datetime import datetime, timedelta

from portal.refusal import mark
from portal.review.rules import Item

FIELDS = {
    "legal_name": mark("Legal name"),
    "short_name": mark("Short name"),
    "credit_code": mark("Credit code"),
}

ITEMS = (
    Item(
        "names",
        mark("Do the new names stand on the licence or in the register?"),
        mark("Every character, brackets too; the short name must not be somebody else's."),
    ),
    Item(
        "code",
        mark("Is it still the same legal person?"),
        mark("A new credit code needs a notice of the register; another company registers anew."),
    ),
)

# What counts as known of a provider: each is checked by somebody else than the provider itself.
CHECKED = {
    "organisation_verified": (mark("The licence, verified"), "/my/verification"),
    "domain": (mark("A domain, proved"), "/my/domains"),
    "certificate": (mark("A certificate that somebody on the team earned"), "/my/exams"),
    "outcome_attested": (mark("An outcome that a client confirmed"), "/my/cases"),
    "review": (mark("A review by a client"), "/my/cases"),
    "maturity_verified": (mark("The Seven Onlines, assessed on the spot"), "/my/level"),
}


def unchecked(known: Collection[str]) -> list[tuple[str, str]]:
    """(what, where to go) of everything that nobody has checked yet."""
    return [entry for key, entry in CHECKED.items() if key not in known]


def capacity_ends(confirmed_at: datetime | None, days: int) -> datetime | None:
    """When what was said of capacity stops being believed; None when nothing was said."""
    return confirmed_at + timedelta(days=days) if confirmed_at else None


def reminder_due(
    confirmed_at: datetime | None, reminded_at: datetime | None, now: datetime, *, days: int, before: int
) -> bool:
    """Once for each time that capacity was stated, in the last days before it runs out."""
    ends = capacity_ends(confirmed_at, days)
    if ends is None or confirmed_at is None or not ends - timedelta(days=before) <= now < ends:
        return False
    return reminded_at is None or reminded_at < confirmed_at
