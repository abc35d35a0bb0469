"""Look for the questions of forms that were asked for."""

from datetime import timedelta

import dramatiq

from certification.papers.actions import keep_forms, task_for
from certification.papers.assembly import Assembled, CannotAssemble
from certification.papers.queries import forms_wanted
from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.jobs import broker  # noqa: F401  set before any actor is made


@dramatiq.actor(max_retries=2, min_backoff=5_000, time_limit=120_000)
def make_forms(form_id: int) -> None:
    """Solved outside of a transaction, so that nobody waits for the solver."""
    with transaction(sessions(), read_only=True) as session:
        task = task_for(session, form_id, now=clock.now())
    if task is None:
        return
    made: Assembled | CannotAssemble
    try:
        made = task.solve()
    except CannotAssemble as none:
        made = none
    with transaction(sessions()) as session:
        keep_forms(session, form_id, made, now=clock.now())


def sweep_forms() -> None:
    """What a crash left: forms asked for five minutes ago that nobody has made."""
    with transaction(sessions(), read_only=True) as session:
        due = forms_wanted(session, clock.now() - timedelta(minutes=5))
    for form_id in due:
        make_forms.fn(form_id)
