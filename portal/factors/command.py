"""`yuqiao forget-factors`: the way back for somebody who lost phone and recovery codes."""

import sys

from portal import clock, context
from portal.accounts.queries import person_by_email
from portal.db import transaction
from portal.factors.actions import forget_factors as forget


def forget_factors(email: str) -> int:
    """0 when the account has no second factor any more; 1 with a sentence when there is no such account."""
    with transaction(context.sessions()) as session:
        person = person_by_email(session, email)
        if person is None:
            print(f"There is no account with the address {email}.", file=sys.stderr)
            return 1
        forget(session, person, now=clock.now())
    print(f"{email} signs in with the password alone now, and is told by mail.")
    return 0
