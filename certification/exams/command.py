"""`yuqiao exams replay TOKEN`: draw a paper again and say whether it is the one that was sat."""

import sys

from certification.exams.actions import drawn_again
from certification.exams.queries import sitting_with_token
from portal.context import sessions
from portal.db import transaction


def replay(token: str) -> int:
    """1: there is no such sitting, it is from before draws were kept, or it comes out differently."""
    with transaction(sessions(), read_only=True) as session:
        sitting = sitting_with_token(session, token)
        if sitting is None or not sitting.drawn:
            print(f"{token}: no sitting whose draw was kept", file=sys.stderr)
            return 1
        same = drawn_again(session, sitting) == sitting.paper
        print(f"{token}: {len(sitting.paper)} questions, {'the same paper' if same else 'ANOTHER paper'}")
    return 0 if same else 1
