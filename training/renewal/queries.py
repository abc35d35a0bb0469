"""Who has a mandatory course that ends, and no task to renew it."""

from datetime import datetime

from sqlmodel import Session, col, exists, func, or_, select

from portal.ledger.queries import facts_of_people
from portal.organisations.models import Employment, Organisation
from portal.organisations.rules import EmploymentStatus, Kind, Trust
from portal.programme.rules import Programme
from training.renewal.rules import Course, courses
from training.tasks.models import Assignment, Task
from training.tasks.rules import WAITS, Status, TaskKind
from training.tracks.models import ModuleProgress


def courses_of(session: Session, person_id: int, programme: Programme, now: datetime) -> list[Course]:
    return courses(programme, facts_of_people(session, [person_id]), now)


def perhaps_due(session: Session, code: str, programme: Programme, now: datetime) -> list[tuple[int, int]]:
    """(organisation, person) whose track was finished long enough ago and who have no task for it."""
    ago = programme.course_valid - programme.course_told[0]
    told = (
        exists()
        .where(
            col(Assignment.person_id) == col(Employment.person_id),
            col(Assignment.task_id) == col(Task.id),
            col(Task.kind) == TaskKind.RENEWAL,
            col(Task.subject) == code,
            or_(
                col(Assignment.status).in_(WAITS),
                (col(Assignment.status) == Status.DONE) & (col(Assignment.done_at) > now - ago),
                (col(Assignment.status) == Status.WITHDRAWN) & (col(Task.withdrawn_at) > now - ago),
            ),
        )
        .correlate(Employment)
    )
    rows = session.exec(
        select(Employment.organisation_id, Employment.person_id)
        .join(Organisation, col(Organisation.id) == col(Employment.organisation_id))
        .join(ModuleProgress, col(ModuleProgress.person_id) == col(Employment.person_id))
        .where(
            Employment.status == EmploymentStatus.CONFIRMED,
            Organisation.kind == Kind.PROVIDER,
            Organisation.trust != Trust.CLOSED,
            col(ModuleProgress.module).like(f"{code}/%"),
            col(ModuleProgress.finished_at).is_not(None),
            ~told,
        )
        .group_by(col(Employment.organisation_id), col(Employment.person_id))
        .having(func.max(ModuleProgress.finished_at) <= now - ago)
        .order_by(col(Employment.organisation_id), col(Employment.person_id))
    )
    return [(organisation, person) for organisation, person in rows if person is not None]
