"""Once a week an owner's next step; half a year after it was read a notice goes."""

from portal import clock
from portal.accounts.models import Person
from portal.context import sessions
from portal.db import transaction
from portal.desk.parts import CONTRIBUTIONS
from portal.notices.actions import forget_old, tip
from portal.notices.queries import any_to_forget, owner_as_viewer, owners_to_look_at


def sweep_tips() -> None:
    now = clock.now()
    if not clock.is_working_time(now):  # nobody wants a tip at night
        return
    with transaction(sessions(), read_only=True) as session:
        due = owners_to_look_at(session, now)
    for person_id in due:
        with transaction(sessions()) as session:
            viewer = owner_as_viewer(session, person_id, now)
            if viewer is not None:
                following = next(
                    (found for make in CONTRIBUTIONS.next if (found := make(session, viewer, now))), None
                )
                tip(session, session.get_one(Person, person_id), following, now=now)


def sweep_notices() -> None:
    now = clock.now()
    with transaction(sessions(), read_only=True) as session:
        if not any_to_forget(session, now):
            return
    with transaction(sessions()) as session:
        forget_old(session, now=now)
