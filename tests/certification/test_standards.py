"""Judges set a pass mark: each blind until the round ends; the cut holds for what starts after it is adopted."""

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from certification.exams import queries
from certification.exams.actions import import_bank, save_exam, start_sitting
from certification.exams.models import Sitting
from certification.exams.rules import CutFrom, terms_of
from certification.standards.forms import read_ratings
from certification.standards.models import Standard, StandardRating
from certification.standards.rules import MOVES, Rated, StandardStatus, cut_of, progress
from portal import clock
from portal.accounts.rules import StaffRole
from portal.history.models import History
from portal.programme.queries import programme_at
from portal.web.forms import Form
from tests.certification import test_statistics_pages as figures
from tests.factories import make_person

exam = figures.exam  # a fixture


@pytest.fixture
def panel(session, browse):
    """A chair and two judges."""
    return [
        browse(make_person(session, name, staff=role))
        for name, role in (
            ("Chair", StaffRole.PROGRAMME_MANAGER),
            ("Judge One", StaffRole.REVIEWER),
            ("Judge Two", StaffRole.PARTNER_MANAGER),
        )
    ]


def ratings(standard, chance, note=""):
    return {f"p-{q}": str(chance) for q in standard.questions} | {
        f"note-{q}": note for q in standard.questions
    }


def open_session(session, chair):
    page = chair.post("/staff/exams/S/standards", {"title": "Spring panel", "questions": "5"})
    assert page.said == "Opened. Judges can rate now."
    return session.exec(select(Standard)).one()


def form_of(n, kind):
    return figures.form(n, kind=kind, key=(1, 2, 3, 4))


# ——— Rules ———


def test_the_cut_by_hand():
    """Two judges, two questions: sums 1.0 and 1.4, mean 1.2 of 2, SD of the sums √0.08, over √2."""
    rows = [Rated(1, 7, 1, 0.4), Rated(1, 8, 1, 0.6), Rated(2, 7, 1, 0.6), Rated(2, 8, 1, 0.8)]
    cut = cut_of(rows, [7, 8])
    assert (cut.share, cut.error) == (pytest.approx(0.6), pytest.approx(0.08**0.5 / 2**0.5 / 2))
    assert (cut.judges, cut.left_out, cut.means) == ((1, 2), (), {7: 0.5, 8: pytest.approx(0.7)})


def test_questions_of_more_points_weigh_more():
    rows = [Rated(j, q, 1, chance) for j in (1, 2) for q, chance in ((7, 0.2), (8, 0.8))]
    assert cut_of(rows, [7, 8], {7: 1, 8: 3}).share == pytest.approx((0.2 + 3 * 0.8) / 4)


def test_judges_see_every_kind_of_question(session, panel):
    chair, one, _ = panel
    kinds = [
        form_of(1, "order"),
        replace(form_of(2, "match"), key=[2]),
        replace(form_of(3, "numeric"), options=[], key=[]),
        replace(form_of(4, "short"), options=[], key=[]),
        replace(
            form_of(5, "long"), options=[], key=[], rubric=[{"zh": "全", "en": "All of it", "points": 10}]
        ),
    ]
    import_bank(session, "K", {"zh": "各种", "en": "Kinds"}, kinds, by=None, now=clock.now())
    figures.in_bank(session, "S2", prompts=[{"zh": "甲", "en": "First"}])
    figures.in_bank(session, "S3", accept=[{"low": 2, "high": 3}])
    figures.in_bank(session, "S4", accept=[{"text": "word"}])
    save_exam(
        session,
        "K",
        bank="K",
        title={"zh": "各种", "en": "Kinds"},
        blueprint={"T": 5},
        minutes=10,
        pass_marks=3,
        certificate=None,
        by=None,
        now=clock.now(),
    )
    session.commit()
    chair.post("/staff/exams/K/standards", {"title": "Every kind", "questions": "5"})
    standard = session.exec(select(Standard)).one()
    text = one.get(f"/staff/standards/{standard.id}").text
    for words in ("First → Option 2", "2 … 3", "word", "All of it"):
        assert words in text
    one.post(f"/staff/standards/{standard.id}", ratings(standard, 50))
    assert len(session.exec(select(StandardRating)).all()) == 5


def test_the_second_round_counts_and_half_done_judges_do_not():
    rows = [Rated(j, q, 1, 0.5) for j in (1, 2) for q in (7, 8)]
    rows += [Rated(2, 7, 2, 0.9), Rated(3, 7, 1, 0.1)]
    cut = cut_of(rows, [7, 8])
    assert cut.share == pytest.approx((0.5 + 0.5 + 0.9 + 0.5) / 4)
    assert (cut.judges, cut.left_out) == ((1, 2), (3,))
    assert progress(rows, [7, 8]) == {1: 2, 2: 2, 3: 1}
    assert cut_of(rows[:2], [7, 8]) is None
    assert cut_of([], []) is None


def test_every_state_has_its_moves_and_the_ends_have_none():
    ends = {s for s in StandardStatus if not any(state == s for state, _ in MOVES)}
    assert ends == {StandardStatus.REPLACED, StandardStatus.DROPPED}


def test_marks_for_a_share(session):
    programme = programme_at(session, clock.now())

    def needed(share):
        return terms_of(programme, None, {"T": 40}, 5, 7, cut_share=share).pass_marks

    assert [needed(share) for share in (0.7, 0.75, 0.7001, 0.725, 1.0, 0.55, 0.0)] == [
        28,
        30,
        29,
        29,
        40,
        22,
        0,
    ]


def test_what_judges_type():
    form = Form(
        [("p-1", " 70% "), ("p-2", ""), ("p-3", "101"), ("p-4", "0.7"), ("note-2", "why"), ("p-9", "1")]
    )
    read, errors = read_ratings(form, [1, 2, 3, 4])
    assert read == {1: (0.7, "")}
    assert sorted(errors) == ["p-2", "p-3", "p-4"]
    assert read_ratings(Form([("p-1", "5"), ("note-1", "x" * 301)]), [1])[1].keys() == {"note-1"}


# ——— The way of a session ———


def test_from_opening_to_an_adopted_cut(session, exam, panel, browse):
    chair, one, two = panel
    standard = open_session(session, chair)
    path = f"/staff/standards/{standard.id}"
    assert sorted(standard.questions) == sorted(
        q.id for q in queries.questions_of_bank(session, exam.bank_id)
    )
    assert one.post(path, ratings(standard, 60, "first word")).said == (
        "Saved. You can change it until the round ends."
    )
    assert chair.post(f"{path}/close").status == 409  # one judge is too few
    assert chair.post(f"{path}/next-round").status == 409
    assert two.post(path, ratings(standard, 83, "second word")).status == 200
    session.refresh(standard)
    assert standard.status is StandardStatus.ROUND_ONE

    # Blind: nobody reads another's rating or remark, the chair neither.
    assert one.get(path).value(f"p-{standard.questions[0]}") == "60"
    assert "second word" not in one.get(path).response.text
    assert "first word" not in two.get(path).response.text
    for reader in (chair, two):
        text = reader.get(path).response.text
        assert ("first word" in text, 'value="60"' in text) == (False, False)
        assert "Judge One: 5 of 5 rated" in " ".join(reader.get(path).text.split())

    # The second round shows the first and takes new ones, which are blind again.
    assert chair.post(f"{path}/next-round").said == (
        "The first round is over; the judges now see one another's ratings."
    )
    assert "60% (yours) · 83% “second word”" in one.get(path).text
    one.post(path, ratings(standard, 71, "third word"))
    assert ("first word" in two.get(path).text, "third word" in two.get(path).text) == (True, False)
    assert chair.post(f"{path}/next-round").status == 409

    assert chair.post(f"{path}/close").said == "Closed. The cut holds for nothing until it is adopted."
    session.refresh(standard)
    assert (standard.status, standard.judges) == (StandardStatus.CLOSED, 2)
    assert standard.cut_share == pytest.approx(0.77)
    assert standard.cut_error == pytest.approx(0.06)
    assert exam.cut_share is None
    assert one.post(path, ratings(standard, 1)).status == 409
    assert chair.post(f"{path}/close").status == 409
    assert "third word" in two.get(path).text

    # Adopted for new sittings; the one that runs keeps its own.
    running_person = make_person(session)
    terms = terms_of(programme_at(session, clock.now()), None, exam.blueprint, exam.minutes, exam.pass_marks)
    running = start_sitting(session, exam, terms, by=running_person.id, organisation_id=None, now=clock.now())
    session.commit()
    assert chair.post(f"{path}/adopt", {"reason": "ok"}).errors == ["Please write at least 5 characters."]
    assert chair.post(f"{path}/adopt", {"reason": "Two judges, close together"}).said == (
        "Adopted for sittings that start from now on."
    )
    session.refresh(exam)
    session.refresh(running)
    assert (exam.cut_share, running.pass_marks) == (pytest.approx(0.77), 3)
    row = session.exec(select(History).where(History.verb == "cut adopted")).one()
    assert (row.subject_id, row.before, row.reason) == (
        exam.id,
        {"cut_share": None},
        "Two judges, close together",
    )
    newcomer = make_person(session)
    browser = browse(newcomer)
    before = browser.get("/my/exams/S")
    assert "The pass mark is 77%, set by judges question by question." in before.text
    browser.post("/my/exams/S/start")
    started = session.exec(select(Sitting).where(Sitting.person_id == newcomer.id)).one()
    assert started.pass_marks == 4  # of 5, the next whole number over 3.85
    assert chair.post(f"{path}/adopt", {"reason": "a second click"}).status == 409

    # A later cut takes its place; withdrawn, the exam's own mark holds again.
    chair.post("/staff/exams/S/standards", {"title": "Autumn panel", "questions": "5"})
    later = session.exec(select(Standard).where(Standard.title == "Autumn panel")).one()
    for judge in (one, two):
        judge.post(f"/staff/standards/{later.id}", ratings(later, 50))
    chair.post(f"/staff/standards/{later.id}/close")
    chair.post(f"/staff/standards/{later.id}/adopt", {"reason": "A year has passed"})
    session.refresh(standard)
    session.refresh(exam)
    session.refresh(later)
    assert (standard.status, later.status) == (StandardStatus.REPLACED, StandardStatus.ADOPTED)
    assert exam.cut_share == pytest.approx(0.5)
    assert chair.post(f"/staff/standards/{later.id}/withdraw", {"reason": "Wrong questions"}).said == (
        "Withdrawn. The pass mark from before holds again for new sittings."
    )
    session.refresh(exam)
    assert exam.cut_share is None


def test_an_exam_has_one_adopted_cut(session, exam):
    by = make_person(session).id
    for _ in range(2):
        session.add(
            Standard(
                exam_id=exam.id,
                title="Panel",
                questions=[],
                status=StandardStatus.ADOPTED,
                opened_at=clock.now(),
                opened_by=by,
            )
        )
    with pytest.raises(IntegrityError), session.begin_nested():
        session.flush()
    session.rollback()


def test_a_session_is_dropped_for_a_reason(session, exam, panel):
    chair, one, _ = panel
    standard = open_session(session, chair)
    path = f"/staff/standards/{standard.id}"
    one.post(path, ratings(standard, 40))
    assert chair.post(f"{path}/drop", {}).status == 422
    assert chair.post(f"{path}/drop", {"reason": "Nobody else came"}).status == 200
    session.refresh(standard)
    assert (standard.status, standard.cut_share) == (StandardStatus.DROPPED, None)
    assert chair.post(f"{path}/drop", {"reason": "Nobody else came"}).status == 409


def test_bad_ratings_are_shown_again_and_nothing_is_saved(session, exam, panel):
    chair, one, _ = panel
    standard = open_session(session, chair)
    path, first, second = f"/staff/standards/{standard.id}", *standard.questions[:2]
    page = one.post(path, {f"p-{first}": "120", f"p-{second}": "55"})
    assert (page.status, page.errors) == (422, ["Please write a whole percentage from 0 to 100."])
    assert [page.value(f"p-{q}") for q in (first, second)] == ["120", "55"]
    assert session.exec(select(StandardRating)).all() == []
    assert one.post(path, {f"p-{first}": "20"}).status == 200  # part of it now, the rest later
    assert one.post(path, {f"p-{first}": "20"}).status == 200  # a second click
    assert [(r.chance, r.round) for r in session.exec(select(StandardRating))] == [(0.2, 1)]
    saved = session.exec(select(History).where(History.verb == "standard ratings saved")).all()
    assert len(saved) == 1
    assert one.post(path, {f"p-{first}": "30", "p-999999": "10"}).status == 200
    assert [r.chance for r in session.exec(select(StandardRating))] == [0.3]


def test_who_may_what(session, exam, panel, browse):
    chair, one, _ = panel
    standard = open_session(session, chair)
    path = f"/staff/standards/{standard.id}"
    stranger = browse(make_person(session))
    assert (stranger.get(path).status, stranger.post(path, ratings(standard, 50)).status) == (404, 404)
    assert browse().get(path, follow=False).status == 303
    for what in ("next-round", "close", "adopt", "withdraw", "drop"):
        assert one.post(f"{path}/{what}", {"reason": "I would like to"}).status == 403
    assert one.post("/staff/exams/S/standards", {"title": "My own", "questions": "5"}).status == 403
    assert one.get("/staff/exams/S/standards").status == 200
    assert (one.get("/staff/standards/999999").status, one.get("/staff/exams/no/standards").status) == (
        404,
        404,
    )
    page = chair.post("/staff/exams/S/standards", {"title": "x", "questions": "2"})
    assert (page.status, len(page.errors), page.value("questions")) == (422, 2, "2")
    assert chair.post("/staff/exams/S/standards", {"title": "Too many", "questions": "80"}).status == 409


def test_a_certificate_exam_goes_by_the_cut(session):
    programme = programme_at(session, clock.now())
    plain = terms_of(programme, "P1", {"TRK-01": 40}, 1, 1)
    judged = terms_of(programme, "P1", {"TRK-01": 40}, 1, 1, cut_share=0.71)
    assert (plain.pass_marks, plain.cut_from, plain.pass_share) == (30, CutFrom.PROGRAMME, Fraction(3, 4))
    assert (judged.pass_marks, judged.cut_from, judged.pass_share) == (29, CutFrom.JUDGES, Fraction(71, 100))
    own = terms_of(programme, None, {"T": 10}, 5, 7)
    assert (own.pass_marks, own.cut_from, own.pass_share) == (7, CutFrom.EXAM, Fraction(7, 10))


def test_facility_is_shown_after_the_blind_round_only(session, exam, panel):
    chair, one, two = panel
    for n in range(30):
        figures.sit(session, exam, n % 6, ago=1 + timedelta(hours=1) / timedelta(days=1))
    session.commit()
    standard = open_session(session, chair)
    path = f"/staff/standards/{standard.id}"
    for judge in (one, two):
        judge.post(path, ratings(standard, 50))
    assert "In real sittings" not in one.get(path).text
    chair.post(f"{path}/next-round")
    assert one.get(path).text.count("In real sittings:") == 5
    assert "In real sittings" not in two.get(path).text  # may judge, may not read the figures
