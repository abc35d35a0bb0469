"""Tasks: the ladder of reminders, what finishes a task, the moves; the coaching card's one action."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.clock import add_working_days
from portal.ledger.rules import FactKind, FactRow
from portal.programme.actions import DEFAULT
from portal.programme.rules import Programme, stringed
from portal.refusal import Refused, checked_move
from training.supervision.rules import ORDER, TaskLine, Worker, board_of, card_of, targets
from training.tasks.rules import (
    MOVES,
    REMINDERS,
    STEPS,
    WAITS,
    Evidence,
    Status,
    Step,
    TaskKind,
    deadline,
    done_since,
    due_for_newcomer,
    ladder,
    last_day,
    may_confirm,
    modules_of,
    name_of,
    next_at,
    path_of,
    reached,
    subjects,
    to_tell,
)
from training.tracks.rules import modules_written

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def programme() -> Programme:
    import yaml

    return Programme(1, "test", stringed(yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))))


def test_a_deadline_is_the_end_of_its_day_in_china():
    assert deadline(date(2026, 11, 20)) == datetime(2026, 11, 20, 16, tzinfo=UTC)
    assert last_day(deadline(date(2026, 2, 28))) == date(2026, 2, 28)


def test_the_ladder():
    # A Friday; the weekend has no working days.
    steps = dict(ladder(deadline(date(2026, 11, 20)), add_working_days))
    assert steps == {
        Step.WEEK: datetime(2026, 11, 13, 1, tzinfo=UTC),
        Step.DAY: datetime(2026, 11, 19, 1, tzinfo=UTC),
        Step.TODAY: datetime(2026, 11, 20, 1, tzinfo=UTC),
        Step.OVERDUE: datetime(2026, 11, 20, 16, tzinfo=UTC),
        Step.OWNER: datetime(2026, 11, 24, 10, tzinfo=UTC),
        Step.STAFF: datetime(2026, 11, 27, 10, tzinfo=UTC),
    }


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 60), st.lists(st.integers(1, 400), min_size=1, max_size=30))
def test_each_step_is_told_once_whenever_one_looks(days, pauses):
    """However seldom the sweep comes: never a step twice, never backwards, every step once overdue, none lost."""
    steps = ladder(deadline(last_day(NOW) + timedelta(days=days)), add_working_days)
    told, heard, at = reached(steps, NOW), [], NOW
    first = told
    for hours in pauses:
        at += timedelta(hours=hours)
        due = next_at(steps, told, at - timedelta(hours=hours))
        said = to_tell(steps, told, at)
        assert bool(said) == (due is not None and due <= at)
        heard += said
        told = reached(steps, at)
    places = [STEPS.index(step) for step in heard]
    assert places == sorted(set(places))
    late = [step for step, when in steps if step not in REMINDERS and NOW < when <= at]
    assert [step for step in heard if step not in REMINDERS] == late
    assert STEPS.index(told) >= STEPS.index(first)


def test_the_moves_end_where_they_should():
    assert {
        (s, m) for s in Status for m in ("say", "confirm", "complete", "withdraw") if (s, m) in MOVES
    } == {
        (Status.OPEN, "say"),
        (Status.OPEN, "confirm"),
        (Status.SAID, "confirm"),
        (Status.OPEN, "complete"),
        (Status.OPEN, "withdraw"),
        (Status.SAID, "withdraw"),
    }
    for status in set(Status) - set(WAITS):
        with pytest.raises(Refused):
            checked_move(MOVES, status, "withdraw")
    assert {state for state, _ in MOVES} == {Status.OPEN, Status.SAID, Status.LEFT}


def test_what_finishes_a_task(programme):
    day = [NOW - timedelta(days=n) for n in range(10)]
    track = modules_of(programme, "TRK-11")
    known = Evidence(
        {track[0]: day[5], track[1]: day[4], track[2]: day[3]}, {"P1": day[6]}, {"TRK-11": day[2]}, day[7]
    )

    def done(kind, subject="", issued=day[8], seen=known):
        return done_since(kind, subject, issued, seen, programme)

    assert done(TaskKind.LESSON, track[0]) == day[5]
    assert done(TaskKind.LESSON, track[3]) is None
    assert done(TaskKind.TRACK, "TRK-11") is None
    whole = Evidence({**known.modules, track[3]: day[1]})
    assert done(TaskKind.TRACK, "TRK-11", seen=whole) == day[1]
    assert done(TaskKind.TRACK, "TRK-99", seen=whole) is None
    assert (done(TaskKind.EXAM, "P1"), done(TaskKind.EXAM, "P2")) == (day[6], None)
    assert (done(TaskKind.SELF_TEST), done(TaskKind.SELF_TEST, issued=day[6])) == (day[7], None)
    assert (done(TaskKind.RENEWAL, "TRK-11"), done(TaskKind.RENEWAL, "TRK-11", issued=day[1])) == (
        day[2],
        None,
    )
    assert done(TaskKind.FREE) is None


def test_a_newcomer_has_a_week_at_least():
    assert due_for_newcomer(deadline(date(2026, 11, 22)), NOW) == deadline(date(2026, 11, 27))
    assert due_for_newcomer(deadline(date(2026, 12, 22)), NOW) == deadline(date(2026, 12, 22))


def test_nobody_confirms_their_own_but_who_set_it():
    assert [may_confirm(1, by, 2) for by in (1, 2, 3)] == [False, True, True]
    assert may_confirm(1, 1, 1)


def test_everything_that_can_be_asked_has_a_name_and_a_place(programme):
    asked = [key for _, group in subjects(programme, modules_written()) for key in group]
    assert len(asked) == len(set(asked)) > 40
    for key in asked:
        kind, _, subject = key.partition(":")
        name = name_of(TaskKind(kind), subject, "words", programme)
        assert set(name) == {"zh", "en"}
        assert all(name.values())
        assert path_of(TaskKind(kind), subject).startswith("/my/")
    assert name_of(TaskKind.TRACK, "TRK-99", "", programme) == {"zh": "学完TRK-99", "en": "Finish TRK-99"}


# ——— The board and its card ———


def fact(person, kind, days_ago, until=None, **value):
    at = NOW - timedelta(days=days_ago)
    end = NOW + timedelta(days=until) if until is not None else None
    source = "module_progress" if kind is FactKind.TRAINING else "credential"
    return FactRow(1, kind, None, person, at, end, at, None, value, source)


def worker(n, since=100):
    return Worker(n, 10 + n, f"P{n}", ("sales",), NOW - timedelta(days=since))


def task(person, status, due_in, done_ago=None):
    done = NOW - timedelta(days=done_ago) if done_ago is not None else None
    due = NOW + timedelta(days=due_in)
    return TaskLine(person, {"zh": "甲", "en": "A"}, status, due, done, "/my/team/tasks/1")


def learned(person, days_ago, hours=2.0):
    return fact(person, FactKind.TRAINING, days_ago, hours=hours, module=f"TRK-01/{days_ago}")


def test_a_line_of_the_board(programme):
    facts = [
        learned(1, 3),
        learned(1, 40),
        learned(1, 400),
        fact(1, FactKind.CERTIFICATE, 700, until=30, code="P1"),
        fact(1, FactKind.CERTIFICATE, 900, until=-170, code="P2"),
        learned(2, 1),
    ]
    tasks = [
        task(1, Status.OPEN, -2),
        task(1, Status.SAID, 3),
        task(1, Status.DONE, -5, 6),
        task(1, Status.DONE, -5, 1),
    ]
    board = board_of([worker(1), worker(2)], facts, tasks, programme, NOW)
    one, two = board.lines
    assert (one.modules, one.hours, one.hours_28d, one.open, one.overdue) == (2, 4.0, 2.0, 2, 1)
    assert one.certificates == {"P1": NOW + timedelta(days=30)}
    assert one.ending(NOW) == [(NOW + timedelta(days=30), "P1")]
    assert one.last_at == NOW - timedelta(days=1)
    assert (two.modules, two.open) == (1, 0)
    # Due in the last 28 days: the late one, the one in time, the overdue one.
    assert (board.in_time, board.were_due, board.hours_28d, board.hours) == (1, 3, 2.0, 3.0)


CASES = {
    "overdue": ([learned(1, 1)], [task(1, Status.OPEN, -2)]),
    "certificate": ([learned(1, 1), fact(1, FactKind.CERTIFICATE, 700, until=59, code="P1")], []),
    "course": ([learned(1, 1), fact(1, FactKind.COURSE, 400, until=-3, track="TRK-11")], []),
    "quiet": ([learned(1, 15, 40.0)], []),
    "pace": ([learned(1, 1, 1.0)], []),
    "gap": ([learned(1, 1, 20.0)], []),
    "fine": ([learned(1, 1, 50.0)], []),
}


@pytest.mark.parametrize("key", ORDER)
def test_the_one_action(programme, key):
    facts, tasks = CASES[key]
    card = card_of(
        board_of([worker(1)], facts, tasks, programme, NOW), *targets(programme, "operator", 3), NOW
    )
    assert card.advice.key == key
    assert card.pace_28d == 1.2  # 16 hours a year
    card.advice.title % card.advice.values, card.advice.text % card.advice.values


def test_the_first_that_is_the_case_wins(programme):
    """All the reasons at once, then one after the other taken away."""
    order = list(ORDER)
    assert order == list(CASES)
    for n, key in enumerate(order[:4]):
        facts = [
            f
            for later in order[n:3]
            for f in CASES[later][0]
            if f.kind != FactKind.TRAINING or later == "quiet"
        ]
        tasks = CASES[key][1]
        card = card_of(
            board_of([worker(1)], facts, tasks, programme, NOW), *targets(programme, "operator", 3), NOW
        )
        assert card.advice.key == key


def test_targets(programme):
    assert targets(programme, "operator", 0) == (16, None)
    assert targets(programme, "operator", 3) == (16, 24)
    assert targets(programme, "operator", 5) == (32, None)
    assert targets(programme, "isv", 4) == (None, None)


def test_nobody_works_there(programme):
    card = card_of(board_of([], [], [], programme, NOW), None, None, NOW)
    assert (card.share_in_time, card.hours_28d, card.pace_28d, card.advice.key) == (None, 0.0, None, "fine")
