"""Learning: lessons, practice, finishing once."""

from sqlmodel import select

from portal import clock
from portal.accounts.rules import StaffRole
from portal.history.queries import timeline
from portal.ledger.models import Fact
from portal.ledger.rules import FactKind
from portal.organisations.rules import Kind, Trust
from portal.programme.queries import programme_at
from tests.factories import employ, make_organisation, make_person, viewer_for
from training.tracks import queries
from training.tracks.actions import answer_practice, finish_module
from training.tracks.home import next_step, part
from training.tracks.models import ModuleProgress
from training.tracks.rules import lesson

RIGHT = {f"answer-{n}": str(p.answer) for n, p in enumerate(lesson("TRK-01/1", "en").practice, 1)}


def learn(session, person, *modules, finish=True):
    now = clock.now()
    for key in modules:
        read = lesson(key, "en")
        answer_practice(session, read, [1] * len(read.practice), by=person.id, now=now)
        if finish:
            finish_module(session, read, programme_at(session, now), by=person.id, now=now)
    session.flush()


def test_a_lesson_from_the_first_page_to_the_next_one(session, browse):
    person = make_person(session)
    page = browse(person)
    overview = page.get("/my/learning")
    firsts = [f"/my/learning/TRK-{key}/1" for key in ("01", "03", "08", "01", "04", "03", "10")]
    assert overview.tree.xpath("//section[@class='next']//a/@href") == firsts
    assert [h for h in overview.links() if h.startswith("/my/learning/")][:4] == [
        "/my/learning/TRK-01",
        "/my/learning/TRK-02",
        "/my/learning/TRK-11",
        "/my/learning/TRK-01/1",
    ]
    first = page.get("/my/learning/TRK-01/1")
    assert first.status == 200
    assert first.tree.xpath("//form[contains(@action, '/finish')]") == []
    assert first.tree.find_class("notice") == []
    wrong = str(1 + lesson("TRK-01/1", "en").practice[0].answer % 4)
    checked = page.post("/my/learning/TRK-01/1/practice", RIGHT | {"answer-1": wrong})
    assert checked.status == 200
    assert checked.tree.xpath("//input[@checked]/@value") == [wrong, RIGHT["answer-2"], RIGHT["answer-3"]]
    assert [n.get("class") for n in checked.tree.find_class("notice")] == [
        "notice warn",
        "notice good",
        "notice good",
    ]
    following = page.post("/my/learning/TRK-01/1/finish")
    assert following.url == "/my/learning/TRK-01/2"
    assert following.said == "Finished. Here is the next lesson."
    progress = session.exec(select(ModuleProgress)).one()
    fact = session.exec(select(Fact).where(Fact.kind == FactKind.TRAINING)).one()
    assert (fact.person_id, fact.organisation_id, fact.value, fact.source_kind, fact.source_id) == (
        person.id,
        None,
        {"hours": 1.33, "module": "TRK-01/1"},
        "module_progress",
        progress.id,
    )
    assert [e.verb for e in timeline(session, "module_progress", progress.id)] == [
        "lesson finished",
        "practice answered",
    ]


def test_a_second_click_on_finish_writes_no_second_fact(session, browse):
    person = make_person(session)
    page = browse(person)
    page.post("/my/learning/TRK-01/1/practice", RIGHT)
    page.post("/my/learning/TRK-01/1/finish")
    again = page.post("/my/learning/TRK-01/1/finish")
    assert again.url == "/my/learning/TRK-01/2"
    assert len(session.exec(select(Fact).where(Fact.kind == FactKind.TRAINING)).all()) == 1
    page.post("/my/learning/TRK-01/1/practice", RIGHT)
    assert session.exec(select(ModuleProgress.finished_at)).one() is not None
    assert len(session.exec(select(ModuleProgress)).all()) == 1


def test_what_is_missing_is_said_and_what_was_chosen_stays(session, browse):
    page = browse(make_person(session))
    refused = page.post("/my/learning/TRK-01/1/practice", {"answer-1": "2", "answer-3": "77"})
    assert refused.status == 422
    assert refused.tree.xpath("//input[@checked]/@value") == ["2"]
    assert refused.errors == ["Question 2 has no answer yet.", "Question 3 has no answer yet."]
    assert session.exec(select(ModuleProgress)).all() == []


def test_finishing_needs_the_practice(session, browse):
    refused = browse(make_person(session)).post("/my/learning/TRK-01/1/finish")
    assert refused.status == 409
    assert session.exec(select(Fact).where(Fact.kind == FactKind.TRAINING)).all() == []


def test_both_languages(session, browse):
    person = make_person(session)
    for language in ("zh", "en"):
        page = browse(person, language=language).get("/my/learning/TRK-02/3")
        assert page.tree.findtext(".//h1") == lesson("TRK-02/3", language).title
        assert [h.text for h in page.tree.xpath("//article//h2")] == [
            s.title for s in lesson("TRK-02/3", language).sections
        ]


def test_what_there_is_not_is_not_found(session, browse):
    page = browse(make_person(session))
    for path in (
        "/my/learning/TRK-99",
        "/my/learning/TRK-01/7",
        "/my/learning/TRK-99/1",
        "/my/learning/..%2F..%2Fsecret/1",
    ):
        assert page.get(path).status == 404
    assert page.post("/my/learning/TRK-99/1/practice", RIGHT).status == 404


def test_a_frozen_organisation_closes_the_lessons(session, browse):
    for trust, status in (
        (Trust.PROVISIONAL, 200),
        (Trust.VERIFIED, 200),
        (Trust.FROZEN, 409),
        (Trust.SUSPENDED, 200),
        (Trust.CLOSED, 409),
    ):
        person = make_person(session)
        make_organisation(session, trust=trust, owner=person)
        page = browse(person)
        assert [
            page.get(p).status for p in ("/my/learning", "/my/learning/TRK-01", "/my/learning/TRK-01/1")
        ] == [status] * 3
        assert page.post("/my/learning/TRK-01/1/practice", RIGHT).status == status


def test_a_stranger_signs_in_first(browse):
    assert browse().get("/my/learning/TRK-01/1").url == "/sign-in"


def test_progress_of_one_person_is_not_that_of_another(session):
    one, other = make_person(session), make_person(session)
    learn(session, one, "TRK-01/1", "TRK-01/2")
    learn(session, one, "TRK-01/3", finish=False)
    learn(session, other, "TRK-11/1")
    assert queries.finished_modules(session, one.id) == {"TRK-01/1", "TRK-01/2"}
    assert queries.states_of(session, other.id) == {"TRK-11/1": "finished"}


def test_team_progress(session):
    owner, member, stranger = (
        make_person(session, "Anna"),
        make_person(session, "Bo"),
        make_person(session, "Cleo"),
    )
    organisation = make_organisation(session, owner=owner)
    employ(session, organisation, member)
    make_organisation(session, owner=stranger)
    learn(session, owner, "TRK-01/1", "TRK-01/2")
    learn(session, member, "TRK-01/1", finish=False)
    learn(session, stranger, "TRK-11/1")
    rows = queries.team_progress(session, organisation.id)
    assert [(r.name, r.finished, r.begun, r.last_at is None) for r in rows] == [
        ("Anna", {"TRK-01/1", "TRK-01/2"}, frozenset(), False),
        ("Bo", frozenset(), {"TRK-01/1"}, True),
    ]


def test_home_shows_the_next_lesson(session):
    now = clock.now()

    def viewer(person, kind=Kind.PROVIDER, trust=Trust.VERIFIED):
        organisation.kind, organisation.trust = kind, trust
        return viewer_for(session, person)

    person = make_person(session)
    organisation = make_organisation(session, owner=person)
    assert next_step(session, viewer(person), now).path == "/my/learning/TRK-01/1"
    learn(session, person, "TRK-01/1")
    assert next_step(session, viewer(person), now).path == "/my/learning/TRK-01/2"
    assert part(session, viewer(person), now).values["path"].finished == 1
    assert next_step(session, viewer(person, kind=Kind.BRAND), now) is None
    assert next_step(session, viewer(person, trust=Trust.FROZEN), now) is None
    reviewer = make_person(session, staff=StaffRole.REVIEWER)
    assert part(session, viewer_for(session, reviewer), now) is None
