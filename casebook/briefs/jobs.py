"""Clocks of briefs: answers that did not come, brands that went silent, briefs to be matched again."""

from datetime import timedelta

from casebook.briefs import actions, queries
from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.programme.queries import programme_at

MATCH_AGAIN_AFTER = timedelta(hours=24)


def sweep_introductions() -> None:
    """The sweep only narrows: each introduction is looked at again under lock."""
    now = clock.now()
    with transaction(sessions(), read_only=True) as session:
        due = queries.introductions_to_expire(session, now)
    for introduction_id in due:
        with transaction(sessions()) as session:
            actions.expire(session, introduction_id, programme_at(session, now), now=now)


def sweep_briefs() -> None:
    now = clock.now()
    before = now - MATCH_AGAIN_AFTER
    with transaction(sessions(), read_only=True) as session:
        lapsed = queries.briefs_to_lapse(session, now)
        waiting = queries.briefs_to_match_again(session, before)
    for brief_id in lapsed:
        with transaction(sessions()) as session:
            actions.lapse(session, brief_id, now=now)
    for brief_id in waiting:
        with transaction(sessions()) as session:
            actions.match_again(session, brief_id, programme_at(session, now), before=before, now=now)
