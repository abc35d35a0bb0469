"""What an import would do, and what an export takes."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sqlmodel import Session, col, select

from certification.banks.form import QuestionForm
from certification.banks.models import Picture, Question
from certification.banks.rows import form_of
from certification.banks.rules import QuestionStatus
from certification.exams.queries import bank_with, questions_of_bank


class Change(StrEnum):
    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


def _is_asked(question: Question) -> bool:
    return question.status in (QuestionStatus.IN_USE, QuestionStatus.PILOT)


def pictures_by_hash(session: Session, hashes: Iterable[str]) -> dict[str, int]:
    """Hash → picture, of those that are kept already."""
    rows = session.exec(select(Picture.sha256, Picture.id).where(col(Picture.sha256).in_(list(hashes))))
    return {sha256: number or 0 for sha256, number in rows}


def contents_of(session: Session, questions: Iterable[Question]) -> dict[int, bytes]:
    """The bytes of every picture that the questions show."""
    wanted = {number for question in questions for number in question.pictures.values()}
    if not wanted:
        return {}
    rows = session.exec(select(Picture.id, Picture.content).where(col(Picture.id).in_(wanted)))
    return {number or 0: content for number, content in rows}


@dataclass(frozen=True)
class Preview:
    """Each question with what an import would do to it, in the order of the file."""

    rows: list[tuple[QuestionForm, Change]]

    def count(self, change: Change) -> int:
        return sum(c == change for _, c in self.rows)


def preview(session: Session, bank: str, questions: Iterable[QuestionForm]) -> Preview:
    """By code: not in use yet, in use with another content, in use as it is. Nothing is written."""
    found = bank_with(session, bank)
    known = questions_of_bank(session, found.id or 0) if found else []
    in_use = {q.code: q.content_hash for q in known if _is_asked(q)}

    def change(form: QuestionForm) -> Change:
        if form.code not in in_use:
            return Change.ADDED
        return Change.UNCHANGED if in_use[form.code] == form.content_hash else Change.CHANGED

    return Preview([(form, change(form)) for form in questions])


def forms_of_bank(session: Session, bank: str) -> list[QuestionForm] | None:
    """The questions in use, by topic, group and code; None when there is no such bank."""
    found = bank_with(session, bank)
    if found is None or found.id is None:
        return None
    asked = [q for q in questions_of_bank(session, found.id) if _is_asked(q)]
    contents = contents_of(session, asked)
    return sorted((form_of(q, contents) for q in asked), key=lambda f: (f.topic, f.group, f.code))
