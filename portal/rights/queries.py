"""The table of rights as a condition on organisations."""

from sqlalchemy import ColumnElement
from sqlmodel import col, or_

from portal.organisations.models import Organisation
from portal.organisations.rules import Trust
from portal.programme.rules import Programme


def holds(programme: Programme, right: str) -> ColumnElement[bool]:
    """Organisations whose step opens the right; the same as `rules.may`, for a WHERE."""
    steps = set(programme["rights"]["table"][right]["steps"])
    stars = [int(step) for step in steps if step.isdigit()]
    verified: ColumnElement[bool] = col(Organisation.stars).in_(stars)
    if Trust.VERIFIED in steps:
        verified = or_(verified, col(Organisation.stars) < 2)
    return or_(
        (col(Organisation.trust) == Trust.VERIFIED) & verified,
        col(Organisation.trust).in_([Trust(step) for step in steps if step in set(Trust) - {Trust.VERIFIED}]),
    )
