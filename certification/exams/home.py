"""What exams contribute to the home page: a running sitting, its clock, the exam once it is open."""

from datetime import datetime

from sqlmodel import Session

from certification.exams.queries import ExamStanding, exam_standings, open_sitting
from certification.exams.rules import Part, SittingStatus
from portal.desk.parts import Clock, Next
from portal.organisations.rules import Kind
from portal.programme.queries import programme_at
from portal.refusal import mark
from portal.web.viewer import Viewer


def resume(session: Session, viewer: Viewer, _now: datetime) -> Next | None:
    """Before everything else: a sitting whose clock runs."""
    found = open_sitting(session, viewer.person_id)
    if found is None:
        return None
    sitting, exam = found
    return Next(
        mark("Go back to your exam"),
        mark("%(code)s is open and its clock runs. Every answer saved so far is there."),
        f"/my/sittings/{sitting.token}",
        mark("Go on with the exam"),
        {"code": exam.code},
    )


def sit_exam(session: Session, viewer: Viewer, now: datetime) -> Next | None:
    """After the last lesson: the exam that is open to this person and whose certificate they do not hold."""
    acting = viewer.organisation
    if acting is None or acting.kind != Kind.PROVIDER:
        return None
    for standing in exam_standings(
        session, viewer.person_id, holder=acting, programme=programme_at(session, now), now=now
    ):
        if standing.exam.certificate and not standing.held and not standing.whys and not _done(standing):
            if standing.open_token:  # a task of days: its clock stands among the clocks
                continue
            if standing.exam.part is Part.PRACTICAL:
                return Next(
                    mark("Do the practical %(code)s"),
                    mark(
                        "One task, %(days)s days, marked by two people. Its page shows how before it begins."
                    ),
                    f"/my/exams/{standing.exam.code}",
                    mark("To the practical"),
                    {"code": standing.exam.code, "days": standing.terms.minutes // (24 * 60)},
                )
            return Next(
                mark("Sit the exam %(code)s"),
                mark(
                    "%(questions)s questions, %(minutes)s minutes. "
                    "Its page says how it goes before the clock starts."
                ),
                f"/my/exams/{standing.exam.code}",
                mark("To the exam"),
                {
                    "code": standing.exam.code,
                    "questions": standing.terms.questions,
                    "minutes": standing.terms.minutes,
                },
            )
    return None


def _done(standing: ExamStanding) -> bool:
    """Passed already, and the other part is still to come."""
    return any(a.passed and a.status == SittingStatus.MARKED for a in standing.attempts)


def clocks(session: Session, viewer: Viewer, _now: datetime) -> list[Clock]:
    running = [open_sitting(session, viewer.person_id, part) for part in Part]
    return [
        Clock(
            sitting.ends_at,
            mark("Your exam %(code)s ends and is handed in as it stands."),
            f"/my/sittings/{sitting.token}",
            {"code": exam.code},
        )
        for sitting, exam in filter(None, running)
    ]
