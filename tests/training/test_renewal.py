"""Mandatory courses: how long they hold, what renews them, the tasks that appear by themselves."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import select

from portal import clock
from portal.history.queries import timeline
from portal.ledger.models import Fact
from portal.ledger.rules import FactKind
from portal.programme.queries import programme_at
from portal.programme.rules import Programme
from tests.factories import employ, make_organisation, make_person
from training.renewal import actions, queries
from training.renewal.jobs import sweep_renewals
from training.renewal.rules import State, mandatory, needed, next_end, state_of
from training.tasks.actions import remind
from training.tasks.models import Assignment, Task
from training.tasks.queries import next_step_due
from training.tasks.rules import Status, Step, TaskKind, last_day
from training.tracks.actions import answer_practice, finish_module
from training.tracks.rules import lesson

YEAR, SOON = timedelta(days=365), timedelta(days=90)
KEYS = [f"TRK-11/{n}" for n in range(1, 5)]
QUESTIONS = [q for key in KEYS for q in lesson(key, "en").practice]
RIGHT = [q.answer for q in QUESTIONS]


@pytest.fixture
def programme(session) -> Programme:
    return programme_at(session, clock.now())


@pytest.fixture
def learner(session):
    person = make_person(session, "Learner")
    organisation = make_organisation(session)
    employ(session, organisation, person)
    return person


def finished(session, person, days_ago, keys=KEYS):
    at = clock.now() - timedelta(days=days_ago)
    for key in keys:
        read = lesson(key, "en")
        answer_practice(session, read, [1] * len(read.practice), by=person.id, now=at)
        finish_module(session, read, programme_at(session, at), by=person.id, now=at)
    session.flush()
    return at


def sent(wrong=0):
    answers = [a % 4 + 1 if n < wrong else a for n, a in enumerate(RIGHT)]
    return {"versions": "1-1-1-1"} | {f"answer-{n}": str(a) for n, a in enumerate(answers, 1)}


def course(session, person, programme):
    (found,) = queries.courses_of(session, person.id, programme, clock.now())
    return found


@settings(max_examples=100, deadline=None)
@given(st.integers(-800, 800))
def test_the_state_by_the_days_left(days):
    now = datetime(2026, 11, 20, tzinfo=UTC)
    state = state_of(now + timedelta(days=days), now, SOON)
    assert state == (State.ENDED if days <= 0 else State.ENDS_SOON if days <= 90 else State.VALID)
    end = next_end(now + timedelta(days=days), now, YEAR)
    assert end - now >= YEAR
    assert state_of(end, now, SOON) is State.VALID


def test_four_of_five_are_needed():
    assert [needed(n) for n in (1, 4, 5, 12)] == [1, 4, 4, 10]


def test_the_programme_names_what_is_mandatory(programme):
    assert mandatory(programme) == ["TRK-11"]
    assert (programme.course_valid, [t.days for t in programme.course_told]) == (YEAR, [90, 60, 30, 7])


def test_it_holds_for_a_year_after_the_last_lesson(session, learner, programme):
    finished(session, learner, 400, KEYS[:3])
    assert course(session, learner, programme).state is State.NEVER
    at = finished(session, learner, 300, KEYS[3:])
    assert course(session, learner, programme).until == at + YEAR
    assert course(session, learner, programme).state is State.ENDS_SOON


def test_renewed_with_enough_right_answers(session, browse, learner, programme):
    at = finished(session, learner, 300)
    page = browse(learner)
    assert "/my/learning/TRK-11/renew" in page.get("/my/learning").links()
    open_ones = page.post("/my/learning/TRK-11/renew", sent() | {"answer-3": ""})
    assert (open_ones.status, len(open_ones.errors)) == (422, 1)
    changed = page.post("/my/learning/TRK-11/renew", sent() | {"versions": "1-1-1-0"})
    assert (changed.status, len(changed.errors)) == (422, 1)
    assert "A lesson of this course has changed since you opened the page." in changed.errors[0]
    tried = page.post("/my/learning/TRK-11/renew", sent(wrong=3))
    assert tried.status == 422
    assert "9 of 12 right; 10 are needed." in tried.text
    assert session.exec(select(Fact).where(Fact.kind == FactKind.COURSE)).all() == []
    done = page.post("/my/learning/TRK-11/renew", sent(wrong=2))
    assert done.said == "Renewed: the course holds for another year."
    fact = session.exec(select(Fact).where(Fact.kind == FactKind.COURSE)).one()
    assert (fact.value, fact.true_until) == ({"track": "TRK-11", "right": 10, "asked": 12}, at + 2 * YEAR)
    assert course(session, learner, programme).until == at + 2 * YEAR
    # A second click, and whoever has nothing to renew.
    assert page.post("/my/learning/TRK-11/renew", sent()).status == 409
    assert [e.verb for e in timeline(session, "person", learner.id)] == ["mandatory course renewed"]


@pytest.mark.parametrize(
    "path", ["/my/learning/TRK-11/renew", "/my/learning/TRK-01/renew", "/my/learning/zz/renew"]
)
def test_nothing_to_renew(browse, learner, path):
    page = browse(learner)
    assert page.get(path).status == 404
    assert page.post(path, sent()).status == 404


def test_the_task_appears_by_itself_and_is_told_at_60_30_and_7_days(session, learner, programme):
    start = finished(session, learner, 276)  # 89 days are left
    other = make_person(session, "Later")
    employ(session, make_organisation(session), other)
    finished(session, other, 270)
    session.commit()
    sweep_renewals()
    sweep_renewals()
    (task,) = session.exec(select(Task)).all()
    row = session.exec(select(Assignment)).one()
    assert (task.kind, task.subject, task.issued_by, row.person_id) == (
        TaskKind.RENEWAL,
        "TRK-11",
        None,
        learner.id,
    )
    assert last_day(task.due) == last_day(start + YEAR)
    heard = []
    while due := next_step_due(session, clock.now() + timedelta(days=100)):
        remind(session, due[0], now=due[1])
        session.flush()
        heard.append((row.told, (last_day(task.due) - clock.today(due[1])).days))
    assert heard[:6] == [
        (Step.EARLY, 60),
        (Step.MONTH, 30),
        (Step.WEEK, 7),
        (Step.DAY, 1),
        (Step.TODAY, 0),
        (Step.OVERDUE, -1),
    ]


def test_the_renewal_finishes_its_task_and_another_comes_after_a_year(session, learner):
    finished(session, learner, 300)
    now = clock.now()
    assert actions.ask_all(session, now=now) == 1
    assert all(actions.renew(session, "TRK-11", QUESTIONS, RIGHT, by=learner.id, now=now))
    row = session.exec(select(Assignment)).one()
    assert row.status is Status.DONE
    assert actions.ask_all(session, now=now) == 0
    later = now + timedelta(days=364)
    assert actions.ask_all(session, now=later) == 1
    assert actions.ask_all(session, now=later) == 0


def test_what_ended_long_ago_has_a_week(session, learner):
    finished(session, learner, 500)
    assert actions.ask_all(session, now=clock.now()) == 1
    task = session.exec(select(Task)).one()
    assert last_day(task.due) == last_day(clock.now() + timedelta(days=7))
