"""What an organisation is, what each trust step opens, and how a credit code reads."""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from stdnum.cn import uscc
from stdnum.exceptions import InvalidChecksum, InvalidComponent, InvalidFormat, InvalidLength, ValidationError

from portal.refusal import mark

VERIFY_WITHIN = timedelta(days=30)
CHINA = ZoneInfo("Asia/Shanghai")


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
    (Trust.CLOSED, "return"): Trust.PROVISIONAL,
}


class Role(StrEnum):
    """What each may do is in the programme's table of rights."""

    OWNER = "owner"
    MANAGER = "manager"
    TRAFFIC = "traffic"
    SALES = "sales"
    DELIVERY = "delivery"
    LEARNER = "learner"


GIVEN_BY_OWNERS = frozenset({Role.OWNER, Role.MANAGER})


class EmploymentStatus(StrEnum):
    INVITED = "invited"
    CONFIRMED = "confirmed"
    ENDED = "ended"


class Ending(StrEnum):
    LEFT = "left"
    REMOVED = "removed"
    HIRED_BY_CLIENT = "hired_by_client"
    DOMAIN_FAILED = "domain_failed"  # nobody confirmed that they still work there
    CLOSED = "closed"  # the organisation left the programme


def counts_from(
    organisation_id: int, worked: Iterable[tuple[int, datetime, datetime]], now: datetime
) -> datetime:
    """From when somebody who joins now counts, so that nobody counts for two organisations on one day in China.

    `worked`: (organisation, counted from, until) of their earlier links. Who comes from another organisation counts
    from the next day; who comes back on the same day counts without a gap.
    """
    at, day = now, now.astimezone(CHINA).date()
    for other, since, until in worked:
        if since >= until or until.astimezone(CHINA).date() != day:
            continue  # never counted, or not on this day
        if other != organisation_id:
            return datetime.combine(day + timedelta(days=1), time(), CHINA).astimezone(UTC)
        at = min(at, until)
    return at


DAYS = {
    "mon": mark("Monday"),
    "tue": mark("Tuesday"),
    "wed": mark("Wednesday"),
    "thu": mark("Thursday"),
    "fri": mark("Friday"),
    "sat": mark("Saturday"),
    "sun": mark("Sunday"),
}


def missing_of_offer(
    headline: str, fee_model: str, price_low: int | None, price_high: int | None, exclusions: str
) -> list[str]:
    """What a storefront lacks before it may be listed and matched; catalogue keys."""
    missing = []
    if not headline:
        missing.append(mark("one line that says what you do"))
    if not fee_model:
        missing.append(mark("how you charge"))
    if price_low is None or price_high is None:
        missing.append(mark("the price range"))
    if not exclusions:
        missing.append(mark("what the price does not hold"))
    return missing


def why_not_roles(
    wanted: Mapping[Role, datetime | None],
    had: Collection[str],
    giver: Collection[str],
    *,
    other_owners: int,
    now: datetime,
) -> str | None:
    """Why these roles (each with its end, None: open) cannot be given in place of those held; None when they can.

    `giver`: the roles of whoever gives them; `other_owners`: how many owners there are beside this person.
    """
    if not wanted:
        return mark("Please choose at least one role.")
    if Role.OWNER not in giver and GIVEN_BY_OWNERS & ({*wanted} ^ {*had}):
        return mark("Only an owner makes or unmakes owners and managers.")
    if any(until and until <= now for until in wanted.values()):
        return mark("A last day has passed already. Choose a later one, or leave the role out.")
    if Role.OWNER in had and Role.OWNER not in wanted and other_owners == 0:
        return mark("An organisation needs an owner. Make somebody else an owner first.")
    return None


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
