"""Forget the files of questions that nobody imported."""

from certification.authoring.actions import forget_uploads
from portal import clock
from portal.context import sessions
from portal.db import transaction


def sweep_uploads() -> None:
    with transaction(sessions()) as session:
        forget_uploads(session, now=clock.now())
