"""What learning contributes to the home page: the next lesson, and how far this person has come."""

from datetime import datetime

from sqlmodel import Session

from portal.desk.parts import Next, Part
from portal.ledger.queries import certificates_held
from portal.organisations.rules import Kind
from portal.programme.queries import programme_at
from portal.refusal import mark
from portal.web.viewer import Viewer
from training.tracks.queries import states_of
from training.tracks.rules import LearningPath, current_path, open_paths


def _path(session: Session, viewer: Viewer, now: datetime) -> LearningPath | None:
    """The path this person is on, or would begin with. Brands and staff are not asked to learn."""
    acting = viewer.organisation
    if acting is None and viewer.is_staff:
        return None
    if acting and (acting.kind != Kind.PROVIDER or not viewer.may("learn")):
        return None
    paths = open_paths(programme_at(session, now), states_of(session, viewer.person_id))
    return current_path(paths, certificates_held(session, viewer.person_id, now))


def next_step(session: Session, viewer: Viewer, now: datetime) -> Next | None:
    """The next lesson, until the path is finished."""
    path = _path(session, viewer, now)
    module = path.next if path else None
    if path is None or module is None:
        return None
    values = {"n": path.finished + 1, "all": len(path.modules), "hours": f"{module.hours:.1f}"}
    title = mark("Begin the first lesson") if path.finished == 0 else mark("Go on with the next lesson")
    return Next(
        title,
        mark("Lesson %(n)s of %(all)s; %(hours)s hours of training once it is finished."),
        module.path,
        mark("Open the lesson"),
        values,
    )


def part(session: Session, viewer: Viewer, now: datetime) -> Part | None:
    path = _path(session, viewer, now)
    return Part("training/part.html", {"path": path}, side=True) if path else None
