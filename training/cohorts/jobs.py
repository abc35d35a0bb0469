"""Cohorts whose last day is over are finished."""

from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.refusal import Refused
from training.cohorts import actions, queries


def sweep_cohorts() -> None:
    """The sweep only narrows: each is looked at again under lock."""
    now = clock.now()
    with transaction(sessions(), read_only=True) as session:
        ended = queries.ended(session, now)
    for cohort_id in ended:
        try:
            with transaction(sessions()) as session:
                actions.finish(session, cohort_id, by=None, now=now)
        except Refused:  # by hand, in the meantime
            continue
