"""Tasks that are done by what people learned, reminders and escalations, newcomers."""

from portal import clock
from portal.context import sessions
from portal.db import transaction
from training.tasks import actions, queries


def sweep_tasks() -> None:
    """The sweep only narrows: each is looked at again under lock."""
    now = clock.now()
    with transaction(sessions(), read_only=True) as session:
        done = queries.perhaps_done(session)
        changed = queries.organisations_with_newcomers(session, now)
    for assignment_id in done:
        with transaction(sessions()) as session:
            actions.complete(session, assignment_id, now=now)
    for organisation_id in changed:
        with transaction(sessions()) as session:
            actions.people_changed(session, organisation_id, now)
    with transaction(sessions(), read_only=True) as session:
        due = queries.steps_due(session, now)
    for assignment_id in due:
        with transaction(sessions()) as session:
            actions.remind(session, assignment_id, now=now)
