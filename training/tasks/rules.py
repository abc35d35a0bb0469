"""What a task asks, what finishes it, and when who is told: pure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from portal.programme.rules import Programme, Text
from portal.refusal import mark

CHINA = ZoneInfo("Asia/Shanghai")
MAIL_HOUR = time(9)  # reminders come in the morning
LONGEST = timedelta(days=365)
NEWCOMERS_GET = timedelta(days=7)  # at least, however near the deadline is
OWNER_AFTER_WD, STAFF_AFTER_WD = 2, 5  # working days over the deadline
SHOWN_BEFORE = timedelta(days=14)  # a clock on the home page
URGENT_BEFORE = timedelta(days=3)  # then it is the one thing to do now
REMEMBERED_FOR = timedelta(days=90)  # finished ones on the page


class TaskKind(StrEnum):
    LESSON = "lesson"
    TRACK = "track"
    EXAM = "exam"
    SELF_TEST = "self_test"
    RENEWAL = "renewal"  # of a mandatory track; the portal sets it
    FREE = "free"


class Audience(StrEnum):
    PEOPLE = "people"
    ROLE = "role"
    EVERYBODY = "everybody"


class Status(StrEnum):
    OPEN = "open"
    SAID = "said"  # said done by the person; whoever set the task has to look
    DONE = "done"
    LEFT = "left"
    WITHDRAWN = "withdrawn"


class How(StrEnum):
    BY_ITSELF = "by_itself"
    CONFIRMED = "confirmed"


MOVES = {
    (Status.OPEN, "say"): Status.SAID,
    (Status.SAID, "send_back"): Status.OPEN,
    (Status.OPEN, "confirm"): Status.DONE,
    (Status.SAID, "confirm"): Status.DONE,
    (Status.OPEN, "complete"): Status.DONE,
    (Status.OPEN, "leave"): Status.LEFT,
    (Status.SAID, "leave"): Status.LEFT,
    (Status.LEFT, "come_back"): Status.OPEN,
    (Status.OPEN, "withdraw"): Status.WITHDRAWN,
    (Status.SAID, "withdraw"): Status.WITHDRAWN,
}
WAITS = (Status.OPEN, Status.SAID)


class Step(StrEnum):
    """How far the reminders have come; later ones stand further down."""

    NONE = "none"
    EARLY = "early"  # of a renewal only, as is the next
    MONTH = "month"
    WEEK = "week"
    DAY = "day"
    TODAY = "today"
    OVERDUE = "overdue"
    OWNER = "owner"
    STAFF = "staff"


STEPS = tuple(Step)
REMINDERS = (Step.EARLY, Step.MONTH, Step.WEEK, Step.DAY, Step.TODAY)


def deadline(day: date) -> datetime:
    """The end of that day in China."""
    return datetime.combine(day + timedelta(days=1), time(), CHINA).astimezone(UTC)


def last_day(due: datetime) -> date:
    """The day at whose end `due` lies; the inverse of `deadline`."""
    return (due - timedelta(microseconds=1)).astimezone(CHINA).date()


def ladder(
    due: datetime,
    later: Callable[[datetime, float], datetime],
    told: Sequence[timedelta] = (timedelta(days=7),),
) -> list[tuple[Step, datetime]]:
    """When each step comes, earliest first. `later(start, n)`: n working days after `start`; `told`: how long before
    the last day people are reminded, up to three times, the earliest first."""
    day = last_day(due)

    def morning(days_before: int) -> datetime:
        return datetime.combine(day - timedelta(days=days_before), MAIL_HOUR, CHINA).astimezone(UTC)

    return [
        *zip(REMINDERS[3 - len(told[-3:]) : 3], (morning(t.days) for t in told[-3:]), strict=True),
        (Step.DAY, morning(1)),
        (Step.TODAY, morning(0)),
        (Step.OVERDUE, due),
        (Step.OWNER, later(due, OWNER_AFTER_WD)),
        (Step.STAFF, later(due, STAFF_AFTER_WD)),
    ]


def reached(steps: list[tuple[Step, datetime]], now: datetime) -> Step:
    """The last step whose time has come."""
    return max((step for step, at in steps if at <= now), key=STEPS.index, default=Step.NONE)


def next_at(steps: list[tuple[Step, datetime]], told: Step, now: datetime) -> datetime | None:
    """When somebody has to be told again; None after the last step."""
    return min((at for step, at in steps if at > now and STEPS.index(step) > STEPS.index(told)), default=None)


def to_tell(steps: list[tuple[Step, datetime]], told: Step, now: datetime) -> list[Step]:
    """What is to be told now. Of reminders that were missed only the last, and none once it is overdue."""
    passed = [step for step, at in steps if at <= now and STEPS.index(step) > STEPS.index(told)]
    late = [step for step in passed if step not in REMINDERS]
    return late or passed[-1:]


def due_for_newcomer(due: datetime, now: datetime) -> datetime:
    """Whoever comes later has a week at least."""
    return max(due, deadline((now + NEWCOMERS_GET).astimezone(CHINA).date()))


@dataclass(frozen=True)
class Evidence:
    """What is known of a person's learning: module → when finished (or shortened), code → since when held."""

    modules: Mapping[str, datetime] = field(default_factory=dict)
    certificates: Mapping[str, datetime] = field(default_factory=dict)
    renewals: Mapping[str, datetime] = field(default_factory=dict)  # track → when last renewed
    self_test: datetime | None = None  # the organisation's latest


def done_since(
    kind: TaskKind, subject: str, issued_at: datetime, known: Evidence, programme: Programme
) -> datetime | None:
    """When it was done, by what is known; None while it is not. What was done before the task was set counts, but for
    a self-test: that is asked for anew."""
    if kind is TaskKind.LESSON:
        return known.modules.get(subject)
    if kind is TaskKind.TRACK:
        keys = modules_of(programme, subject)
        done = [known.modules[key] for key in keys if key in known.modules]
        return max(done) if keys and len(done) == len(keys) else None
    if kind is TaskKind.EXAM:
        return known.certificates.get(subject)
    if kind is TaskKind.RENEWAL:
        renewed = known.renewals.get(subject)
        return renewed if renewed and renewed >= issued_at else None
    if kind is TaskKind.SELF_TEST:
        return known.self_test if known.self_test and known.self_test >= issued_at else None
    return None


def modules_of(programme: Programme, code: str) -> list[str]:
    """Keys of a track's modules; none when the programme has dropped the track."""
    track = next((t for t in programme["tracks"] if t["code"] == code), None)
    return [f"{code}/{n}" for n in range(1, len(track["modules"]) + 1)] if track else []


def may_confirm(person_id: int, by: int, responsible_id: int | None) -> bool:
    """Nobody confirms their own, but for whoever set it: a firm of one has nobody else."""
    return person_id != by or by == responsible_id


SELF_TEST = mark("Self-test: Seven Onlines")


def subjects(programme: Programme, written: Collection[str]) -> list[tuple[dict[str, str], dict[str, Text]]]:
    """What can be asked, in groups for a list: "kind:subject" → names. Only what has its lessons written."""
    tracks = [t for t in programme["tracks"] if set(modules_of(programme, t["code"])) <= set(written)]
    codes = {t["code"] for t in tracks}
    whole = {
        f"track:{t['code']}": {"zh": f"{t['code']} {t['zh']}", "en": f"{t['code']} {t['en']}"} for t in tracks
    }
    exams = {
        f"exam:{c['code']}": {"zh": f"{c['code']} {c['zh']}", "en": f"{c['code']} {c['en']}"}
        for c in programme["personal_certificates"]
        if set(c["tracks"]) <= codes
    }
    lessons = [
        (
            {"zh": f"{t['code']} 单课", "en": f"Lessons of {t['code']}"},
            {
                f"lesson:{t['code']}/{n}": {"zh": f"{n}. {m['zh']}", "en": f"{n}. {m['en']}"}
                for n, m in enumerate(t["modules"], 1)
            },
        )
        for t in tracks
    ]
    return [
        (
            {"zh": "其他", "en": "Else"},
            {
                "free:": {"zh": "用自己的话写", "en": "In your own words"},
                "self_test:": {"zh": "自测：七个在线", "en": "Self-test: Seven Onlines"},
            },
        ),
        ({"zh": "整门课程", "en": "Whole tracks"}, whole),
        ({"zh": "通过考试", "en": "Pass an exam"}, exams),
        *lessons,
    ]


def name_of(kind: TaskKind, subject: str, title: str, programme: Programme) -> Text:
    """How a task is called in both languages."""
    if kind is TaskKind.FREE:
        return {"zh": title, "en": title}
    if kind is TaskKind.SELF_TEST:
        return {"zh": "自测：七个在线", "en": SELF_TEST}
    if kind is TaskKind.EXAM:
        found = next((c for c in programme["personal_certificates"] if c["code"] == subject), None)
        return _named("通过考试", "Pass", subject, found)
    code, _, number = subject.partition("/")
    track = next((t for t in programme["tracks"] if t["code"] == code), None)
    if kind is TaskKind.RENEWAL:
        return _named("续修", "Renew", code, track)
    if kind is TaskKind.TRACK or track is None:
        return _named("学完", "Finish", code, track)
    n = int(number)
    return _named("学完", "Finish", subject, track["modules"][n - 1] if n <= len(track["modules"]) else None)


def _named(zh: str, en: str, code: str, text: Text | None) -> Text:
    return {
        "zh": f"{zh}{code} {text['zh'] if text else ''}".strip(),
        "en": f"{en} {code} {text['en'] if text else ''}".strip(),
    }


def path_of(kind: TaskKind, subject: str) -> str:
    """Where the task is done."""
    return {
        TaskKind.LESSON: f"/my/learning/{subject}",
        TaskKind.TRACK: f"/my/learning/{subject}",
        TaskKind.EXAM: f"/my/exams/{subject}",
        TaskKind.RENEWAL: f"/my/learning/{subject}/renew",
        TaskKind.SELF_TEST: "/my/self-test",
        TaskKind.FREE: "/my/tasks",
    }[kind]
