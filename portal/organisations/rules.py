"""What an organisation is, what each trust step opens, and how a credit code reads."""

from datetime import timedelta
from enum import StrEnum

from stdnum.cn import uscc
from stdnum.exceptions import InvalidChecksum, InvalidComponent, InvalidFormat, InvalidLength, ValidationError

from portal.refusal import Refused, mark

VERIFY_WITHIN = timedelta(days=30)


class Kind(StrEnum):
    PROVIDER = "provider"
    BRAND = "brand"


class Trust(StrEnum):
    PROVISIONAL = "provisional"
    VERIFIED = "verified"
    FROZEN = "frozen"
    SUSPENDED = "suspended"
    CLOSED = "closed"


TRUST_MOVES = {
    (Trust.PROVISIONAL, "verify"): Trust.VERIFIED,
    (Trust.FROZEN, "verify"): Trust.VERIFIED,
    (Trust.PROVISIONAL, "freeze"): Trust.FROZEN,
    (Trust.VERIFIED, "suspend"): Trust.SUSPENDED,
    (Trust.SUSPENDED, "reinstate"): Trust.VERIFIED,
    (Trust.PROVISIONAL, "close"): Trust.CLOSED,
    (Trust.FROZEN, "close"): Trust.CLOSED,
    (Trust.VERIFIED, "close"): Trust.CLOSED,
    (Trust.SUSPENDED, "close"): Trust.CLOSED,
}


class Role(StrEnum):
    OWNER = "owner"
    MEMBER = "member"


class EmploymentStatus(StrEnum):
    INVITED = "invited"
    CONFIRMED = "confirmed"
    ENDED = "ended"


class Ending(StrEnum):
    LEFT = "left"
    REMOVED = "removed"
    HIRED_BY_CLIENT = "hired_by_client"


# Right × trust step. A right that is not in a step's row is closed there.
RIGHTS: dict[Trust, frozenset[str]] = {
    Trust.PROVISIONAL: frozenset({"learn", "draft", "self_assess", "verify"}),
    Trust.VERIFIED: frozenset(
        {"learn", "draft", "self_assess", "certificate", "submit", "listing", "invitation", "brief"}
    ),
    Trust.FROZEN: frozenset({"self_assess", "verify"}),
    Trust.SUSPENDED: frozenset({"learn", "self_assess"}),
    Trust.CLOSED: frozenset(),
}

_WHY_NOT = {
    Trust.PROVISIONAL: mark(
        "This opens once your organisation is verified. Upload the business licence to begin; drafts are kept."
    ),
    Trust.FROZEN: mark(
        "Your organisation was frozen after 30 days without verification. Nothing is lost: verify it to go on."
    ),
    Trust.SUSPENDED: mark(
        "Your organisation is suspended. The reason and the way back are on your home page."
    ),
    Trust.CLOSED: mark("Your organisation has left the programme."),
}


def may(trust: str, right: str) -> bool:
    return right in RIGHTS[Trust(trust)]


def require(trust: str, right: str) -> None:
    """Refuse, with the sentence that says what opens it, unless the trust step holds the right."""
    if not may(trust, right):
        raise Refused(_WHY_NOT.get(Trust(trust), mark("This is not open now.")))


def read_credit_code(value: str) -> str:
    """A unified social credit code, compact and in capitals (GB 32100-2015).

    Raises ValueError with a catalogue key that says what is wrong.
    """
    compact: str = uscc.compact(value)
    try:
        return str(uscc.validate(compact))
    except InvalidLength:
        if len(compact) < 18:
            raise ValueError(
                mark(
                    "A credit code has 18 characters; this one is too short. Compare it with the top right of the licence."
                )
            ) from None
        raise ValueError(
            mark(
                "A credit code has 18 characters; this one is too long. Compare it with the top right of the licence."
            )
        ) from None
    except InvalidChecksum:
        raise ValueError(
            mark(
                "The check character does not fit: at least one character is mistyped. Compare it with the licence."
            )
        ) from None
    except (InvalidFormat, InvalidComponent, ValidationError):
        raise ValueError(
            mark(
                "A credit code is digits and capital letters without I, O, S, V and Z. Compare it with the licence."
            )
        ) from None
