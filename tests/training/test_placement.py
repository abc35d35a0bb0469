"""Placement tests: what is drawn, what it shortens, what that opens and what it does not."""

from datetime import timedelta

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
from portal.refusal import NotFound, Refused
from tests.factories import make_organisation, make_person
from training.placement import actions
from training.placement.models import Placement
from training.placement.rules import A_MODULE, backgrounds, draw, offers, shortenable, shortened
from training.renewal.rules import mandatory
from training.tasks.rules import modules_of
from training.tracks.queries import finished_modules, states_of, team_progress
from training.tracks.rules import State, lesson, modules_written, open_paths

MODULES = [f"TRK-01/{n}" for n in range(1, 7)]


@pytest.fixture
def programme(session) -> Programme:
    return programme_at(session, clock.now())


@pytest.fixture
def person(session):
    return make_person(session)


def right_answers(row):
    return [lesson(module, "en").practice[n - 1].answer for module, n in row.drawn]


def take(session, person, code="TRK-01", background="retail", wrong=(), now=None):
    """Answers that are right but for the questions of the modules in `wrong`."""
    now = now or clock.now()
    row = actions.begin(session, code, background, by=person.id, now=now, seed=3)
    answers = [
        a % 4 + 1 if module in wrong else a
        for (module, _), a in zip(row.drawn, right_answers(row), strict=True)
    ]
    actions.finish(session, row, answers, by=person.id, now=now)
    session.flush()
    return row


def test_the_table_names_lessons_that_exist_and_never_mandatory_ones(programme):
    known = {key for t in programme["tracks"] for key in modules_of(programme, t["code"])}
    for background in backgrounds():
        assert background.modules <= known
        assert not any(m.startswith(f"{code}/") for code in mandatory(programme) for m in background.modules)
        assert set(background.name) == set(background.says) == {"zh", "en"}
        # Nobody is spared a whole certificate.
        for path in open_paths(programme, {}):
            assert not {m.key for m in path.modules} <= background.modules
    assert {b.key for b in backgrounds()} == {"ecommerce", "retail", "software"}
    assert all(offers(code, programme, {}) == {} for code in mandatory(programme))


def test_what_is_done_is_not_asked_again(programme):
    retail = next(b for b in backgrounds() if b.key == "retail")
    assert shortenable(retail, "TRK-01", programme, {}) == ["TRK-01/2", "TRK-01/3", "TRK-01/4"]
    states = {"TRK-01/2": State.FINISHED, "TRK-01/3": State.SHORTENED, "TRK-01/4": State.PRACTISED}
    assert shortenable(retail, "TRK-01", programme, states) == ["TRK-01/4"]
    assert shortenable(retail, "TRK-99", programme, {}) == []


def test_both_languages_ask_the_same():
    for key in sorted(modules_written()):
        assert [p.answer for p in lesson(key, "zh").practice] == [
            p.answer for p in lesson(key, "en").practice
        ]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**31),
    st.lists(st.sampled_from(MODULES), unique=True),
    st.sets(st.sampled_from(MODULES)),
    st.data(),
)
def test_only_what_is_wholly_right_and_allowed_is_shortened(seed, modules, allowed, data):
    counts = {m: 1 + n % 4 for n, m in enumerate(MODULES)}
    drawn = draw(seed, modules, counts)
    assert drawn == draw(seed, modules, counts)
    assert len(set(drawn)) == len(drawn) == sum(min(A_MODULE, counts[m]) for m in modules)
    assert all(1 <= n <= counts[m] for m, n in drawn)
    verdicts = [data.draw(st.booleans()) for _ in drawn]
    found = shortened(drawn, verdicts, allowed)
    for module in modules:
        fine = all(v for (m, _), v in zip(drawn, verdicts, strict=True) if m == module)
        assert (module in found) == (fine and module in allowed)


def test_from_the_background_to_the_result(session, browse, person):
    page, path = browse(person), "/my/learning/TRK-01/placement"
    assert path in page.get("/my/learning/TRK-01").links()
    assert page.post(path, {"background": "zz"}).status == 422
    asked = page.post(path, {"background": "retail"})
    page.post(path, {"background": "software"})  # goes on with the same
    row = session.exec(select(Placement)).one()
    assert (row.background, [m for m, _ in row.drawn]) == ("retail", [m for m in MODULES[1:4] for _ in "12"])
    assert len(asked.tree.xpath("//fieldset[starts-with(@id, 'f-answer')]")) == 6
    answers = {f"answer-{n}": str(a) for n, a in enumerate(right_answers(row), 1)}
    gap = page.post(f"{path}/answers", answers | {"answer-2": ""})
    assert (gap.status, gap.errors) == (422, ["Question 2 has no answer yet."])
    wrong = "2" if answers["answer-6"] == "1" else "1"
    done = page.post(f"{path}/answers", answers | {"answer-6": wrong})
    assert done.said == "Done. Here is what the test shortened."
    assert "5 of 6 right." in done.text
    assert finished_modules(session, person.id) == {"TRK-01/2", "TRK-01/3"}
    # A second click changes nothing; the next test opens after 30 days.
    assert page.post(f"{path}/answers", answers).status == 409
    assert page.post(path, {"background": "software"}).status == 409
    session.refresh(row)
    assert (row.right, row.shortened) == (5, ["TRK-01/2", "TRK-01/3"])
    assert [e.verb for e in timeline(session, "placement", row.id)] == [
        "placement test finished",
        "placement test begun",
    ]
    track = page.get("/my/learning/TRK-01")
    assert track.text.count("shortened by placement") == 2
    assert "shortened by placement" in page.get("/my/learning/TRK-01/2").text


def test_no_hours_until_it_is_read_after_all(session, browse, person):
    take(session, person)
    session.commit()
    facts = select(Fact).where(Fact.kind == FactKind.TRAINING)
    assert session.exec(facts).all() == []
    page = browse(person)
    assert page.post("/my/learning/TRK-01/2/finish").status == 409  # the practice comes first
    practice = {f"answer-{n}": "1" for n in range(1, 4)}
    page.post("/my/learning/TRK-01/2/practice", practice)
    assert states_of(session, person.id)["TRK-01/2"] is State.SHORTENED
    page.post("/my/learning/TRK-01/2/finish")
    assert states_of(session, person.id)["TRK-01/2"] is State.FINISHED
    assert [f.value["module"] for f in session.exec(facts)] == ["TRK-01/2"]


def test_once_in_thirty_days(session, person, programme):
    start = clock.now() - timedelta(days=40)
    take(session, person, wrong=("TRK-01/3",), now=start)
    with pytest.raises(Refused):
        actions.begin(session, "TRK-01", "retail", by=person.id, now=start + timedelta(days=29))
    again = take(session, person, now=start + timedelta(days=30))
    assert [m for m, _ in again.drawn] == ["TRK-01/3"] * 2
    # Another track has its own thirty days; a mandatory one has none.
    take(session, person, "TRK-04", now=start)
    with pytest.raises(NotFound):
        actions.begin(session, "TRK-11", "retail", by=person.id, now=clock.now())


def test_strangers_to_a_test_have_none(session, browse, person):
    take(session, person)
    session.commit()
    other = browse(make_person(session))
    assert other.post("/my/learning/TRK-01/placement/answers", {"answer-1": "1"}).status == 404
    for path in ("/my/learning/TRK-11/placement", "/my/learning/zz/placement"):
        assert other.get(path).status == 404


def test_a_shortened_lesson_opens_the_exam(session, person, programme):
    """`finished_modules` is what exams ask: the lessons left are those not shortened."""
    take(session, person)
    done = finished_modules(session, person.id)
    assert done == {"TRK-01/2", "TRK-01/3", "TRK-01/4"}
    path = next(p for p in open_paths(programme, states_of(session, person.id)) if p.code == "P1")
    assert (path.finished, path.tracks[0].shortened, path.hours_finished) == (3, 3, 0)
    assert path.next.key == "TRK-01/1"


def test_the_team_counts_it_as_done(session, person):
    organisation = make_organisation(session, owner=person)
    take(session, person)
    (line,) = team_progress(session, organisation.id)
    assert (len(line.finished), line.begun, line.last_at) == (3, frozenset(), None)
