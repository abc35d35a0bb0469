"""On the home page: capacity that runs out soon or has run out, with one button."""

from datetime import datetime, timedelta

from sqlmodel import Session

from portal.desk.parts import Part
from portal.organisations.queries import storefront_of
from portal.profile.rules import capacity_ends
from portal.rights.rules import opened
from portal.web.viewer import Viewer


def capacity(session: Session, viewer: Viewer, now: datetime) -> Part | None:
    acting = viewer.organisation
    programme = viewer.programme
    if acting is None or acting.kind != "provider" or not viewer.may("storefront"):
        return None
    if not opened(programme, viewer.step, "matching"):  # a right that no role holds: the organisation itself
        return None
    storefront = storefront_of(session, acting.id)
    ends = capacity_ends(
        storefront.capacity_confirmed_at if storefront else None, programme.matching["capacity_expires_d"]
    )
    if storefront is None or ends is None or not storefront.accepting:
        return None
    if ends - timedelta(days=programme.profile["capacity_reminder_d"]) > now:
        return None
    values = {"storefront": storefront, "ends": ends, "over": ends <= now}
    return Part("profile/capacity.html", values, side=True)
