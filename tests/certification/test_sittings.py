"""A sitting from the rules before the start to its result, and everything that can go wrong on the way."""

from datetime import timedelta

import pytest
from sqlmodel import select

from certification.credentials.keyring import ensure_keys
from certification.exams import queries
from certification.exams.actions import load_own_banks, places_of, save_exam, start_sitting
from certification.exams.home import clocks, resume, sit_exam
from certification.exams.jobs import sweep_sittings
from certification.exams.models import Answer, Sitting
from certification.exams.rules import SittingStatus, terms_of
from portal import clock
from portal.history.queries import timeline
from portal.ledger.actions import write_fact
from portal.ledger.queries import certificates_held
from portal.ledger.rules import FactKind
from portal.organisations.rules import Trust
from portal.programme.queries import programme_at
from tests.factories import employ, make_organisation, make_person, viewer_for
from tests.training.test_learning import learn
from tests.training.test_lessons import P1

UNVERIFIED = (
    "This opens once your organisation is verified. Upload the business licence to begin; drafts are kept."
)


@pytest.fixture
def bank(session):
    """The project's own bank, and an exam over it that earns no certificate."""
    now = clock.now()
    programme = programme_at(session, now)
    load_own_banks(session, programme, now=now)
    return save_exam(
        session,
        "OPEN",
        bank="P1",
        title={"zh": "公开", "en": "Open exam"},
        blueprint={"TRK-01": 3, "TRK-11": 2},
        minutes=10,
        pass_marks=4,
        certificate=None,
        by=None,
        now=now,
    )


@pytest.fixture
def ready(session, bank):
    """A person of a verified organisation with every lesson finished."""
    person = make_person(session)
    make_organisation(session, owner=person)
    learn(session, person, *P1)
    return person


def begin(session, exam, person, *, ago=timedelta(0)):
    now = clock.now()
    terms = terms_of(
        programme_at(session, now), exam.certificate, exam.blueprint, exam.minutes, exam.pass_marks
    )
    return start_sitting(session, exam, terms, by=person.id, organisation_id=None, now=now - ago)


def right_places(session, sitting, n):
    place = places_of(sitting)[n - 1]
    return place.shown(queries.questions_with(session, [place.question])[place.question].key)


def fields(n, shown, revision=1, **more):
    return {"q": str(n), "shown": [str(s) for s in shown], "revision": str(revision), **more}


def answer(session, page, sitting, right):
    """Answer the first `right` questions rightly and the rest wrongly, by the form."""
    for n in range(1, len(sitting.paper) + 1):
        shown = right_places(session, sitting, n)
        page.post(
            f"/my/sittings/{sitting.token}", fields(n, shown if n <= right else [1 + shown[0] % 4], go="next")
        )


def one(session):
    session.expire_all()
    return session.exec(select(Sitting)).one()


def send(page, sitting, n, shown, revision, *, changes=None):
    return page.client.post(
        f"/my/sittings/{sitting.token}/answers",
        json={"q": n, "shown": shown, "flagged": False, "revision": revision} | (changes or {}),
        headers={"x-csrftoken": page.client.cookies["csrf"]},
    )


# ——— From start to result ———


def test_the_exams_say_what_is_missing(session, browse, bank):
    person = make_person(session)
    make_organisation(session, owner=person, trust=Trust.PROVISIONAL)
    learn(session, person, "TRK-01/1")
    page = browse(person).get("/my/exams/P1")
    assert [
        " ".join(li.text_content().split())
        for li in page.tree.xpath("//section[@aria-labelledby='missing']//li")
    ] == [
        UNVERIFIED + " To the verification",
        "Finish the lessons first: 17 of 18 are left. To the lessons",
    ]
    assert page.tree.xpath("//form[contains(@action, '/start')]") == []
    refused = browse(person).post("/my/exams/P1/start")
    assert refused.status == 409
    assert session.exec(select(Sitting)).all() == []


def test_the_list_of_exams_costs_the_same_with_one_and_with_three(session, browse, bank, ready):
    from sqlalchemy import event

    def count():
        seen = []
        listener = lambda *args: seen.append(args[2])  # noqa: E731
        event.listen(session.bind, "before_cursor_execute", listener)
        assert browse_.get("/my/exams").status == 200
        event.remove(session.bind, "before_cursor_execute", listener)
        return len(seen)

    browse_ = browse(ready)
    first = count()
    for code in ("A", "B"):
        save_exam(
            session,
            code,
            bank="P1",
            title={"zh": code, "en": code},
            blueprint={"TRK-01": 2},
            minutes=5,
            pass_marks=1,
            certificate=None,
            by=None,
            now=clock.now(),
        )
    session.commit()
    assert count() == first


def test_a_sitting_from_start_to_a_failed_result(session, browse, ready):
    page = browse(ready)
    before = page.get("/my/exams/P1")
    assert [d.text for d in before.tree.xpath("//dl[@class='facts']//dd")] == ["40", "60", "30", "3"]
    first = page.post("/my/exams/P1/start")
    sitting = one(session)
    assert first.url == f"/my/sittings/{sitting.token}"
    assert (sitting.status, len(sitting.paper), sitting.pass_marks, sitting.ends_at - sitting.started_at) == (
        "open",
        40,
        30,
        timedelta(hours=1),
    )
    assert len(first.tree.xpath("//div[@class='map']/button")) == 40
    assert first.tree.xpath("//button[@value='previous']") == []
    second = page.post(
        f"/my/sittings/{sitting.token}",
        fields(1, right_places(session, sitting, 1), go="next", flagged="true"),
    )
    assert second.response.url.query == b"q=2"
    back = page.get(f"/my/sittings/{sitting.token}?q=1")
    assert [int(v) for v in back.tree.xpath("//input[@name='shown'][@checked]/@value")] == right_places(
        session, sitting, 1
    )
    assert back.value("revision") == "2"
    assert back.tree.xpath("//input[@name='flagged']/@checked") == ["checked"] or back.tree.xpath(
        "//input[@name='flagged'][@checked]"
    )
    answer(session, page, sitting, right=29)
    review = page.get(f"/my/sittings/{sitting.token}/review")
    assert [d.text for d in review.tree.xpath("//dl[@class='facts']//dd")] == ["40", "0", "1"]
    result = page.post(f"/my/sittings/{sitting.token}/hand-in")
    assert result.said == "Handed in. Here is the result."
    sitting = one(session)
    assert (sitting.status, sitting.score, sitting.passed, sitting.timed_out) == (
        SittingStatus.MARKED,
        29,
        False,
        False,
    )
    assert {t: of for t, (_, of) in sitting.result["topics"].items()} == {
        "TRK-01": 13,
        "TRK-02": 18,
        "TRK-11": 9,
    }
    assert result.tree.findtext(".//h1") == "Not passed this time"
    wrong = sorted(g for g, (r, of) in sitting.result["groups"].items() if r < of)
    assert [h.removeprefix("/my/learning/") for h in result.links() if h.startswith("/my/learning/")] == wrong
    assert "pause of 7 days" in result.text
    assert [e.verb for e in timeline(session, "sitting", sitting.id)] == [
        "sitting marked",
        "sitting handed in",
        "sitting started",
    ]
    assert page.post("/my/exams/P1/start").status == 409


def test_no_page_of_a_sitting_or_its_result_names_a_key(session, browse, bank):
    person = make_person(session)
    page = browse(person)
    page.post("/my/exams/OPEN/start")
    sitting = one(session)
    question = queries.questions_with(session, [sitting.paper[0]["question"]])[sitting.paper[0]["question"]]
    assert question.why["en"] not in page.get(f"/my/sittings/{sitting.token}").response.text
    answer(session, page, sitting, right=0)
    result = page.post(f"/my/sittings/{sitting.token}/hand-in").response.text
    assert question.stem["en"] not in result
    assert question.why["en"] not in result


def test_a_pass_earns_the_certificate(session, browse, ready):
    ensure_keys(clock.now())
    page = browse(ready)
    page.post("/my/exams/P1/start")
    sitting = one(session)
    answer(session, page, sitting, right=30)
    result = page.post(f"/my/sittings/{sitting.token}/hand-in")
    assert (one(session).score, one(session).passed) == (30, True)
    assert result.tree.findtext(".//h1") == "Passed"
    assert list(certificates_held(session, ready.id, clock.now())) == ["P1"]
    now = clock.now()
    programme = programme_at(session, now)
    standings = queries.exam_standings(
        session, ready.id, holder=viewer_for(session, ready).organisation, programme=programme, now=now
    )
    (why,) = next(s.whys for s in standings if s.exam.code == "P1")
    assert why.text == "You hold this certificate. You can sit the exam again for its renewal from %(when)s."


def test_an_exam_without_certificate_is_open_to_a_person_alone(session, browse, bank):
    page = browse(make_person(session))
    page.post("/my/exams/OPEN/start")
    sitting = one(session)
    answer(session, page, sitting, right=5)
    page.post(f"/my/sittings/{sitting.token}/hand-in")
    assert (one(session).score, one(session).passed, one(session).organisation_id) == (5, True, None)


# ——— Twice, late, elsewhere ———


def test_a_double_start_is_one_sitting(session, browse, ready):
    page = browse(ready)
    first = page.post("/my/exams/P1/start")
    second = page.post("/my/exams/P1/start")
    assert second.url == first.url
    other = page.post("/my/exams/OPEN/start")
    assert (other.url, other.said) == (
        first.url,
        "A sitting of yours is running. Finish it first; its clock does not stop.",
    )
    assert len(session.exec(select(Sitting)).all()) == 1


def test_a_second_open_sitting_is_refused_by_the_database(session, bank):
    from sqlalchemy.exc import IntegrityError

    person = make_person(session)
    begin(session, bank, person)
    with pytest.raises(IntegrityError), session.begin_nested():
        begin(session, bank, person)


def test_handing_in_twice_is_one_result(session, browse, bank):
    page = browse(make_person(session))
    page.post("/my/exams/OPEN/start")
    sitting = one(session)
    page.post(f"/my/sittings/{sitting.token}/hand-in")
    marked = one(session).model_dump()
    again = page.post(f"/my/sittings/{sitting.token}/hand-in")
    assert again.said == "This paper has been handed in already. A paper has one result; here it is."
    assert one(session).model_dump() == marked
    late = page.post(f"/my/sittings/{sitting.token}", fields(1, [1], go="next"))
    assert late.said == "This paper has been handed in already; answers are no longer taken."
    assert send(page, sitting, 1, [1], 1).json()["reason"] == "closed"
    assert session.exec(select(Answer)).all() == []
    assert page.get(f"/my/sittings/{sitting.token}/review").url == f"/my/sittings/{sitting.token}"


def test_somebody_elses_sitting_is_not_there(session, browse, bank):
    mine, theirs = browse(make_person(session)), browse(make_person(session))
    mine.post("/my/exams/OPEN/start")
    sitting = one(session)
    theirs.get("/my/exams")
    base = f"/my/sittings/{sitting.token}"
    assert [theirs.get(p).status for p in (base, f"{base}/review")] == [404, 404]
    assert [theirs.post(p, fields(1, [1])).status for p in (base, f"{base}/hand-in")] == [404, 404]
    assert send(theirs, sitting, 1, [1], 1).status_code == 404
    assert browse().get(base).url == "/sign-in"
    assert (one(session).status, session.exec(select(Answer)).all()) == ("open", [])


def test_the_other_device_sees_what_was_saved_and_an_older_page_overwrites_nothing(session, browse, bank):
    person = make_person(session)
    phone, desk = browse(person), browse(person)
    phone.post("/my/exams/OPEN/start")
    sitting = one(session)
    address = f"/my/sittings/{sitting.token}"
    assert phone.get(address).value("revision") == desk.get(address).value("revision") == "1"
    desk.post(address, fields(1, [2], revision=1, go="next"))
    stale = phone.post(address, fields(1, [3], revision=1, go="next"))
    assert stale.said == (
        "This answer was changed in another window after this page was loaded. Nothing was overwritten; "
        "the stored answer is shown. Choose again if you mean another."
    )
    assert (stale.tree.xpath("//input[@checked]/@value"), stale.value("revision")) == (["2"], "2")
    phone.post(address, fields(1, [3], revision=2, go="next"))  # the last one wins once it has seen the other
    assert desk.get(address).tree.xpath("//input[@checked]/@value") == ["3"]
    assert [(a.revision, places_of(sitting)[0].shown(a.chosen)) for a in session.exec(select(Answer))] == [
        (2, [3])
    ]


def test_the_same_form_sent_twice_is_one_answer(session, browse, bank):
    page = browse(make_person(session))
    page.post("/my/exams/OPEN/start")
    sitting = one(session)
    for _ in range(2):
        assert (
            page.post(f"/my/sittings/{sitting.token}", fields(1, [2], go="next")).response.url.query == b"q=2"
        )
    assert [a.revision for a in session.exec(select(Answer))] == [1]


def test_saving_by_script(session, browse, bank):
    page = browse(make_person(session))
    page.post("/my/exams/OPEN/start")
    sitting = one(session)
    done = send(page, sitting, 1, [2], 1)
    assert (done.status_code, done.json()["saved"], done.json()["revision"]) == (200, True, 1)
    assert 595 <= done.json()["left"] <= 600
    assert (
        send(page, sitting, 1, [2], 1).json()["revision"] == 1
    )  # the answer to the first was lost on the way
    assert send(page, sitting, 1, [4], 3).json()["revision"] == 3
    stale = send(page, sitting, 1, [1], 2)
    assert (
        stale.status_code,
        {k: stale.json()[k] for k in ("saved", "reason", "revision", "shown", "flagged")},
    ) == (409, {"saved": False, "reason": "stale", "revision": 3, "shown": [4], "flagged": False})
    assert send(page, sitting, 2, [], 1, changes={"flagged": True}).json()["saved"] is True
    assert {(a.revision, a.flagged) for a in session.exec(select(Answer))} == {(3, False), (1, True)}
    for sent in (
        {"q": 0},
        {"revision": 0},
        {"shown": "x"},
        {"q": "one"},
        {"shown": [1] * 51},
        {"text": "x" * 20_001},
    ):
        assert send(page, sitting, 1, [1], 9, changes=sent).status_code == 422
    assert send(page, sitting, 999, [1], 9).json()["reason"] == "closed"
    plain = page.client.post(
        f"/my/sittings/{sitting.token}/answers",
        content=b"{",
        headers={"x-csrftoken": page.client.cookies["csrf"], "content-type": "application/json"},
    )
    assert plain.status_code == 422
    assert (
        page.client.post(f"/my/sittings/{sitting.token}/answers", json={"q": 1}).status_code == 403
    )  # no CSRF token


def test_a_late_save_is_refused_and_the_paper_closed(session, browse, bank):
    person = make_person(session)
    sitting = begin(session, bank, person, ago=timedelta(minutes=10, seconds=20))
    page = browse(person)
    page.get("/my/exams")
    assert (
        send(page, sitting, 1, right_places(session, sitting, 1), 1).json()["saved"] is True
    )  # within the grace
    sitting = one(session)
    sitting.started_at, sitting.ends_at = (
        t - timedelta(seconds=15) for t in (sitting.started_at, sitting.ends_at)
    )
    session.commit()
    late = send(page, sitting, 2, [1], 1)
    assert (late.status_code, late.json()["reason"], late.json()["left"]) == (409, "closed", 0)
    up = page.get(f"/my/sittings/{sitting.token}")
    assert up.tree.findtext(".//h1") == "Time is up"
    closed = page.post(f"/my/sittings/{sitting.token}", fields(2, [1], go="next"))
    assert closed.said == "Time was up. The paper was handed in with the answers saved until then."
    sitting = one(session)
    assert (sitting.status, sitting.timed_out, sitting.score, sitting.handed_in_at) == (
        SittingStatus.MARKED,
        True,
        1,
        sitting.ends_at,
    )


def test_handing_in_late_counts_as_timed_out(session, browse, bank):
    person = make_person(session)
    begin(session, bank, person, ago=timedelta(minutes=11))
    page = browse(person)
    result = page.post(f"/my/sittings/{one(session).token}/hand-in")
    assert result.said == "Time was up. The paper was handed in with the answers saved until then."
    assert (one(session).timed_out, one(session).score, one(session).passed) == (True, 0, False)


def test_the_sweep_closes_what_ran_out_and_nothing_else(session, bank):
    out, grace, running = (
        begin(session, bank, make_person(session), ago=ago)
        for ago in (timedelta(minutes=10, seconds=31), timedelta(minutes=10, seconds=5), timedelta(minutes=5))
    )
    session.commit()
    for _ in range(2):
        sweep_sittings()
        session.expire_all()
        assert [s.status for s in (out, grace, running)] == ["marked", "open", "open"]
    assert (out.timed_out, out.passed, out.handed_in_at) == (True, False, out.ends_at)
    assert [e.verb for e in timeline(session, "sitting", out.id)] == [
        "sitting marked",
        "sitting timed out",
        "sitting started",
    ]


def test_attempts_and_the_pause(session, browse, bank):
    person = make_person(session)
    page = browse(person)

    def fail(days):
        sitting = begin(session, bank, person, ago=timedelta(days=days))
        session.commit()
        sweep_sittings()
        session.expire_all()
        return sitting

    fail(1)
    assert "pause of 7 days" in page.get("/my/exams/OPEN").text
    assert page.post("/my/exams/OPEN/start").status == 409
    for sitting in session.exec(select(Sitting)):
        sitting.started_at, sitting.handed_in_at = (
            sitting.started_at - timedelta(days=7),
            sitting.handed_in_at - timedelta(days=7),
        )
    session.commit()
    assert page.get("/my/exams/OPEN").tree.xpath("//form[contains(@action, '/start')]") != []
    fail(15)
    fail(28)
    assert "You have used your 3 sittings of these 30 days" in page.get("/my/exams/OPEN").text
    assert page.post("/my/exams/OPEN/start").status == 409
    oldest = min(session.exec(select(Sitting)), key=lambda s: s.started_at)
    oldest.status = SittingStatus.VOIDED  # it never counted
    session.commit()
    assert page.post("/my/exams/OPEN/start").url.startswith("/my/sittings/")


def test_a_certificate_held_closes_its_exam_until_renewal(session, browse, ready):
    now = clock.now()
    write_fact(
        session,
        FactKind.CERTIFICATE,
        source=("certificate", 1),
        person_id=ready.id,
        now=now - timedelta(days=400),
        true_until=now + timedelta(days=61),
        code="P1",
        number="X",
    )
    page = browse(ready)
    assert page.post("/my/exams/P1/start").status == 409
    write_fact(
        session,
        FactKind.CERTIFICATE,
        source=("certificate", 2),
        person_id=make_person(session).id,
        now=now,
        code="P1",
        number="Y",
    )
    assert list(certificates_held(session, ready.id, now)) == ["P1"]
    assert certificates_held(session, ready.id, now + timedelta(days=62)) == {}


def test_a_question_that_is_not_there_leads_to_the_nearest(session, browse, bank):
    page = browse(make_person(session))
    page.post("/my/exams/OPEN/start")
    token = one(session).token
    for asked, shown in (("0", "1"), ("99", "5"), ("x", "1"), ("3", "3"), ("²", "1"), ("9" * 50, "1")):
        assert page.get(f"/my/sittings/{token}?q={asked}").value("q") == shown
    for where, query in (
        ("previous", b"q=2"),
        ("next", b"q=4"),
        ("5", b"q=5"),
        ("77", b"q=5"),
        ("", b"q=3"),
        ("//evil", b"q=3"),
    ):
        assert page.post(f"/my/sittings/{token}", fields(3, [], go=where)).response.url.query == query
    assert page.post(f"/my/sittings/{token}", fields(5, [], go="next")).url == f"/my/sittings/{token}/review"
    assert page.post(f"/my/sittings/{token}", {"q": "1"}).status == 422


def test_a_paper_is_kept_as_it_was_asked_when_the_bank_changes(session, browse, bank):
    from dataclasses import replace

    from certification.banks.readers import read_questions
    from certification.exams.actions import CONTENT, import_bank

    person = make_person(session)
    sitting = begin(session, bank, person)
    forms = read_questions("a.yaml", (CONTENT / "P1" / "TRK-01.yaml").read_bytes()).questions
    import_bank(
        session,
        "P1",
        {},
        [replace(f, key=[1 + f.key[0] % 4] if f.kind == "one" else f.key) for f in forms],
        by=None,
        now=clock.now(),
    )
    session.flush()
    page = browse(person)
    for n in range(1, 6):
        page.post(f"/my/sittings/{sitting.token}", fields(n, right_places(session, sitting, n), go="next"))
    page.post(f"/my/sittings/{sitting.token}/hand-in")
    assert one(session).score == 5


# ——— Home ———


def test_home_leads_back_into_a_running_sitting(session, ready):
    now = clock.now()
    viewer = viewer_for(session, ready)
    exam = queries.exam_by_code(session, "P1")
    assert resume(session, viewer, now) is None
    assert sit_exam(session, viewer, now).path == "/my/exams/P1"
    sitting = begin(session, exam, ready)
    assert resume(session, viewer, now).path == f"/my/sittings/{sitting.token}"
    assert [(c.until, c.path) for c in clocks(session, viewer, now)] == [
        (sitting.ends_at, f"/my/sittings/{sitting.token}")
    ]
    other = make_person(session)
    employ(session, make_organisation(session), other)
    stranger = viewer_for(session, other)
    assert (
        resume(session, stranger, now),
        clocks(session, stranger, now),
        sit_exam(session, stranger, now),
    ) == (None, [], None)


def test_both_languages(session, browse, bank):
    person = make_person(session)
    begin(session, bank, person)
    sitting = one(session)
    question = queries.questions_with(session, [sitting.paper[0]["question"]])[sitting.paper[0]["question"]]
    for language in ("zh", "en"):
        page = browse(person, language=language).get(f"/my/sittings/{sitting.token}")
        assert page.tree.findtext(".//h1") == question.stem[language]
