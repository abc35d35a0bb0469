"""`yuqiao appoint`: how the first administrator comes to be."""

import sys

from portal import clock, context
from portal.accounts.queries import person_by_email
from portal.accounts.rules import StaffRole
from portal.db import transaction
from portal.staffing.actions import appoint as give


def appoint(email: str, role: str) -> int:
    """0 when the account holds the role now; 1 with a sentence when there is no such account or role."""
    if role not in set(StaffRole):
        print(f"There is no role {role}. Choose one of: {', '.join(StaffRole)}.", file=sys.stderr)
        return 1
    with transaction(context.sessions()) as session:
        person = person_by_email(session, email)
        if person is None or person.confirmed_at is None:
            print(f"Nobody has confirmed an account with the address {email}.", file=sys.stderr)
            return 1
        give(session, person, StaffRole(role), by=None, now=clock.now())
    print(f"{email} is {role} now.")
    return 0
