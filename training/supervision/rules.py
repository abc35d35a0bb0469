"""What a team learned, and the one thing its owner should do about it: pure, and published on the board."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from portal.ledger.rules import FactKind, FactRow
from portal.programme.rules import Programme, Text
from portal.refusal import mark
from training.renewal.rules import Course, State, courses
from training.tasks.rules import WAITS, Status

YEAR, FOUR_WEEKS = timedelta(days=365), timedelta(days=28)
ENDS_SOON = timedelta(days=60)  # a certificate
QUIET_FOR = timedelta(days=14)
METRIC = "training_hours_per_head_12m"


@dataclass(frozen=True)
class TaskLine:
    """A task of a person, as the board counts it."""

    person_id: int
    name: Text
    status: Status
    due: datetime
    done_at: datetime | None = None
    path: str = ""

    def overdue(self, now: datetime) -> bool:
        return self.status in WAITS and self.due <= now


@dataclass(frozen=True)
class Worker:
    """Somebody who works there now."""

    person_id: int
    employment_id: int
    name: str
    roles: tuple[str, ...]
    since: datetime | None


@dataclass(frozen=True)
class Line:
    """A person's numbers."""

    worker: Worker
    modules: int  # finished in 12 months
    hours: float  # in 12 months
    hours_28d: float
    certificates: Mapping[str, datetime | None]  # code → its end
    tasks: tuple[TaskLine, ...]
    open: int
    overdue: int
    courses: tuple[Course, ...]  # each mandatory track
    last_at: datetime | None  # learned, passed, or did a task

    def ending(self, now: datetime) -> list[tuple[datetime, str]]:
        """(end, code) of the certificates that end soon, the nearest first."""
        return sorted(
            (end, code) for code, end in self.certificates.items() if end and end - now <= ENDS_SOON
        )


@dataclass(frozen=True)
class Board:
    lines: tuple[Line, ...]
    in_time: int  # tasks that were due in the last 28 days and done by then
    were_due: int

    @property
    def hours_28d(self) -> float:
        """A head."""
        return sum(line.hours_28d for line in self.lines) / len(self.lines) if self.lines else 0.0

    @property
    def hours(self) -> float:
        """A head, in 12 months."""
        return sum(line.hours for line in self.lines) / len(self.lines) if self.lines else 0.0

    @property
    def share_in_time(self) -> float | None:
        return self.in_time / self.were_due if self.were_due else None

    @property
    def courses(self) -> list[tuple[Course, int]]:
        """(a mandatory track, how many of the people it holds for)"""
        if not self.lines:
            return []
        holds = (State.VALID, State.ENDS_SOON)
        return [
            (course, sum(line.courses[n].state in holds for line in self.lines))
            for n, course in enumerate(self.lines[0].courses)
        ]


def board_of(
    workers: Sequence[Worker],
    facts: Iterable[FactRow],
    tasks: Sequence[TaskLine],
    programme: Programme,
    now: datetime,
) -> Board:
    """`facts`: of these people, whatever their kind; `tasks`: of everybody in the organisation."""
    known = [f for f in facts if f.known(now) and f.true_from <= now]
    lines = [
        _line(w, [f for f in known if f.person_id == w.person_id], tasks, programme, now) for w in workers
    ]
    judged = [
        t for t in tasks if now - FOUR_WEEKS < t.due <= now and (t.status in WAITS or t.status is Status.DONE)
    ]
    return Board(tuple(lines), sum(bool(t.done_at and t.done_at <= t.due) for t in judged), len(judged))


def _line(
    worker: Worker, facts: list[FactRow], tasks: Sequence[TaskLine], programme: Programme, now: datetime
) -> Line:
    learned = [f for f in facts if f.kind == FactKind.TRAINING and f.true_from > now - YEAR]
    held: dict[str, datetime | None] = {}
    for fact in facts:
        if fact.kind == FactKind.CERTIFICATE and fact.holds(now):
            code, end = str(fact.value["code"]), fact.true_until
            held[code] = (
                None
                if end is None or (code in held and held[code] is None)
                else max(end, held.get(code) or end)
            )
    own = tuple(t for t in tasks if t.person_id == worker.person_id)
    moments = [f.true_from for f in facts if f.kind in (FactKind.TRAINING, FactKind.CERTIFICATE)]
    moments += [t.done_at for t in own if t.done_at]
    return Line(
        worker,
        len({str(f.value.get("module")) for f in learned if f.source_kind == "module_progress"}),
        round(sum(float(f.value["hours"]) for f in learned), 1),
        round(sum(float(f.value["hours"]) for f in learned if f.true_from > now - FOUR_WEEKS), 1),
        held,
        own,
        sum(t.status in WAITS for t in own),
        sum(t.overdue(now) for t in own),
        tuple(courses(programme, facts, now)),
        max(moments, default=None),
    )


# The coaching card


@dataclass(frozen=True)
class Advice:
    """The one thing to do, with its reason. Texts are catalogue keys with %(name)s places filled by `values`."""

    key: str
    title: str
    text: str
    path: str
    button: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Card:
    """Two numbers and one action."""

    share_in_time: float | None
    were_due: int
    hours_28d: float  # a head
    pace_28d: float | None  # what the level's target asks, a head
    advice: Advice


# In this order: the first that is the case is the action. Shown on the board.
ORDER = {
    "overdue": mark("a task is overdue: the one that is late the longest"),
    "certificate": mark("a certificate ends within 60 days: the one that ends first"),
    "course": mark("a mandatory course has ended: the one that ended first"),
    "quiet": mark("somebody has not learned anything for 14 days: the one who is quiet the longest"),
    "pace": mark("the team learns more slowly than its level asks"),
    "gap": mark("the next level asks for more training hours"),
    "fine": mark("nothing of this: what to learn next"),
}


def targets(programme: Programme, family: str, stars: int) -> tuple[float | None, float | None]:
    """Training hours a head in 12 months that the level held asks (3★ before there is one), and the next level's.

    None where the family does not measure it, or there is no higher level.
    """
    metric = next((m for m in programme["families"][family]["metrics"] if m["key"] == METRIC), None)
    if metric is None:
        return None, None
    level = max(3, min(5, stars))
    following = metric["levels"].get(str(level + 1)) if stars >= 3 else None
    return float(metric["levels"][str(level)][1]), float(following[1]) if following else None


def card_of(board: Board, target: float | None, following: float | None, now: datetime) -> Card:
    """`target`, `following`: of `targets`."""
    pace = round(target * FOUR_WEEKS.days / YEAR.days, 1) if target is not None else None
    return Card(
        board.share_in_time,
        board.were_due,
        round(board.hours_28d, 1),
        pace,
        advice_of(board, pace, following, now),
    )


def advice_of(board: Board, pace: float | None, following: float | None, now: datetime) -> Advice:
    """The first that is the case; see ORDER."""
    for lapse in (_overdue, _certificate, _course, _quiet):
        if found := lapse(board, now):
            return found
    if pace is not None and board.hours_28d < pace:
        return Advice(
            "pace",
            mark("Set one lesson a head for this week"),
            mark("%(hours)s hours a head in 28 days; the level asks for %(pace)s."),
            "/my/team/tasks/new?audience=everybody",
            mark("Set a task"),
            {"hours": f"{board.hours_28d:.1f}", "pace": f"{pace:.1f}"},
        )
    if following is not None and board.hours < following:
        return Advice(
            "gap",
            mark("Set a whole track for the next level"),
            mark("%(hours)s hours a head in 12 months; the next level asks for %(target)s."),
            "/my/team/tasks/new?audience=everybody",
            mark("Set a task"),
            {"hours": f"{board.hours:.1f}", "target": f"{following:.0f}"},
        )
    return Advice(
        "fine",
        mark("Ask who goes for the next certificate"),
        mark("No task is overdue, no certificate ends soon, everybody has learned in the last 14 days."),
        "/my/team/tasks/new",
        mark("Set a task"),
    )


def _overdue(board: Board, now: datetime) -> Advice | None:
    late = min(
        ((t.due, line.worker.name, t) for line in board.lines for t in line.tasks if t.overdue(now)),
        key=lambda found: found[:2],
        default=None,
    )
    if late:
        due, name, task = late
        return Advice(
            "overdue",
            mark("Ask %(person)s what is in the way"),
            mark("“%(task)s” has been overdue for %(days)s days. Move the deadline with a reason, or help."),
            task.path,
            mark("Open the task"),
            {"person": name, "task": task.name, "days": max(1, (now - due).days)},
        )
    return None


def _certificate(board: Board, now: datetime) -> Advice | None:
    ends = min(
        ((*end, line.worker) for line in board.lines for end in line.ending(now)),
        key=lambda found: (found[0], found[1], found[2].name),
        default=None,
    )
    if ends:
        until, code, worker = ends
        return Advice(
            "certificate",
            mark("Plan the renewal of %(code)s with %(person)s"),
            mark("The certificate ends in %(days)s days; without it they stop counting for the level."),
            f"/my/team/tasks/new?what=exam:{code}&person={worker.person_id}",
            mark("Set the task"),
            {"code": code, "person": worker.name, "days": max(0, (until - now).days)},
        )
    return None


def _course(board: Board, now: datetime) -> Advice | None:
    ended = min(
        (
            (course.until, line.worker.name, line.worker, course)
            for line in board.lines
            for course in line.courses
            if course.state is State.ENDED and course.until
        ),
        key=lambda found: found[:2],
        default=None,
    )
    if ended:
        until, name, worker, course = ended
        return Advice(
            "course",
            mark("Ask %(person)s to renew %(code)s"),
            mark("The mandatory course ended %(days)s days ago; the renewal takes half an hour."),
            f"/my/team/learning/{worker.employment_id}",
            mark("See how they stand"),
            {"person": name, "code": course.code, "days": (now - until).days},
        )
    return None


def _quiet(board: Board, now: datetime) -> Advice | None:
    quiet = min(
        (
            (seen, line.worker.name, line.worker)
            for line in board.lines
            if (seen := line.last_at or line.worker.since) is not None
            and seen <= now - QUIET_FOR
            and not line.open
        ),
        key=lambda found: found[:2],
        default=None,
    )
    if quiet:
        seen, name, worker = quiet
        return Advice(
            "quiet",
            mark("Give %(person)s something to learn"),
            mark("Nothing learned for %(days)s days, and no task is open."),
            f"/my/team/tasks/new?person={worker.person_id}",
            mark("Set a task"),
            {"person": name, "days": (now - seen).days},
        )
    return None
