"""A parent and its subsidiaries: who may be linked, and how a link moves. Links add nothing up: facts stay with each."""

from collections.abc import Mapping
from enum import StrEnum

from portal.refusal import mark


class LinkStatus(StrEnum):
    ASKED = "asked"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    ENDED = "ended"


class Side(StrEnum):
    """What the asking side is to the other."""

    PARENT = "parent"
    CHILD = "child"


LINK_MOVES = {
    (LinkStatus.ASKED, "confirm"): LinkStatus.CONFIRMED,
    (LinkStatus.ASKED, "decline"): LinkStatus.DECLINED,
    (LinkStatus.ASKED, "withdraw"): LinkStatus.WITHDRAWN,
    (LinkStatus.CONFIRMED, "end"): LinkStatus.ENDED,
}
OPEN = (LinkStatus.ASKED, LinkStatus.CONFIRMED)


def may_answer(move: str, *, asked_it: bool) -> bool:
    """The other side confirms or declines, the asking side withdraws; either side ends what is confirmed."""
    return {"confirm": not asked_it, "decline": not asked_it, "withdraw": asked_it, "end": True}.get(
        move, False
    )


def why_not_link(child: int, parent: int, parents: Mapping[int, int]) -> str | None:
    """Why the child can't get this parent, given everybody's parent; None when it can."""
    if child == parent:
        return mark("That is your own organisation.")
    if child in parents:
        return mark("The subsidiary has a parent already. That link must end first.")
    above: int | None = parent
    seen: set[int] = set()
    while above is not None and above not in seen:
        if above == child:
            return mark("The parent stands below the subsidiary already: that would be a circle.")
        seen.add(above)
        above = parents.get(above)
    return None
