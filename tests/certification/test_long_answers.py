"""Long answers: typed and uploaded, marked by two people who do not know whose they are, and what follows."""

from datetime import timedelta

import pytest
from sqlmodel import select

from certification.banks.models import Question
from certification.credentials.keyring import ensure_keys
from certification.credentials.models import Credential
from certification.exams import queries
from certification.exams.actions import (
    drawn_again,
    hand_in,
    load_own_banks,
    places_of,
    start_sitting,
    void_sitting,
)
from certification.exams.command import replay
from certification.exams.models import Exam, Sitting
from certification.exams.rules import Part, SittingStatus, terms_of
from certification.marking.actions import correct_key
from certification.marking.models import Mark
from portal import clock
from portal.accounts.rules import StaffRole
from portal.history.queries import timeline
from portal.programme.queries import programme_at
from portal.refusal import Refused
from tests.factories import employ, make_organisation, make_person
from tests.hostile_files import WHOLE

PDF = WHOLE["a.pdf"]

NOTE = "依据充分，口径一致；第三周的任务缺少负责人。"


@pytest.fixture
def practical(session):
    """A candidate who has passed the written part of P2, and the practical before them."""
    now = clock.now()
    ensure_keys(now=now)
    programme = programme_at(session, now)
    load_own_banks(session, programme, now=now)
    person = make_person(session)
    organisation = make_organisation(session, owner=person)
    exam = queries.exam_by_code(session, "P2-PRACTICAL")
    terms = terms_of(programme, "P2", exam.blueprint, exam.minutes, exam.pass_marks, exam.part)
    sitting = start_sitting(
        session, exam, terms, by=person.id, organisation_id=organisation.id, now=now - timedelta(days=2)
    )
    return person, organisation, sitting


def markers(session, count=3):
    return [make_person(session, staff=StaffRole.REVIEWER) for _ in range(count)]


def mark_it(page, answer_id, points):
    fields = {f"points-{n}": str(p) for n, p in enumerate(points, 1)}
    return page.post(f"/staff/marking/{answer_id}", fields | {"note": NOTE})


def test_a_task_of_days_runs_beside_a_written_exam(session, practical):
    person, _, sitting = practical
    assert (sitting.part, sitting.pass_marks, sitting.points, sitting.ends_at - sitting.started_at) == (
        Part.PRACTICAL,
        70,
        100,
        timedelta(days=14),
    )
    assert queries.open_sitting(session, person.id) is None
    assert queries.open_sitting(session, person.id, Part.PRACTICAL)[0].id == sitting.id


def test_text_and_files_are_kept_and_taken_back(session, browse, practical):
    person, _, sitting = practical
    page = browse(person)
    path = f"/my/sittings/{sitting.token}"
    page.post(path, {"q": "1", "revision": "1", "text": "我的方案", "go": "review"})
    shown = page.get(path)
    assert "我的方案" in shown.text
    assert (
        page.post(f"{path}/files", {"q": "1"}, files={"file": ("plan.pdf", PDF, "application/pdf")}).status
        == 200
    )
    assert (
        page.post(f"{path}/files", {"q": "1"}, files={"file": ("plan.pdf", PDF, "application/pdf")}).status
        == 200
    )
    (files,) = queries.files_of(session, sitting.id).values()
    assert [f.name for f in files] == ["plan.pdf"]  # the same bytes again change nothing
    assert page.client.get(f"{path}/files/{files[0].id}").content == PDF
    stranger = browse(make_person(session))
    assert stranger.client.get(f"{path}/files/{files[0].id}").status_code == 404
    assert (
        page.post(f"{path}/files", {"q": "1"}, files={"file": ("plan.pdf", b"MZ", "application/pdf")}).status
        == 422
    )
    assert page.post(f"{path}/files/{files[0].id}/remove", {"q": "1"}).status == 200
    assert queries.files_of(session, sitting.id) == {}


@pytest.fixture
def handed_in(session, browse, practical):
    person, organisation, sitting = practical
    page = browse(person)
    page.post(f"/my/sittings/{sitting.token}", {"q": "1", "revision": "1", "text": "我的方案", "go": "next"})
    page.post(f"/my/sittings/{sitting.token}/hand-in", {})
    session.refresh(sitting)
    assert sitting.status is SittingStatus.HANDED_IN
    (answer,) = queries.answers_of(session, sitting.id).values()
    return person, organisation, sitting, answer


def test_two_people_mark_it_without_knowing_whose_it_is(session, browse, handed_in):
    person, _, sitting, answer = handed_in
    question = session.get_one(Question, answer.question_id)
    lines = [r["points"] for r in question.rubric]
    one, two, _ = markers(session)
    first = browse(one)
    shown = first.get(f"/staff/marking/{answer.id}").text
    assert "我的方案" in shown
    assert person.name not in shown
    too_much = mark_it(first, answer.id, [lines[0] + 1, *lines[1:]])
    assert too_much.status == 422
    mark_it(first, answer.id, lines)
    assert first.client.get(f"/staff/marking/{answer.id}").status_code == 404  # once each
    session.refresh(sitting)
    assert sitting.status is SittingStatus.HANDED_IN
    second = browse(two)
    mark_it(second, answer.id, [p - 1 for p in lines])
    session.refresh(sitting)
    lost = len(lines)
    assert (sitting.status, sitting.score, sitting.passed) == (SittingStatus.MARKED, 100 - lost // 2, True)
    assert (
        session.exec(select(Credential).where(Credential.person_id == person.id)).all() == []
    )  # one part of two
    result = browse(person).get(f"/my/sittings/{sitting.token}").text
    assert NOTE in result
    assert one.name not in result
    assert mark_it(second, answer.id, lines).status == 404


def test_far_apart_marks_want_a_third_person(session, browse, handed_in):
    _, _, sitting, answer = handed_in
    lines = [r["points"] for r in session.get_one(Question, answer.question_id).rubric]
    one, two, three = markers(session)
    mark_it(browse(one), answer.id, lines)
    mark_it(browse(two), answer.id, [0] * len(lines))
    session.refresh(sitting)
    assert sitting.status is SittingStatus.HANDED_IN
    mark_it(browse(three), answer.id, [p - 2 for p in lines])
    session.refresh(sitting)
    assert (sitting.status, sitting.score) == (SittingStatus.MARKED, (100 + 100 - 2 * len(lines) + 1) // 2)
    assert len(session.exec(select(Mark)).all()) == 3


def test_nobody_marks_a_colleague_or_without_the_right(session, browse, handed_in):
    _, organisation, _, answer = handed_in
    colleague = make_person(session, staff=StaffRole.REVIEWER)
    employ(session, organisation, colleague)
    programmer = make_person(session, staff=StaffRole.PROGRAMME_MANAGER)
    lines = [r["points"] for r in session.get_one(Question, answer.question_id).rubric]
    assert mark_it(browse(colleague), answer.id, lines).status == 404
    assert mark_it(browse(programmer), answer.id, lines).status in (403, 404)
    assert session.exec(select(Mark)).all() == []


def test_an_empty_answer_needs_no_markers(session, practical):
    person, _, sitting = practical
    hand_in(session, sitting, by=person.id, now=clock.now())
    assert (sitting.status, sitting.score, sitting.passed) == (SittingStatus.MARKED, 0, False)


def test_a_paper_can_be_drawn_again_after_its_bank_has_changed(session, practical):
    _, _, sitting = practical
    before = list(sitting.paper)
    for question in session.exec(select(Question)):
        question.status = "retired"
    session.flush()
    assert drawn_again(session, sitting) == before
    assert replay(sitting.token) == 0
    sitting.paper = [*before, *before]
    session.commit()
    assert replay(sitting.token) == 1
    assert replay("nowhere") == 1


# ——— A key that was wrong ———


@pytest.fixture
def sat(session):
    """A P1 paper with 29 of 40 right: one short of a pass."""
    now = clock.now()
    ensure_keys(now=now)
    programme = programme_at(session, now)
    load_own_banks(session, programme, now=now)
    person = make_person(session)
    make_organisation(session, owner=person)
    exam = queries.exam_by_code(session, "P1")
    terms = terms_of(programme, "P1", exam.blueprint, exam.minutes, exam.pass_marks)
    return person, start_sitting(session, exam, terms, by=person.id, organisation_id=None, now=now)


def answer_all(session, sitting, right):
    """The first `right` questions as keyed, the others wrong; a `one` question among the wrong, and what it got."""
    from certification.exams.actions import save_answer

    places = places_of(sitting)
    questions = queries.questions_with(session, [p.question for p in places])
    wrong = []
    for n, place in enumerate(places, 1):
        question = questions[place.question]
        chosen = (
            question.key
            if n <= right
            else [k for k in range(1, len(question.options) + 1) if k not in question.key][:1]
        )
        save_answer(session, sitting, n, place.shown(chosen), flagged=False, revision=1, now=clock.now())
        if n > right and question.kind == "one":
            wrong.append((question, chosen))
    return wrong


def test_a_corrected_key_lets_pass_who_was_right_after_all(session, sat):
    person, sitting = sat
    (question, chosen), *_ = answer_all(session, sitting, 29)
    hand_in(session, sitting, by=person.id, now=clock.now())
    assert (sitting.score, sitting.passed) == (29, False)
    staff = make_person(session, staff=StaffRole.PROGRAMME_MANAGER)
    done = correct_key(
        session, question, chosen, "第二项才符合现行规则。", keep_passes=True, by=staff.id, now=clock.now()
    )
    assert (done.sittings, done.changed, done.passed, done.failed) == (1, 1, 1, 0)
    assert (sitting.score, sitting.passed) == (30, True)
    (credential,) = session.exec(select(Credential).where(Credential.person_id == person.id))
    assert (credential.code, credential.status) == ("P1", "active")
    assert "sitting marked again" in {h.verb for h in timeline(session, "sitting", sitting.id)}
    with pytest.raises(Refused):
        correct_key(
            session, question, chosen, "again, the same", keep_passes=True, by=staff.id, now=clock.now()
        )


@pytest.mark.parametrize("keep", [True, False])
def test_who_no_longer_passes_keeps_the_pass_unless_it_is_taken_back(session, sat, keep):
    person, sitting = sat
    answer_all(session, sitting, 30)
    hand_in(session, sitting, by=person.id, now=clock.now())
    assert sitting.passed
    place = places_of(sitting)[0]
    question = queries.questions_with(session, [place.question])[place.question]
    other = [k for k in range(1, len(question.options) + 1) if k not in question.key][:1]
    staff = make_person(session, staff=StaffRole.PROGRAMME_MANAGER)
    correct_key(
        session, question, other, "原答案依据的规则已废止。", keep_passes=keep, by=staff.id, now=clock.now()
    )
    assert (sitting.score, sitting.passed) == (29, keep)
    (credential,) = session.exec(select(Credential).where(Credential.person_id == person.id))
    assert credential.status == ("active" if keep else "revoked")


def test_a_voided_part_takes_the_certificate_of_both(session, browse, handed_in):
    person, _, _, answer = handed_in
    lines = [r["points"] for r in session.get_one(Question, answer.question_id).rubric]
    now = clock.now()
    exam = session.exec(select(Exam).where(Exam.code == "P2-PRACTICAL")).one()
    written = Exam(
        code="P2-W",
        bank_id=exam.bank_id,
        title={"zh": "笔试", "en": "Written"},
        blueprint={},
        minutes=1,
        pass_marks=1,
        certificate="P2",
    )
    session.add(written)
    session.flush()
    earlier = Sitting(
        token="w" * 20,
        person_id=person.id,
        exam_id=written.id,
        seed="s",
        paper=[],
        pass_marks=1,
        started_at=now - timedelta(days=9),
        ends_at=now - timedelta(days=9),
        status=SittingStatus.MARKED,
        handed_in_at=now - timedelta(days=9),
        score=1,
        passed=True,
    )
    session.add(earlier)
    session.flush()
    for marker in markers(session, 2):
        mark_it(browse(marker), answer.id, lines)
    (credential,) = session.exec(select(Credential).where(Credential.person_id == person.id))
    assert (credential.code, credential.status) == ("P2", "active")
    staff = make_person(session, staff=StaffRole.PROGRAMME_MANAGER)
    void_sitting(session, earlier, "替考，证据在案卷。", by=staff.id, now=clock.now())
    session.refresh(credential)
    assert credential.status == "revoked"
