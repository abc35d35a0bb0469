"""Who may do what: rights by trust step and by role, read from the programme's one table."""

from collections.abc import Iterable
from typing import Protocol

from portal.organisations.rules import Trust
from portal.programme.rules import Programme, Text
from portal.refusal import Refused, mark

VISITOR = "visitor"  # an account without an organisation
NO_ROLE = mark("Your role does not include this. An owner can change your roles on the team page.")


class Holder(Protocol):
    """Whose step is asked for: an organisation, or whoever acts for one."""

    @property
    def trust(self) -> str: ...
    @property
    def stars(self) -> int: ...


def step_of(trust: str, stars: int) -> str:
    """A verified organisation stands at its stars, from 2★ on; every other at its trust."""
    return str(stars) if trust == Trust.VERIFIED and stars > 1 else str(trust)


def opened(programme: Programme, step: str, right: str) -> bool:
    """A right that the table does not name is closed to everybody."""
    row = programme["rights"]["table"].get(right)
    return row is not None and step in row["steps"]


def rights_at(programme: Programme, step: str, roles: Iterable[str]) -> frozenset[str]:
    """What somebody with these roles may do in an organisation at this step; a visitor has no roles."""
    held = set(roles)
    return frozenset(
        right
        for right, row in programme["rights"]["table"].items()
        if step in row["steps"] and (step == VISITOR or held & set(row["roles"]))
    )


def staff_rights(programme: Programme, roles: Iterable[str]) -> frozenset[str]:
    held = set(roles)
    return frozenset(right for right, row in programme["rights"]["staff"].items() if held & set(row["roles"]))


def may(programme: Programme, holder: Holder, right: str) -> bool:
    return opened(programme, step_of(holder.trust, holder.stars), right)


def require(programme: Programme, holder: Holder, right: str) -> None:
    """Refuse, with the sentence that says what opens it, unless the organisation's step holds the right."""
    step = step_of(holder.trust, holder.stars)
    if not opened(programme, step, right):
        raise closed(programme, step, right)


def closed(programme: Programme, step: str, right: str) -> Refused:
    """Why a step does not open a right, and what does."""
    if step in _WHY_NOT:
        return Refused(_WHY_NOT[step])
    opens = next(
        (s for s in programme["rights"]["steps"] if s.isdigit() and opened(programme, s, right)), None
    )
    if opens is None:
        return Refused(mark("This is not open now."))
    return Refused(mark("This opens at %(stars)s★."), stars=opens)


def role_names(programme: Programme) -> dict[str, Text]:
    names: dict[str, Text] = programme["rights"]["roles"]
    return names


_WHY_NOT: dict[str, str] = {
    VISITOR: mark(
        "This is open to people of an organisation. Register yours, or ask a colleague for an invitation."
    ),
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
