"""Standard-setting sessions, and ratings as far as somebody may see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, or_, select

from certification.exams.models import Exam
from certification.standards.models import Standard, StandardRating
from certification.standards.rules import Rated, StandardStatus
from portal.accounts.models import Person


@dataclass(frozen=True)
class StandardRow:
    standard: Standard
    exam: Exam


def standards_of(session: Session, exam_id: int) -> list[Standard]:
    """Newest first."""
    return list(
        session.exec(select(Standard).where(Standard.exam_id == exam_id).order_by(col(Standard.id).desc()))
    )


def adopted_for(session: Session, exam_id: int, *, lock: bool = False) -> Standard | None:
    query = select(Standard).where(Standard.exam_id == exam_id, Standard.status == StandardStatus.ADOPTED)
    return session.exec(query.with_for_update() if lock else query).first()


def standard_with(session: Session, standard_id: int, *, lock: bool = False) -> StandardRow | None:
    query = (
        select(Standard, Exam)
        .join(Exam, col(Standard.exam_id) == col(Exam.id))
        .where(Standard.id == standard_id)
    )
    found = session.exec(query.with_for_update(of=[Standard, Exam]) if lock else query).first()
    return StandardRow(*found) if found else None


def ratings_of(session: Session, standard_id: int) -> list[Rated]:
    """Everybody's: for the cut, and for counting. What a page may show of it is `ratings_shown`."""
    return _rated(session, standard_id)


def ratings_shown(session: Session, standard: Standard, viewer_id: int) -> list[Rated]:
    """One's own; those of others once their round is over."""
    if standard.status is StandardStatus.ROUND_ONE:
        return _rated(session, standard.id or 0, viewer_id, over=0)
    if standard.status is StandardStatus.ROUND_TWO:
        return _rated(session, standard.id or 0, viewer_id, over=1)
    return _rated(session, standard.id or 0)


def _rated(session: Session, standard_id: int, viewer_id: int | None = None, *, over: int = 2) -> list[Rated]:
    columns: tuple[Any, ...] = (
        StandardRating.person_id,
        StandardRating.question_id,
        StandardRating.round,
        StandardRating.chance,
        StandardRating.note,
    )
    query = select(*columns).where(StandardRating.standard_id == standard_id)
    if viewer_id is not None:
        query = query.where(or_(StandardRating.person_id == viewer_id, col(StandardRating.round) <= over))
    return [Rated(*row) for row in session.exec(query.order_by(col(StandardRating.id)))]


def own_ratings(session: Session, standard_id: int, person_id: int, nth: int) -> dict[int, StandardRating]:
    """Question → the row of that round."""
    return {
        row.question_id: row
        for row in session.exec(
            select(StandardRating).where(
                StandardRating.standard_id == standard_id,
                StandardRating.person_id == person_id,
                StandardRating.round == nth,
            )
        )
    }


def names_of(session: Session, people: Sequence[int]) -> dict[int, str]:
    """Person → name."""
    return dict(session.exec(select(Person.id, Person.name).where(col(Person.id).in_(people))).all())  # type: ignore[arg-type]
