"""A file from its signal to its end: nothing changes before two people and the candidate's word."""

from datetime import timedelta

import pytest
from sqlmodel import select

from certification.exams.actions import save_answer
from certification.exams.models import Answer, Sitting
from certification.exams.rules import SittingStatus
from certification.integrity import jobs
from certification.integrity.actions import open_files
from certification.integrity.models import IntegrityFile, SittingAway
from certification.integrity.pages import clocks, desk_lines
from certification.integrity.rules import Kind
from certification.integrity.signals import Signal
from portal import clock
from portal.accounts.rules import StaffRole
from portal.history.queries import timeline
from portal.ledger.queries import certificates_held
from portal.mail.models import Mail
from tests.certification.test_voiding import earned
from tests.factories import employ, make_organisation, make_person, viewer_for

FAST = {"fast": 20, "of": 40, "right": 20, "expected": 5.0, "p": 1e-12, "looked_at": 400}
WHY = "Answers came before the question could be read"


@pytest.fixture
def passed(session):
    """A person who earned P1, and a second sitting with the same answers."""
    return earned(session)


@pytest.fixture
def managers(browse, session):
    return [browse(make_person(session, name, staff=StaffRole.PROGRAMME_MANAGER)) for name in ("Mo", "Na")]


def opened(session, sitting, kind=Kind.SPEED, figures=FAST):
    (file,) = open_files(session, [Signal(kind, sitting.id, figures)], now=clock.now())
    session.commit()
    return file


def later(session, file, days):
    file.answer_until -= timedelta(days=days)
    session.add(file)
    session.commit()


def test_a_signal_alone_changes_nothing_and_opens_one_file(session, passed, browse):
    person, sitting = passed
    before = sitting.model_dump(), certificates_held(session, person.id, clock.now())
    own_page = browse(person).get(f"/my/sittings/{sitting.token}").text
    mails = len(session.exec(select(Mail)).all())
    for kind, figures in ((Kind.SPEED, FAST), (Kind.CANARY, FAST), (Kind.EXPOSURE, FAST | {"codes": []})):
        opened(session, sitting, kind, figures)
    assert open_files(session, [Signal(Kind.SPEED, sitting.id, FAST)], now=clock.now()) == []
    session.refresh(sitting)
    assert (sitting.model_dump(), certificates_held(session, person.id, clock.now())) == before
    assert len(session.exec(select(Mail)).all()) == mails
    assert browse(person).get(f"/my/sittings/{sitting.token}").text == own_page
    assert browse(person).get(f"/my/sittings/{sitting.token}/statement").status == 404


def test_a_void_takes_a_proposal_the_candidates_word_and_a_second_person(session, passed, managers, browse):
    person, sitting = passed
    file = opened(session, sitting)
    one, two = managers
    path = f"/staff/integrity/{file.id}"
    assert "20 of 40 answers came in less than a tenth of the time" in one.get(path).text
    bad = one.post(f"{path}/propose", {"reason": "no"})
    assert (bad.status, bad.errors) == (422, ["Please write at least 10 characters."])
    assert two.post(f"{path}/void", {"reason": WHY}).status == 409  # nothing is proposed
    said = "Proposed. The candidate has been asked for their word; a colleague decides."
    assert one.post(f"{path}/propose", {"reason": WHY}).said == said
    assert one.post(f"{path}/propose", {"reason": WHY}).status == 409
    mail = session.exec(select(Mail).order_by(Mail.id.desc())).first()
    assert (mail.to_address, f"/my/sittings/{sitting.token}/statement" in mail.text) == (person.email, True)
    waiting = clocks(session, viewer_for(session, person), clock.now())
    assert [(c.until, c.path) for c in waiting] == [
        (file.answer_until, f"/my/sittings/{sitting.token}/statement")
    ]
    for manager in (one, two):  # the proposer, and a second one before the word is in
        assert manager.post(f"{path}/void", {"reason": WHY}).status == 409
    assert sitting.status is SittingStatus.MARKED
    own = browse(person)
    mine = f"/my/sittings/{sitting.token}/statement"
    page = own.get(mine)
    assert ("20 of these were right" in page.text, WHY in page.text) == (True, False)
    assert own.post(mine, {"statement": "x"}).status == 422
    assert browse(make_person(session)).post(mine, {"statement": "Not mine at all"}).status == 404
    word = "I had learnt the lessons by heart."
    assert own.post(mine, {"statement": word}).said == (
        "Your word is with the file. Two people decide; you are told."
    )
    assert own.post(mine, {"statement": "Another word"}).status == 409
    assert word in two.get(path).text
    assert one.post(f"{path}/void", {"reason": WHY}).status == 409  # whoever proposed
    assert sitting.status is SittingStatus.MARKED
    assert two.post(f"{path}/void", {"reason": WHY}).said == "Voided; the reason is in the record."
    session.refresh(sitting)
    assert (sitting.status, certificates_held(session, person.id, clock.now())) == (SittingStatus.VOIDED, {})
    assert two.post(f"{path}/void", {"reason": WHY}).status == 409
    assert WHY in own.get(mine).text
    assert [e.verb for e in timeline(session, "integrity", file.id)] == [
        "void confirmed",
        "candidate heard",
        "void proposed",
        "integrity file opened",
    ]


def test_silence_is_waited_for_and_then_decided_without(session, passed, managers):
    _, sitting = passed
    file = opened(session, sitting)
    one, two = managers
    one.post(f"/staff/integrity/{file.id}/propose", {"reason": WHY})
    later(session, file, 9)
    assert two.post(f"/staff/integrity/{file.id}/void", {"reason": WHY}).status == 409
    later(session, file, 1)
    assert two.post(f"/staff/integrity/{file.id}/void", {"reason": WHY}).status == 200
    session.refresh(sitting)
    assert sitting.status is SittingStatus.VOIDED


def test_clearing_leaves_everything_and_tells_only_who_was_asked(session, passed, managers):
    person, sitting = passed
    mails = len(session.exec(select(Mail)).all())
    quiet = opened(session, sitting)
    asked = opened(session, sitting, Kind.CANARY)
    one, two = managers
    assert desk_lines(session, viewer_for(session, make_person(session)), clock.now()) == []
    one.post(f"/staff/integrity/{quiet.id}/clear", {"reason": WHY})
    assert len(session.exec(select(Mail)).all()) == mails
    one.post(f"/staff/integrity/{asked.id}/propose", {"reason": WHY})
    one.post(f"/staff/integrity/{asked.id}/clear", {"reason": WHY})
    assert [m.to_address for m in session.exec(select(Mail).order_by(Mail.id))][mails:] == [person.email] * 2
    session.refresh(sitting)
    assert (sitting.status, sitting.passed) == (SittingStatus.MARKED, True)
    assert two.post(f"/staff/integrity/{quiet.id}/propose", {"reason": WHY}).status == 409
    page = two.get("/staff/integrity")
    assert ("No file waits" in page.text, page.text.count("cleared")) == (True, 2)


def test_names_are_shown_once_somebody_asks_and_that_is_recorded(session, passed, managers):
    person, sitting = passed
    _, other = earned(session)
    pair = {"sitting": other.id, "shared": 40, "identical": 40, "expected": 20.0, "wrong": 9}
    pair |= {"expected_wrong": 1.5, "p": 1e-13}
    figures = {"partners": [pair], "looked_at": 20_000}
    file = opened(session, sitting, Kind.SIMILARITY, figures)
    one, two = managers
    path = f"/staff/integrity/{file.id}"
    assert person.name not in one.get(path).text
    assert "Of 40 questions in common, 40 have the same answer" in one.get(path).text
    one.post(f"{path}/names")
    one.post(f"{path}/names")
    assert one.get(path).text.count(person.name) == 2  # both candidates are called alike
    assert person.name not in two.get(path).text
    assert [e.verb for e in timeline(session, "integrity", file.id)].count("names shown") == 1


def test_nobody_reads_the_file_of_their_own_or_a_colleagues_sitting(session, passed, browse):
    _, sitting = passed
    file = opened(session, sitting)
    colleague = make_person(session, "Colleague", staff=StaffRole.PROGRAMME_MANAGER)
    organisation = make_organisation(session)
    employ(session, organisation, colleague)
    sitting.organisation_id = organisation.id
    session.add(sitting)
    session.commit()
    page = browse(colleague)
    assert page.get(f"/staff/integrity/{file.id}").status == 404
    assert page.post(f"/staff/integrity/{file.id}/clear", {"reason": WHY}).status == 404
    assert f"/staff/integrity/{file.id}" not in page.get("/staff/integrity").links()
    reviewer = browse(make_person(session, "Reviewer", staff=StaffRole.REVIEWER))
    assert reviewer.get(f"/staff/integrity/{file.id}").status == 403


def test_a_running_paper_reports_that_it_was_left(session, passed, browse):
    person, sitting = passed
    path = f"/my/sittings/{sitting.token}/away"

    def report(client, sent):
        page.client.get("/my/exams")
        token = client.client.cookies["csrf"]
        return client.client.post(path, json=sent, headers={"x-csrftoken": token}).status_code

    page = browse(person)
    assert report(page, {"times": 1, "seconds": 5}) == 409  # handed in
    sitting.status, sitting.started_at = SittingStatus.OPEN, clock.now() - timedelta(seconds=100)
    session.commit()
    assert [report(page, {"times": 2, "seconds": s}) for s in (30, 40, 86_400)] == [200] * 3
    assert [report(page, sent) for sent in ({}, {"times": "x"}, {"times": 0, "seconds": 1})] == [422] * 3
    session.expire_all()
    row = session.get(SittingAway, sitting.id)
    assert (row.times, 100 <= row.seconds <= 110) == (6, True)
    assert session.exec(select(IntegrityFile)).all() == []


def test_an_answer_keeps_when_it_was_first_given_and_how_often_changed(session, passed):
    _, sitting = passed
    sitting.status, sitting.ends_at = SittingStatus.OPEN, clock.now() + timedelta(hours=1)
    answer = session.exec(select(Answer).where(Answer.sitting_id == sitting.id)).first()
    n = next(n for n, place in enumerate(sitting.paper, 1) if place["question"] == answer.question_id)
    first, now = answer.first_at, clock.now()
    save_answer(session, sitting, n, [1], flagged=False, revision=2, now=now)
    save_answer(session, sitting, n, [2], flagged=False, revision=3, now=now)
    save_answer(session, sitting, n, [2], flagged=True, revision=4, now=now)
    assert (answer.first_at, answer.changes in (1, 2)) == (first, True)


def test_the_sweep_looks_at_what_was_marked(session, passed):
    """Two sittings are too few for any signal; they are read without a file."""
    jobs._looked.clear()
    jobs._last.clear()
    session.commit()
    jobs.sweep_integrity()
    session.expire_all()
    (sitting,) = session.exec(select(Sitting)).all()
    assert jobs._looked == {sitting.exam_id: (1, sitting.id)}
    assert session.exec(select(IntegrityFile)).all() == []
