"""Parallel forms: the solver's promises, and how forms are given out."""

import os
from collections import Counter
from datetime import timedelta

import numpy as np
import pytest
from sqlmodel import select

from bench.forms import PLAN, bank
from certification.banks.models import Question
from certification.banks.rules import QuestionStatus
from certification.exams import queries
from certification.exams.actions import drawn_again, load_own_banks, save_exam, start_sitting
from certification.exams.models import Exam, Sitting
from certification.exams.rules import NO_FORM, terms_of
from certification.papers.assembly import CannotAssemble, Known, assemble
from certification.papers.jobs import make_forms, sweep_forms
from certification.papers.models import PaperForm
from certification.papers.rules import FORM_MOVES, FormStatus, Item, cells, next_form
from portal import clock
from portal.accounts.rules import StaffRole
from portal.programme.queries import programme_at
from portal.refusal import Refused
from tests.factories import make_person

SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"


def keeps_its_promises(made, items, plan, forms):
    by_id = {item.id: item for item in items}
    assert len(made.forms) == forms
    assert max(Counter(q for form in made.forms for q in form).values()) == 1
    for form in made.forms:
        assert not any(by_id[one].enemies & set(form) for one in form)
        for (topic, level), count in cells(plan).items():
            fitting = [q for q in form if by_id[q].topic == topic and level in (None, by_id[q].level)]
            assert len(fitting) == count


@pytest.mark.parametrize(("count", "plan", "seconds"), [(90, {"A": {"1": 3, "2": 2}, "B": 3, "C": 4}, 1.0)])
def test_forms_are_disjoint_within_the_plan_and_alike(count, plan, seconds):
    items, known = bank(count)
    made = assemble(items, known, plan, 3, seconds=seconds)
    keeps_its_promises(made, items, plan, 3)
    thetas = np.array(made.thetas)
    for form, values in zip(made.forms, made.information, strict=True):
        summed = sum(known[q].information(thetas) for q in form)
        assert np.allclose(summed, values)
    away = max(abs(v - t) for values in made.information for v, t in zip(values, made.target, strict=True))
    assert away == pytest.approx(made.deviation)
    assert made.deviation < 0.05
    assert (made.basis, made.spread) == (
        {"model": count * len({*"ABC"}) // 3, "facility": 0, "level": 0},
        0.0,
    )


def test_three_forms_of_forty_out_of_three_hundred():
    """Twenty seconds in the long run; three here, which come less near."""
    items, known = bank()
    made = assemble(items, known, PLAN, 3, seconds=20 if SOAK else 3)
    keeps_its_promises(made, items, PLAN, 3)
    assert made.deviation < (0.05 if SOAK else 0.2)


def test_items_without_estimates_are_spread_by_facility_and_level():
    draw = np.random.default_rng(3)
    items = [Item(n, "A", "g", 4, level=1 + n % 3) for n in range(1, 61)]
    known = {n: Known(p=float(draw.uniform(0.2, 0.95))) for n in range(1, 41)}
    made = assemble(items, known, {"A": 10}, 3, seconds=1.0)
    keeps_its_promises(made, items, {"A": 10}, 3)
    assert made.basis == {"model": 0, "facility": 40, "level": 20}
    assert (made.deviation, set(made.target)) == (0.0, {0.0})
    sums = [sum(known[q].p for q in form if q in known) for form in made.forms]
    assert max(sums) - min(sums) <= 2 * made.spread + 1e-9
    assert made.spread == pytest.approx(1 / 3)  # ten of sixty have a level of 6⅔ in all, and levels are whole


def test_what_can_not_be_made_says_why():
    pairs = [Item(n, "A", "g", 4, enemies=frozenset({m for m in range(1, 7) if m != n})) for n in range(1, 7)]
    for items, forms, reason in ((pairs[:3], 2, "few"), (pairs, 2, "none")):
        with pytest.raises(CannotAssemble) as refused:
            assemble(items, {}, {"A": 2}, forms, seconds=1.0)
        assert refused.value.reason == reason


def test_the_form_sat_least_comes_next_and_the_seed_decides_between_equals():
    assert {next_form({1: 3, 2: 1, 3: 2}, f"s{n}") for n in range(20)} == {2}
    assert Counter(next_form({1: 0, 2: 0}, f"s{n}") for n in range(200))[1] in range(70, 131)
    assert next_form({5: 0, 4: 0}, "x") == next_form({4: 0, 5: 0}, "x")


def test_a_form_made_is_moved_by_people_only():
    assert {state for state, _ in FORM_MOVES} == set(FormStatus) - {FormStatus.RETIRED}
    assert {to for (_, move), to in FORM_MOVES.items() if move == "use"} == {FormStatus.IN_USE}


# ——— Given out ———


@pytest.fixture
def exam(session) -> Exam:
    now = clock.now()
    load_own_banks(session, programme_at(session, now), now=now)
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
def manager(browse, session):
    return browse(make_person(session, "Manager", staff=StaffRole.PROGRAMME_MANAGER))


def forms_of(session):
    session.expire_all()
    return session.exec(select(PaperForm).order_by(PaperForm.number)).all()


def made(manager, session, forms=2):
    page = manager.post("/staff/exams/OPEN/forms", {"forms": str(forms), "seconds": "1"})
    assert page.said == "Asked for. Load this page again in a moment."
    make_forms.fn(forms_of(session)[-forms].id)
    return forms_of(session)[-forms:]


def begin(session, exam, person):
    now = clock.now()
    terms = terms_of(programme_at(session, now), None, exam.blueprint, exam.minutes, exam.pass_marks)
    sitting = start_sitting(session, exam, terms, by=person.id, organisation_id=None, now=now)
    sitting.status = "voided"
    session.flush()
    return sitting


def test_forms_from_asking_to_giving_out_in_turn(manager, session, exam, browse):
    bad = manager.post("/staff/exams/OPEN/forms", {"forms": "7", "seconds": "x"})
    assert (bad.status, bad.errors) == (
        422,
        ["This must be at most 6.", "Please write a whole number, in digits."],
    )
    one, two = made(manager, session)
    assert [f.status for f in (one, two)] == [FormStatus.DRAFT] * 2
    assert (len(one.question_ids), set(one.question_ids) & set(two.question_ids)) == (5, set())
    make_forms.fn(one.id)  # again: nothing waits
    path = "/staff/exams/OPEN/forms"
    for form in (one, two):
        assert (
            manager.post(f"{path}/{form.id}/use").said == "In use. It is given out in turn with the others."
        )
    assert manager.post(f"{path}/{one.id}/use").status == 409
    assert manager.post(f"{path}/give", {"uses": "yes"}).said == "Sittings that start from now on get a form."
    exam = session.get(Exam, exam.id)
    people = [make_person(session, f"P{n}") for n in range(4)]
    sat = [begin(session, exam, person) for person in people]
    assert Counter(s.drawn["form"] for s in sat) == {one.id: 2, two.id: 2}
    for sitting in sat:
        asked = {place["question"] for place in sitting.paper}
        assert asked == set(session.get(PaperForm, sitting.drawn["form"]).question_ids)
        assert drawn_again(session, sitting) == sitting.paper
    second = begin(session, exam, people[0])
    assert {second.drawn["form"], sat[0].drawn["form"]} == {one.id, two.id}
    with pytest.raises(Refused) as refused:
        begin(session, exam, people[0])
    assert refused.value.message == NO_FORM
    session.commit()
    page = browse(people[0]).get("/my/exams/OPEN")
    assert NO_FORM in page.text
    assert browse(people[0]).post("/my/exams/OPEN/start").status == 409
    assert len(session.exec(select(Sitting)).all()) == 5


def test_a_retired_question_takes_its_form_out_and_staff_are_told(manager, session, exam):
    one, two = made(manager, session)
    for form in (one, two):
        manager.post(f"/staff/exams/OPEN/forms/{form.id}/use")
    manager.post("/staff/exams/OPEN/forms/give", {"uses": "yes"})
    question = session.get(Question, one.question_ids[0])
    question.status = QuestionStatus.RETIRED
    session.commit()
    exam = session.get(Exam, exam.id)
    assert {begin(session, exam, make_person(session)).drawn["form"] for _ in range(3)} == {two.id}
    session.commit()
    told = f"Not given out: these questions have been retired: {question.code}"
    assert told in manager.get("/staff/exams/OPEN/forms").text
    manager.post(f"/staff/exams/OPEN/forms/{two.id}/retire")
    assert (
        "No form can be given out: nobody can start this exam" in manager.get("/staff/exams/OPEN/forms").text
    )


def test_what_a_crash_left_is_found_again_and_failure_is_said(manager, session, exam):
    manager.post("/staff/exams/OPEN/forms", {"forms": "1", "seconds": "1"})
    (row,) = forms_of(session)
    row.made_at -= timedelta(minutes=6)
    exam.blueprint = {"TRK-01": 400}
    exam.pass_marks = 300
    session.add(exam)
    session.commit()
    sweep_forms()
    (row,) = forms_of(session)
    assert (row.status, row.information) == (FormStatus.FAILED, {"reason": "few"})
    page = manager.get("/staff/exams/OPEN/forms")
    assert "The bank has too few questions in use for so many forms by this plan." in page.text


def test_forms_belong_to_their_exam_and_to_those_who_set_pass_marks(manager, session, exam, browse):
    (form,) = made(manager, session, forms=1)
    assert manager.post(f"/staff/exams/P1/forms/{form.id}/use").status == 404
    reviewer = browse(make_person(session, "Reviewer", staff=StaffRole.REVIEWER))
    assert reviewer.post(f"/staff/exams/OPEN/forms/{form.id}/use").status == 403
    assert browse(make_person(session)).get("/staff/exams/OPEN/forms").status == 404
    assert forms_of(session)[0].status is FormStatus.DRAFT
    assert queries.items_of(session, exam.bank_id)
