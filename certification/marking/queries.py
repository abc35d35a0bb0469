"""Long answers that wait for their markers, and what was given for them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, or_, select

from certification.banks.models import Question
from certification.banks.rules import QuestionKind
from certification.exams.models import Answer, AnswerFile, Exam, Sitting
from certification.exams.rules import SittingStatus
from certification.marking.models import Mark
from certification.marking.rules import agreed
from portal.files.models import StoredFile
from portal.organisations.models import Employment

WAITING = (SittingStatus.HANDED_IN, SittingStatus.TIMED_OUT)


@dataclass(frozen=True)
class Waiting:
    """A long answer in the queue; whose it is stays unknown."""

    answer_id: int
    exam: Exam
    stem: dict[str, str]
    points: int
    handed_in_at: datetime
    marks: int  # given by others so far


@dataclass(frozen=True)
class ToMark:
    answer: Answer
    question: Question
    sitting: Sitting
    exam: Exam


def answers_to_mark(session: Session, sitting_id: int) -> set[int]:
    """The long questions of a sitting that have an answer, in words or as files."""
    rows = session.exec(
        select(Answer.question_id, Answer.text, func.count(col(AnswerFile.id)))
        .join(Question, col(Answer.question_id) == col(Question.id))
        .join(AnswerFile, col(AnswerFile.answer_id) == col(Answer.id), isouter=True)
        .where(Answer.sitting_id == sitting_id, Question.kind == QuestionKind.LONG)
        .group_by(col(Answer.id), col(Answer.question_id), col(Answer.text))
    )
    return {question for question, text, files in rows if text.strip() or files}


def points_given(session: Session, sitting_id: int) -> dict[int, int | None]:
    """Long question → its points once its markers agree, None while another mark is wanted."""
    rows = session.exec(
        select(Answer.question_id, Question.points, Mark.points)
        .join(Answer, col(Mark.answer_id) == col(Answer.id))
        .join(Question, col(Answer.question_id) == col(Question.id))
        .where(Answer.sitting_id == sitting_id)
        .order_by(col(Mark.id))
    ).all()
    marks: dict[int, list[Any]] = {}
    most = {question: points for question, points, _ in rows}
    for question, _, given in rows:
        marks.setdefault(question, []).append(given)
    return {question: agreed(given, most[question]) for question, given in marks.items()}


def marks_of(session: Session, answer_id: int) -> list[Mark]:
    return list(session.exec(select(Mark).where(Mark.answer_id == answer_id).order_by(col(Mark.id))))


def _foreign(viewer_id: int) -> tuple[Any, ...]:
    """Not one's own, nor a colleague's, nor marked by oneself already."""
    employers = select(Employment.organisation_id).where(
        Employment.person_id == viewer_id, col(Employment.confirmed_at).is_not(None)
    )
    own = select(Mark.answer_id).where(Mark.marked_by == viewer_id)
    return (
        col(Sitting.status).in_(WAITING),
        Question.kind == QuestionKind.LONG,
        Sitting.person_id != viewer_id,
        or_(col(Sitting.organisation_id).is_(None), col(Sitting.organisation_id).not_in(employers)),
        col(Answer.id).not_in(own),
    )


def waiting_for(session: Session, viewer_id: int) -> list[Waiting]:
    """The long answers that this person may mark and that still want a mark, oldest first; two queries."""
    columns: tuple[Any, ...] = (Answer, Exam, Question.stem, Question.points, Sitting.handed_in_at)
    rows = session.exec(
        select(*columns)
        .join(Sitting, col(Answer.sitting_id) == col(Sitting.id))
        .join(Exam, col(Sitting.exam_id) == col(Exam.id))
        .join(Question, col(Answer.question_id) == col(Question.id))
        .where(*_foreign(viewer_id))
        .order_by(col(Sitting.handed_in_at), col(Answer.id))
    ).all()
    filed = set(
        session.exec(
            select(AnswerFile.answer_id).where(col(AnswerFile.answer_id).in_([a.id for a, *_ in rows]))
        )
    )
    marks: dict[int, list[Any]] = {}
    for answer_id, given in session.exec(
        select(Mark.answer_id, Mark.points)
        .where(col(Mark.answer_id).in_([a.id for a, *_ in rows]))
        .order_by(col(Mark.id))
    ):
        marks.setdefault(answer_id, []).append(given)
    return [
        Waiting(
            answer.id or 0,
            exam,
            stem,
            points,
            handed_in_at or answer.saved_at,
            len(marks.get(answer.id or 0, [])),
        )
        for answer, exam, stem, points, handed_in_at in rows
        if (answer.text.strip() or answer.id in filed)
        and agreed(marks.get(answer.id or 0, []), points) is None
    ]


def answer_for(session: Session, answer_id: int, viewer_id: int, *, lock: bool = False) -> ToMark | None:
    """None when it is not there, not waiting, one's own, a colleague's, or marked by oneself already."""
    query = (
        select(Answer, Question, Sitting, Exam)
        .join(Sitting, col(Answer.sitting_id) == col(Sitting.id))
        .join(Exam, col(Sitting.exam_id) == col(Exam.id))
        .join(Question, col(Answer.question_id) == col(Question.id))
        .where(Answer.id == answer_id, *_foreign(viewer_id))
    )
    row = session.exec(query.with_for_update(of=Sitting) if lock else query).first()
    if row is None:
        return None
    found = ToMark(*row)
    marks = [m.points for m in marks_of(session, answer_id)]
    return found if agreed(marks, found.question.points) is None else None


def file_to_mark(session: Session, answer_id: int, file_id: int, viewer_id: int) -> StoredFile | None:
    """A file of an answer that this person may mark."""
    if answer_for(session, answer_id, viewer_id) is None:
        return None
    return session.exec(
        select(StoredFile)
        .join(AnswerFile, col(AnswerFile.file_id) == col(StoredFile.id))
        .where(AnswerFile.answer_id == answer_id, StoredFile.id == file_id)
    ).first()


def notes_for(session: Session, sitting_id: int) -> dict[int, list[Mark]]:
    """Question → its marks, for the candidate once the sitting is marked."""
    found: dict[int, list[Mark]] = {}
    for question, given in session.exec(
        select(Answer.question_id, Mark)
        .join(Answer, col(Mark.answer_id) == col(Answer.id))
        .where(Answer.sitting_id == sitting_id)
        .order_by(col(Mark.id))
    ):
        found.setdefault(question, []).append(given)
    return found


def sittings_with(session: Session, question_id: int) -> list[int]:
    """The marked sittings whose paper asks this question, oldest first."""
    rows = session.exec(
        select(Sitting.id, Sitting.paper)
        .join(Exam, col(Sitting.exam_id) == col(Exam.id))
        .join(Question, col(Question.bank_id) == col(Exam.bank_id))
        .where(Question.id == question_id, Sitting.status == SittingStatus.MARKED)
        .order_by(col(Sitting.id))
    )
    return [i or 0 for i, paper in rows if any(place["question"] == question_id for place in paper)]
