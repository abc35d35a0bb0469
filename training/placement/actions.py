"""Begin a placement test, and note what it shortens."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from portal.accounts.models import Person
from portal.history.actions import record
from portal.programme.queries import programme_at
from portal.refusal import NotFound, Refused, mark
from training.lessons.queries import lessons_now, published
from training.placement.models import Placement
from training.placement.queries import last_placement, questions_of
from training.placement.rules import backgrounds, draw, offers, opens_at, right, shortenable, shortened
from training.tasks.actions import complete_of
from training.tracks.models import ModuleProgress
from training.tracks.queries import progress_with, states_of

TOO_SOON = mark("You took the placement test of this track less than 30 days ago.")


def begin(
    session: Session, code: str, background: str, *, by: int, now: datetime, seed: int | None = None
) -> Placement:
    """Draw the questions. One that was begun goes on with the same; the next one 30 days after."""
    session.get_one(Person, by, with_for_update=True)  # two clicks wait for each other
    before = last_placement(session, by, code)
    if before and before.finished_at is None:
        return before
    if before and (opens := opens_at(before.started_at)) and opens > now:
        raise Refused(TOO_SOON)
    modules = offers(code, programme_at(session, now), states_of(session, by)).get(background)
    if not modules:
        raise NotFound
    seed = secrets.randbelow(2**31) if seed is None else seed
    counts = {m: len(lesson.practice) for m, lesson in lessons_now(session, modules, "zh", at=now).items()}
    placement = Placement(
        person_id=by,
        track=code,
        background=background,
        seed=seed,
        drawn=[list(asked) for asked in draw(seed, modules, counts)],
        started_at=now,
    )
    session.add(placement)
    session.flush()
    record(
        session,
        "placement test begun",
        "placement",
        placement.id,
        by=by,
        now=now,
        after={"module": code, "kind": background},
    )
    return placement


def finish(session: Session, placement: Placement, answers: Sequence[int], *, by: int, now: datetime) -> None:
    """Grade it once. What it shortens counts as done, without hours; what was finished meanwhile stays finished."""
    if placement.finished_at is not None:
        raise Refused(mark("This placement test is over; its result stands."))
    drawn = [(str(module), int(n)) for module, n in placement.drawn]
    questions = questions_of(session, placement, "zh")
    verdicts = right(questions, answers)
    background = next((b for b in backgrounds() if b.key == placement.background), None)
    states = states_of(session, by)
    allowed = (
        shortenable(background, placement.track, programme_at(session, now), states) if background else []
    )
    placement.answers, placement.right = list(answers), sum(verdicts)
    placement.shortened, placement.finished_at = shortened(drawn, verdicts, allowed), now
    versions = published(session, placement.shortened)
    for module in placement.shortened:
        row = progress_with(session, by, module, lock=True) or ModuleProgress(
            person_id=by, module=module, version=versions[module][-1].number, started_at=now
        )
        row.shortened_at = now
        session.add(row)
    record(
        session,
        "placement test finished",
        "placement",
        placement.id,
        by=by,
        now=now,
        after={
            "module": ", ".join(placement.shortened),
            "kind": placement.background,
            "score": placement.right,
            "asked": len(drawn),
        },
    )
    complete_of(session, by, now=now)
