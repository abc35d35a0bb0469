"""How far people have come."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from portal.accounts.models import Person
from portal.organisations.models import Employment
from portal.organisations.rules import EmploymentStatus
from training.tracks.models import ModuleProgress
from training.tracks.rules import State


@dataclass(frozen=True)
class MemberProgress:
    """A member of an organisation and the modules they finished."""

    person_id: int
    name: str
    finished: frozenset[str]  # or shortened
    begun: frozenset[str]  # practised, not yet finished
    last_at: datetime | None  # the latest finish


def states_of(session: Session, person_id: int) -> dict[str, State]:
    """The modules that a person has begun or finished; one query, no lesson file."""
    rows = session.exec(
        select(ModuleProgress.module, ModuleProgress.finished_at, ModuleProgress.shortened_at).where(
            ModuleProgress.person_id == person_id
        )
    )
    return {
        module: State.FINISHED if finished else State.SHORTENED if shortened else State.PRACTISED
        for module, finished, shortened in rows
    }


def finished_modules(session: Session, person_id: int) -> set[str]:
    """What counts as done: finished, or shortened by a placement test."""
    return set(
        session.exec(
            select(ModuleProgress.module).where(
                ModuleProgress.person_id == person_id,
                col(ModuleProgress.finished_at).is_not(None) | col(ModuleProgress.shortened_at).is_not(None),
            )
        )
    )


def finished_at(session: Session, person_id: int) -> dict[str, datetime]:
    """When each module was finished, in that order."""
    rows = session.exec(
        select(ModuleProgress.module, ModuleProgress.finished_at)
        .where(ModuleProgress.person_id == person_id, col(ModuleProgress.finished_at).is_not(None))
        .order_by(col(ModuleProgress.finished_at))
    )
    return {module: at for module, at in rows if at}


def progress_with(
    session: Session, person_id: int, module: str, *, lock: bool = False
) -> ModuleProgress | None:
    query = select(ModuleProgress).where(
        ModuleProgress.person_id == person_id, ModuleProgress.module == module
    )
    return session.exec(query.with_for_update() if lock else query).first()


def team_progress(session: Session, organisation_id: int) -> list[MemberProgress]:
    """Everybody who works there now, by name, with what they finished; one query."""
    rows = session.exec(
        select(  # type: ignore[call-overload]
            Person.id,
            Person.name,
            ModuleProgress.module,
            ModuleProgress.finished_at,
            ModuleProgress.shortened_at,
        )
        .join(
            Employment,
            (col(Employment.person_id) == col(Person.id)) & (Employment.status == EmploymentStatus.CONFIRMED),
        )
        .join(ModuleProgress, col(ModuleProgress.person_id) == col(Person.id), isouter=True)
        .where(Employment.organisation_id == organisation_id)
        .order_by(Person.name, col(Person.id))
    ).all()
    members = {person_id or 0: name for person_id, name, *_ in rows}
    return [
        MemberProgress(
            person_id,
            name,
            frozenset(module for p, _, module, at, short in rows if p == person_id and (at or short)),
            frozenset(
                module
                for p, _, module, at, short in rows
                if p == person_id and module and not at and not short
            ),
            max((at for p, _, _, at, _ in rows if p == person_id and at), default=None),
        )
        for person_id, name in members.items()
    ]
