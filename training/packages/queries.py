"""Which courses there are, who has come how far, what a launch opens."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, or_, select

from portal.accounts.models import Person
from portal.files.models import StoredFile
from training.packages.models import (
    CourseAttempt,
    CourseDocument,
    CourseLaunch,
    CoursePackage,
    CourseState,
    CourseStatement,
)
from training.packages.rules import PLAYED, VERBS, Completion, Result, Status


@dataclass(frozen=True)
class PackageRow:
    package: CoursePackage
    begun: int
    completed: int


def packages(session: Session) -> list[PackageRow]:
    """Every version with how many began and completed it; one query."""
    completed = func.count(CourseAttempt.completed_at)  # type: ignore[arg-type]
    rows = session.exec(
        select(CoursePackage, func.count(col(CourseAttempt.id)), completed)
        .join(CourseAttempt, col(CourseAttempt.package_id) == col(CoursePackage.id), isouter=True)
        .group_by(col(CoursePackage.id))
        .order_by(col(CoursePackage.identifier), col(CoursePackage.version).desc())
    )
    return [PackageRow(*row) for row in rows]


def package_with(session: Session, package_id: int, *, lock: bool = False) -> CoursePackage | None:
    query = select(CoursePackage).where(CoursePackage.id == package_id)
    return session.exec(query.with_for_update() if lock else query).first()


def package_of_archive(session: Session, sha256: str) -> CoursePackage | None:
    """The version that was made from these very bytes."""
    return session.exec(
        select(CoursePackage)
        .join(StoredFile, col(StoredFile.id) == col(CoursePackage.file_id))
        .where(StoredFile.sha256 == sha256)
        .order_by(col(CoursePackage.id).desc())
    ).first()


def last_version(session: Session, identifier: str) -> int:
    query = select(func.max(CoursePackage.version)).where(CoursePackage.identifier == identifier)
    return session.exec(query).one() or 0


def published_version(session: Session, identifier: str) -> CoursePackage | None:
    return session.exec(
        select(CoursePackage)
        .where(CoursePackage.identifier == identifier, CoursePackage.status == Status.PUBLISHED)
        .with_for_update()
    ).first()


@dataclass(frozen=True)
class MyCourse:
    package: CoursePackage
    attempt: CourseAttempt | None

    @property
    def open(self) -> bool:
        return self.package.status in PLAYED


def my_courses(session: Session, person_id: int) -> list[MyCourse]:
    """What is published, and what this person has begun; who is in the middle of a version is not offered the next.

    One query. The latest first, those not begun last.
    """
    rows = session.exec(
        select(CoursePackage, CourseAttempt)
        .join(
            CourseAttempt,
            (col(CourseAttempt.package_id) == col(CoursePackage.id))
            & (col(CourseAttempt.person_id) == person_id),
            isouter=True,
        )
        .where(or_(CoursePackage.status == Status.PUBLISHED, col(CourseAttempt.id).is_not(None)))
        .order_by(col(CourseAttempt.last_at).desc(), col(CoursePackage.published_at).desc())
    ).all()
    under_way = {
        package.identifier
        for package, attempt in rows
        if attempt and not attempt.completed_at and package.status in PLAYED
    }
    found = [
        MyCourse(package, attempt)
        for package, attempt in rows
        if attempt or package.identifier not in under_way
    ]
    return sorted(found, key=lambda c: c.attempt is None)


def my_course(session: Session, package_id: int, person_id: int) -> MyCourse | None:
    """Published, or begun by this person before."""
    row = session.exec(
        select(CoursePackage, CourseAttempt)
        .join(
            CourseAttempt,
            (col(CourseAttempt.package_id) == col(CoursePackage.id))
            & (col(CourseAttempt.person_id) == person_id),
            isouter=True,
        )
        .where(
            CoursePackage.id == package_id,
            or_(CoursePackage.status == Status.PUBLISHED, col(CourseAttempt.id).is_not(None)),
        )
    ).first()
    return MyCourse(*row) if row else None


def attempt_of(session: Session, package_id: int, person_id: int) -> CourseAttempt | None:
    return session.exec(
        select(CourseAttempt)
        .where(CourseAttempt.package_id == package_id, CourseAttempt.person_id == person_id)
        .with_for_update()
    ).first()


def states_of(session: Session, attempt_id: int) -> dict[str, CourseState]:
    rows = session.exec(select(CourseState).where(CourseState.attempt_id == attempt_id))
    return {row.part: row for row in rows}


def results_of(session: Session, attempt_id: int) -> dict[str, Result]:
    return {
        part: Result(Completion(row.completion), row.passed, row.score, row.seconds)
        for part, row in states_of(session, attempt_id).items()
    }


@dataclass(frozen=True)
class Opened:
    """A launch with everything it opens."""

    launch: CourseLaunch
    attempt: CourseAttempt
    package: CoursePackage
    person: Person

    @property
    def part(self) -> Mapping[str, Any]:
        return next(p for p in self.package.parts if p["key"] == self.launch.part)


def opened_by(session: Session, token_hash: str, now: datetime, *, lock: bool = False) -> Opened | None:
    """None once it has expired or the course was withdrawn. `lock`: the attempt, so that reports queue."""
    query = (
        select(CourseLaunch, CourseAttempt, CoursePackage, Person)
        .join(CourseAttempt, col(CourseAttempt.id) == col(CourseLaunch.attempt_id))
        .join(CoursePackage, col(CoursePackage.id) == col(CourseAttempt.package_id))
        .join(Person, col(Person.id) == col(CourseAttempt.person_id))
        .where(
            CourseLaunch.token_hash == token_hash,
            CourseLaunch.expires_at > now,
            col(CoursePackage.status).in_(list(PLAYED)),
        )
    )
    row = session.exec(query.with_for_update(of=CourseAttempt) if lock else query).first()
    return Opened(*row) if row else None


def open_launches(session: Session, attempt_id: int, part: str, now: datetime) -> list[CourseLaunch]:
    return list(
        session.exec(
            select(CourseLaunch).where(
                CourseLaunch.attempt_id == attempt_id,
                CourseLaunch.part == part,
                CourseLaunch.expires_at > now,
            )
        )
    )


def statement_with(session: Session, attempt_id: int, uuid: str) -> CourseStatement | None:
    return session.exec(
        select(CourseStatement).where(CourseStatement.attempt_id == attempt_id, CourseStatement.uuid == uuid)
    ).first()


def statements_of(session: Session, attempt_id: int, part: str) -> list[CourseStatement]:
    return list(
        session.exec(
            select(CourseStatement)
            .where(CourseStatement.attempt_id == attempt_id, CourseStatement.part == part)
            .order_by(col(CourseStatement.id))
        )
    )


def how_many_statements(session: Session, attempt_id: int) -> int:
    query = select(func.count()).select_from(CourseStatement).where(CourseStatement.attempt_id == attempt_id)
    return session.exec(query).one()


def defined_of(session: Session, attempt_id: int, part: str) -> list[tuple[str, Mapping[str, Any]]]:
    """(verb, result) of what cmi5 defines, in the order in which it came."""
    rows = session.exec(
        select(CourseStatement.verb, CourseStatement.statement)
        .where(
            CourseStatement.attempt_id == attempt_id,
            CourseStatement.part == part,
            col(CourseStatement.defined),
        )
        .order_by(col(CourseStatement.id))
    )
    return [(VERBS[verb], statement.get("result") or {}) for verb, statement in rows if verb in VERBS]


def documents(session: Session, attempt_id: int, kind: str, part: str) -> list[CourseDocument]:
    return list(
        session.exec(
            select(CourseDocument)
            .where(
                CourseDocument.attempt_id == attempt_id,
                CourseDocument.kind == kind,
                CourseDocument.part == part,
            )
            .order_by(col(CourseDocument.id))
        )
    )


def completed_courses(session: Session, person_id: int) -> list[tuple[CoursePackage, CourseAttempt]]:
    return list(
        session.exec(
            select(CoursePackage, CourseAttempt)
            .join(CourseAttempt, col(CourseAttempt.package_id) == col(CoursePackage.id))
            .where(CourseAttempt.person_id == person_id, col(CourseAttempt.completed_at).is_not(None))
            .order_by(col(CourseAttempt.completed_at))
        )
    )
