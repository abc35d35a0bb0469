"""What the signals look at, and the files as far as somebody may see them."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlmodel import Session, col, func, or_, select

from certification.banks.models import Question
from certification.banks.rules import CANARY, CHOICE
from certification.exams.models import Answer, Exam, Sitting
from certification.exams.rules import SittingStatus
from certification.integrity.models import IntegrityFile, SittingAway
from certification.integrity.rules import FileStatus, Kind
from certification.integrity.signals import Looked, quicker, response_times
from certification.statistics.queries import exam_responses
from certification.statistics.report import drift_since
from certification.statistics.responses import Responses
from certification.statistics.rules import Period, guess_score
from portal.accounts.models import Person
from portal.clock import today
from portal.history.models import History
from portal.organisations.models import Employment

LOOK_BACK = timedelta(days=365)
LATE = timedelta(days=30)  # an item is compared with itself before that
GUESS = 0.05  # where an answer is typed, nobody guesses it more often
SHOWN = "names shown"  # the verb in the history


# ——— What is looked at ———


def exams_sat(session: Session, since: datetime) -> dict[int, tuple[int, int]]:
    """Exams with marked sittings handed in since then → (how many, the latest): whether to look again."""
    rows = session.exec(
        select(Sitting.exam_id, func.count(), func.max(Sitting.id))
        .where(Sitting.status == SittingStatus.MARKED, col(Sitting.handed_in_at) >= since)
        .group_by(col(Sitting.exam_id))
    )
    return {exam: (count, last or 0) for exam, count, last in rows}


@dataclass(frozen=True)
class Look:
    data: Looked
    leaked: list[int]  # columns
    late: Any  # rows, of the last 30 days
    codes: list[str]  # of the columns


def look_at(session: Session, exam_id: int, now: datetime) -> Look | None:
    """The marked sittings of an exam in the last 365 days; None without any."""
    exam = session.get_one(Exam, exam_id)
    load = exam_responses(session, exam.code, Period(since=today(now - LOOK_BACK)))
    if load is None or not load.responses.papers or not load.responses.columns:
        return None
    responses = load.responses
    ids = [paper.id for paper in responses.papers]
    facts = {
        i: (person, at)
        for i, person, at in session.exec(
            select(Sitting.id, Sitting.person_id, Sitting.started_at).where(
                Sitting.exam_id == exam_id, col(Sitting.id) >= min(ids), col(Sitting.id) <= max(ids)
            )
        )
    }
    data = _looked(responses, facts, _firsts(session, exam_id, min(ids), max(ids)), _tagged(session, exam))
    moment = now - LATE
    late = np.array([paper.at >= moment for paper in responses.papers], dtype=bool)
    column = {c.question.id: n for n, c in enumerate(responses.columns) if not c.pilot}
    easier = [
        column[line.later.question.id]
        for line in drift_since(responses, moment)
        if line.later.question.id in column
        and {flag.code for flag in line.drift.flags} & {"matched", "moved"}
        and (line.drift.matched.delta < 0 if line.drift.matched else (line.drift.change or 0) > 0)
    ]
    leaked = [c for c in easier if quicker(data, c, late)]
    return Look(data, leaked, late, [c.question.code for c in responses.columns])


def _firsts(session: Session, exam_id: int, first: int, last: int) -> dict[int, dict[int, datetime]]:
    """Sitting → question → when something was first given."""
    found: dict[int, dict[int, datetime]] = defaultdict(dict)
    for sitting, question, at in session.exec(
        select(Answer.sitting_id, Answer.question_id, Answer.first_at)
        .join(Sitting, col(Answer.sitting_id) == col(Sitting.id))
        .where(
            Sitting.exam_id == exam_id,
            col(Sitting.id) >= first,
            col(Sitting.id) <= last,
            col(Answer.first_at).is_not(None),
        )
    ):
        if at is not None:
            found[sitting][question] = at
    return found


def _tagged(session: Session, exam: Exam) -> set[int]:
    """The canary items of its bank."""
    rows = session.exec(select(Question.id, Question.tags).where(Question.bank_id == exam.bank_id))
    return {i or 0 for i, tags in rows if CANARY in tags}


def _looked(
    responses: Responses,
    facts: dict[int | None, tuple[int, datetime]],
    firsts: dict[int, dict[int, datetime]],
    tagged: set[int],
) -> Looked:
    columns, papers = responses.columns, responses.papers
    times = np.full(responses.x.shape, np.nan)
    asked = ~np.isnan(responses.x)
    choice = np.array([c.question.kind in CHOICE for c in columns])
    for n, paper in enumerate(papers):
        spent = response_times(facts[paper.id][1], firsts.get(paper.id, {}))
        for at in np.flatnonzero(asked[n]):
            times[n, at] = spent.get(columns[at].question.id, np.nan)
    with np.errstate(invalid="ignore"):
        right = responses.x >= responses.top[None, :]
    guesses = [guess_score(c.question.kind, len(c.question.options)) for c in columns]
    return Looked(
        np.array([paper.id for paper in papers], dtype=np.int64),
        np.array([facts[paper.id][0] for paper in papers], dtype=np.int64),
        np.array([paper.at.timestamp() / 86400 for paper in papers]),
        right,
        asked,
        np.where(choice[None, :], responses.chosen, -1),
        times,
        np.array([GUESS if g is None else g for g in guesses]),
        np.array([c.question.id in tagged for c in columns], dtype=bool),
    )


# ——— Files ———


def files_known(session: Session, sittings: list[int]) -> set[tuple[int, Kind]]:
    rows = session.exec(
        select(IntegrityFile.sitting_id, IntegrityFile.kind).where(
            col(IntegrityFile.sitting_id).in_(sittings)
        )
    )
    return {(sitting, Kind(kind)) for sitting, kind in rows}


@dataclass(frozen=True)
class FileRow:
    file: IntegrityFile
    sitting: Sitting
    exam: Exam


def _rows(viewer_id: int) -> Any:
    """Files that this person may decide on: not their own sitting's, nor a colleague's."""
    employers = select(Employment.organisation_id).where(
        Employment.person_id == viewer_id, col(Employment.confirmed_at).is_not(None)
    )
    return (
        select(IntegrityFile, Sitting, Exam)
        .join(Sitting, col(IntegrityFile.sitting_id) == col(Sitting.id))
        .join(Exam, col(Sitting.exam_id) == col(Exam.id))
        .where(
            Sitting.person_id != viewer_id,
            or_(col(Sitting.organisation_id).is_(None), col(Sitting.organisation_id).not_in(employers)),
        )
    )


def file_queue(session: Session, viewer_id: int, *, closed: bool = False, limit: int = 200) -> list[FileRow]:
    """Those that wait, the oldest first; or the closed ones, the latest first."""
    query = _rows(viewer_id)
    if closed:
        query = query.where(IntegrityFile.status == FileStatus.CLOSED).order_by(
            col(IntegrityFile.decided_at).desc(), col(IntegrityFile.id).desc()
        )
    else:
        query = query.where(IntegrityFile.status != FileStatus.CLOSED).order_by(
            col(IntegrityFile.opened_at), col(IntegrityFile.id)
        )
    return [FileRow(*row) for row in session.exec(query.limit(limit))]


def files_waiting(session: Session, viewer_id: int) -> int:
    query = _rows(viewer_id).where(IntegrityFile.status != FileStatus.CLOSED).subquery()
    return int(session.exec(select(func.count()).select_from(query)).one())


def file_for(session: Session, file_id: int, viewer_id: int, *, lock: bool = False) -> FileRow | None:
    """None when it is not there, or not theirs to decide; one whose partner is their own paper, neither."""
    query = _rows(viewer_id).where(IntegrityFile.id == file_id)
    found = session.exec(query.with_for_update(of=[IntegrityFile, Sitting]) if lock else query).first()
    if found is None:
        return None
    row = FileRow(*found)
    partners = [one["sitting"] for one in row.file.figures.get("partners", [])]
    own = session.exec(
        select(Sitting.id).where(col(Sitting.id).in_(partners), Sitting.person_id == viewer_id).limit(1)
    ).first()
    return None if own else row


def awaiting_word(session: Session, token: str, person_id: int, *, lock: bool = False) -> list[IntegrityFile]:
    """Files of one's own sitting on which one has, or had, the word. Empty for another's."""
    query = (
        select(IntegrityFile)
        .join(Sitting, col(IntegrityFile.sitting_id) == col(Sitting.id))
        .where(
            Sitting.token == token,
            Sitting.person_id == person_id,
            col(IntegrityFile.proposed_at).is_not(None),
        )
        .order_by(col(IntegrityFile.id))
    )
    return list(session.exec(query.with_for_update(of=[IntegrityFile]) if lock else query))


def words_wanted(session: Session, person_id: int) -> list[tuple[str, str, datetime]]:
    """(token, exam code, until) of this person's sittings whose file waits for their word."""
    rows = session.exec(
        select(Sitting.token, Exam.code, IntegrityFile.answer_until)
        .join(Sitting, col(IntegrityFile.sitting_id) == col(Sitting.id))
        .join(Exam, col(Sitting.exam_id) == col(Exam.id))
        .where(Sitting.person_id == person_id, IntegrityFile.status == FileStatus.ASKED)
        .order_by(col(IntegrityFile.answer_until))
    )
    return [(token, code, until) for token, code, until in rows if until is not None]


def away_of(session: Session, sittings: list[int]) -> dict[int, SittingAway]:
    rows = session.exec(select(SittingAway).where(col(SittingAway.sitting_id).in_(sittings)))
    return {row.sitting_id: row for row in rows}


def sittings_with(session: Session, ids: list[int]) -> dict[int, tuple[Sitting, Person]]:
    """With whose they are: for pages that have recorded that names are shown, and for letters."""
    rows = session.exec(
        select(Sitting, Person)
        .join(Person, col(Sitting.person_id) == col(Person.id))
        .where(col(Sitting.id).in_(ids))
    )
    return {sitting.id or 0: (sitting, person) for sitting, person in rows}


def names_shown(session: Session, file_id: int, viewer_id: int) -> bool:
    """Whether this person has asked for the names, which stands in the history."""
    return (
        session.exec(
            select(History.id)
            .where(
                History.subject_kind == "integrity",
                History.subject_id == file_id,
                History.actor_id == viewer_id,
                History.verb == SHOWN,
            )
            .limit(1)
        ).first()
        is not None
    )
