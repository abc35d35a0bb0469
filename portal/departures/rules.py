"""How somebody's leaving is asked about and confirmed, and what is handed over by when."""

from datetime import timedelta
from enum import StrEnum

from portal.domains.rules import belongs, domain_of, own_domain
from portal.organisations.rules import Ending
from portal.refusal import mark

CLIENT_ANSWERS_WITHIN = timedelta(days=30)
SHOWN_FOR = timedelta(days=90)  # on the staff desk
REMEMBERED_FOR = timedelta(days=30)  # on the home page of who left


class Answer(StrEnum):
    YES = "yes"
    NO = "no"


class Why(StrEnum):
    """Why a mailbox is asked."""

    PERIOD = "period"
    DOMAIN = "domain"  # the domain no longer proves anything


class CheckStatus(StrEnum):
    ASKED = "asked"
    OWNERS_ASKED = "owners_asked"
    STAYS = "stays"
    ENDED = "ended"
    DROPPED = "dropped"  # they left in another way


CHECK_MOVES = {
    (CheckStatus.ASKED, "yes"): CheckStatus.STAYS,
    (CheckStatus.ASKED, "no"): CheckStatus.ENDED,
    (CheckStatus.ASKED, "silence"): CheckStatus.OWNERS_ASKED,
    (CheckStatus.ASKED, "leave"): CheckStatus.DROPPED,
    (CheckStatus.OWNERS_ASKED, "yes"): CheckStatus.STAYS,
    (CheckStatus.OWNERS_ASKED, "no"): CheckStatus.ENDED,
    (CheckStatus.OWNERS_ASKED, "silence"): CheckStatus.ENDED,
    (CheckStatus.OWNERS_ASKED, "leave"): CheckStatus.DROPPED,
}
WAITS = (CheckStatus.ASKED, CheckStatus.OWNERS_ASKED)

ENDING_NAMES = {
    Ending.LEFT: mark("left by themselves"),
    Ending.REMOVED: mark("the organisation ended the link"),
    Ending.HIRED_BY_CLIENT: mark("hired by a client"),
    Ending.DOMAIN_FAILED: mark("nobody confirmed that they still work there"),
}


def why_not_contact(email: str, *, website: str, domains: list[str], members: list[str]) -> str | None:
    """Why this mailbox can't speak for the client: it is the organisation's own, or one of its people's."""
    address, domain = email.lower(), domain_of(email.lower())
    own = [d for d in (own_domain(website), *domains) if d]
    if address in members or any(belongs(domain, to) for to in own):
        return mark("This mailbox is yours or your people's. Write that of somebody at the client.")
    return None
