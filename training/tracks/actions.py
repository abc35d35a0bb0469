"""Answer the practice of a lesson; finish it."""

from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from portal.history.actions import record
from portal.ledger.actions import write_fact
from portal.ledger.rules import FactKind
from portal.programme.rules import Programme
from portal.refusal import Refused, checked_move, mark
from training.tracks.models import ModuleProgress
from training.tracks.queries import progress_with
from training.tracks.rules import MOVES, Lesson, State, module_hours, unanswered

PRACTISE_FIRST = mark(
    "Answer the three practice questions first. Wrong answers are fine: each one is explained."
)

ANOTHER_VERSION = mark(
    "You began another version of this lesson. Finish that one, or switch to the new one first."
)


def state_of(progress: ModuleProgress | None) -> State:
    if progress is None:
        return State.OPEN
    if progress.finished_at:
        return State.FINISHED
    return State.SHORTENED if progress.shortened_at else State.PRACTISED


def begun_version(progress: ModuleProgress | None) -> int | None:
    """The version that somebody began and has not finished."""
    return progress.version if progress and progress.practice and not progress.finished_at else None


def answer_practice(
    session: Session, lesson: Lesson, answers: list[int], *, by: int, now: datetime
) -> ModuleProgress:
    """Keep what was chosen, right or wrong. Answering again replaces it."""
    if unanswered(lesson.practice, answers):
        raise Refused(PRACTISE_FIRST, status=422)
    progress = progress_with(session, by, lesson.module, lock=True) or _begin(session, lesson, by=by, now=now)
    checked_move(MOVES, state_of(progress), "practise")  # type: ignore[arg-type]
    if begun_version(progress) not in (None, lesson.version):
        raise Refused(ANOTHER_VERSION)
    before = {"practice": progress.practice} if progress.practice else None
    progress.practice, progress.version = answers, lesson.version
    record(
        session,
        "practice answered",
        "module_progress",
        progress.id,
        by=by,
        now=now,
        before=before,
        after={"module": lesson.module, "practice": answers},
    )
    return progress


def _begin(session: Session, lesson: Lesson, *, by: int, now: datetime) -> ModuleProgress:
    progress = ModuleProgress(person_id=by, module=lesson.module, version=lesson.version, started_at=now)
    try:
        with session.begin_nested():  # the same form, sent twice in the same moment
            session.add(progress)
            session.flush()
    except IntegrityError:
        found = progress_with(session, by, lesson.module, lock=True)
        assert found is not None  # noqa: S101
        return found
    return progress


def finish_module(
    session: Session, lesson: Lesson, programme: Programme, *, by: int, now: datetime
) -> ModuleProgress:
    """Finished once, with its hours as a fact; finishing again changes nothing."""
    progress = progress_with(session, by, lesson.module, lock=True)
    if progress is None or not progress.practice:  # a shortened one may have been practised never
        raise Refused(PRACTISE_FIRST)
    if state_of(progress) is State.FINISHED:
        return progress
    checked_move(MOVES, state_of(progress), "finish")  # type: ignore[arg-type]
    progress.finished_at = now
    hours = module_hours(programme.track(lesson.module.partition("/")[0]))
    write_fact(
        session,
        FactKind.TRAINING,
        source=("module_progress", progress.id),
        person_id=by,
        by=by,
        now=now,
        hours=round(hours, 2),
        module=lesson.module,
    )
    record(
        session,
        "lesson finished",
        "module_progress",
        progress.id,
        by=by,
        now=now,
        after={"module": lesson.module, "version": progress.version, "hours": round(hours, 2)},
    )
    return progress


def switch_version(session: Session, module: str, version: int, *, by: int, now: datetime) -> None:
    """Leave the version begun for the newest, `version`; the practice starts again. Without one begun, nothing."""
    progress = progress_with(session, by, module, lock=True)
    begun = begun_version(progress)
    if progress is None or begun is None or begun >= version:
        return
    record(
        session,
        "lesson switched to its new version",
        "module_progress",
        progress.id,
        by=by,
        now=now,
        before={"version": begun, "practice": progress.practice},
        after={"module": module, "version": version},
    )
    if progress.shortened_at:
        progress.practice, progress.version = [], version
    else:
        session.delete(progress)  # as before it was begun
    session.flush()
