"""Lessons as they are published, and as their authors see them."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from portal.accounts.models import Person
from training.lessons.models import LessonVersion
from training.lessons.rules import OPEN, Pair, Status
from training.tracks.models import ModuleProgress
from training.tracks.rules import LANGUAGES, Lesson, read_lesson

_read: dict[str, dict[str, Lesson]] = {}  # by digest: the same texts are the same lesson


@dataclass(frozen=True)
class Published:
    """A published version without its texts."""

    id: int
    module: str
    number: int
    digest: str
    at: datetime
    changed: dict[str, str] = field(hash=False)


_PUBLISHED = (
    col(LessonVersion.id),
    col(LessonVersion.module),
    col(LessonVersion.number),
    col(LessonVersion.digest),
    col(LessonVersion.published_at),
    col(LessonVersion.changed),
)


def published(session: Session, modules: Collection[str]) -> dict[str, list[Published]]:
    """Module → its published versions, the oldest first; one query."""
    found: dict[str, list[Published]] = {}
    rows = session.exec(
        select(*_PUBLISHED)  # type: ignore[call-overload]
        .where(col(LessonVersion.module).in_(modules), LessonVersion.status == Status.PUBLISHED)
        .order_by(LessonVersion.number)
    )
    for row in rows:
        found.setdefault(row[1], []).append(Published(*row))
    return found


def texts_of(session: Session, versions: Collection[Published], language: str) -> list[Lesson]:
    """The lessons of these versions, in their order; one query, none for what this process has read before."""
    missing = {v.id for v in versions if v.digest not in _read}
    if missing:
        rows = session.exec(
            select(LessonVersion.digest, LessonVersion.zh, LessonVersion.en).where(
                col(LessonVersion.id).in_(missing)
            )
        )
        for digest, zh, en in rows:
            _read[digest] = {"zh": read_lesson(zh), "en": read_lesson(en)}
    return [replace(_read[v.digest][language], version=v.number) for v in versions]


def lessons_now(
    session: Session, modules: Collection[str], language: str, *, at: datetime | None = None
) -> dict[str, Lesson]:
    """Module → the lesson that is (at that time: was) published; modules without one are left out."""
    rows = published(session, modules)
    chosen = [
        next((v for v in reversed(rows[m]) if at is None or v.at <= at), rows[m][0])
        for m in modules
        if m in rows
    ]
    return {lesson.module: lesson for lesson in texts_of(session, chosen, language)}


def pair_of(version: LessonVersion) -> Pair:
    """Both languages of a version; a draft is version 0."""
    texts = {"zh": version.zh, "en": version.en}
    return {
        language: replace(read_lesson(texts[language]), version=version.number or 0) for language in LANGUAGES
    }


def changes_since(session: Session, person_id: int, track: str) -> dict[str, list[Published]]:
    """Module of the track → what was published after the version this person began or finished; one query."""
    found: dict[str, list[Published]] = {}
    rows = session.exec(
        select(*_PUBLISHED)  # type: ignore[call-overload]
        .join(ModuleProgress, col(ModuleProgress.module) == col(LessonVersion.module))
        .where(
            ModuleProgress.person_id == person_id,
            col(ModuleProgress.module).startswith(f"{track}/"),
            col(ModuleProgress.finished_at).is_not(None),
            LessonVersion.status == Status.PUBLISHED,
            col(LessonVersion.number) > col(ModuleProgress.version),
        )
        .order_by(LessonVersion.number)
    )
    for row in rows:
        found.setdefault(row[1], []).append(Published(*row))
    return found


# ——— For authors ———


@dataclass(frozen=True)
class Row:
    """A version in a list: without its texts, with names."""

    id: int
    module: str
    number: int | None
    status: Status
    shipped: int | None
    written_at: datetime
    writer: str | None
    published_at: datetime | None
    publisher: str | None
    changed: dict[str, str] = field(hash=False)


def versions(session: Session, module: str = "") -> list[Row]:
    """Of one module or of all, the newest first, without what was withdrawn; one query."""
    writer, publisher = aliased(Person), aliased(Person)
    query = (
        select(  # type: ignore[call-overload]
            LessonVersion.id,
            LessonVersion.module,
            LessonVersion.number,
            LessonVersion.status,
            LessonVersion.shipped,
            LessonVersion.written_at,
            col(writer.name),
            LessonVersion.published_at,
            col(publisher.name),
            LessonVersion.changed,
        )
        .join(writer, col(writer.id) == col(LessonVersion.written_by), isouter=True)
        .join(publisher, col(publisher.id) == col(LessonVersion.published_by), isouter=True)
        .where(LessonVersion.status != Status.WITHDRAWN)
        .order_by(col(LessonVersion.id).desc())
    )
    rows = session.exec(query.where(LessonVersion.module == module) if module else query)
    return sorted((Row(*row) for row in rows), key=lambda r: -(r.number or 1_000_000))


def version_with(session: Session, version_id: int, *, lock: bool = False) -> LessonVersion | None:
    query = select(LessonVersion).where(LessonVersion.id == version_id)
    return session.exec(query.with_for_update() if lock else query).first()


def newest(session: Session, module: str, *, lock: bool = False) -> LessonVersion | None:
    """The version shown now. Whoever begins or publishes another one locks it first."""
    query = (
        select(LessonVersion)
        .where(LessonVersion.module == module, LessonVersion.status == Status.PUBLISHED)
        .order_by(col(LessonVersion.number).desc())
        .limit(1)
    )
    return session.exec(query.with_for_update() if lock else query).first()


def being_written(session: Session, module: str) -> LessonVersion | None:
    return session.exec(
        select(LessonVersion).where(LessonVersion.module == module, col(LessonVersion.status).in_(OPEN))
    ).first()


def newest_each(session: Session) -> dict[str, tuple[int, int | None]]:
    """Module → (number, the shipped file's version or None when people published it) of what is shown now."""
    rows = session.exec(
        select(LessonVersion.module, LessonVersion.number, LessonVersion.shipped)
        .where(LessonVersion.status == Status.PUBLISHED)
        .order_by(LessonVersion.number)  # type: ignore[arg-type]
    )
    return {module: (number or 0, shipped) for module, number, shipped in rows}


def to_review(session: Session, person_id: int) -> int:
    """How many wait for a review by this person."""
    rows = session.exec(select(LessonVersion.writers).where(LessonVersion.status == Status.IN_REVIEW))
    return sum(person_id not in writers for writers in rows)
