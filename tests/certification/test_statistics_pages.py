"""Staff read the figures; strangers do not; what is voided, running or out of the period does not count."""

import csv
import io
import json
import random
from dataclasses import replace
from datetime import timedelta
from math import exp

import pytest
from sqlalchemy import event
from sqlmodel import select

from certification.banks.form import QuestionForm
from certification.banks.models import Question
from certification.exams.actions import (
    hand_in,
    import_bank,
    mark_when_ready,
    places_of,
    save_answer,
    save_exam,
    start_sitting,
    void_sitting,
)
from certification.exams.models import Answer, Sitting
from certification.exams.queries import exam_by_code, questions_with
from certification.exams.rules import SittingStatus, on_scale, terms_of
from certification.marking.models import Mark
from certification.statistics import command
from certification.statistics.queries import all_responses, exam_responses
from certification.statistics.report import drift_of_versions, drift_since, report_of
from certification.statistics.rules import Period
from portal import clock
from portal.accounts.rules import StaffRole
from portal.programme.queries import programme_at
from tests.factories import make_person

ITEMS = 5


def form(n, *, stem="", kind="one", key=(1,)):
    return QuestionForm(
        code=f"S{n}",
        topic="T",
        group=f"G{n}",
        level=1,
        kind=kind,
        stem={"zh": stem or f"题{n}", "en": stem or f"=Question {n}"},
        options=[{"zh": f"项{o}", "en": f"Option {o}"} for o in range(1, 5)],
        key=list(key),
        why={"zh": "", "en": ""},
    )


def in_bank(session, code, **values):
    """Change a row as no import would."""
    question = session.exec(select(Question).where(Question.code == code)).one()
    for name, value in values.items():
        setattr(question, name, value)
    session.flush()


@pytest.fixture
def exam(session):
    import_bank(session, "S", {"zh": "统计", "en": "Stats"}, map(form, range(1, 6)), by=None, now=clock.now())
    return save_exam(
        session,
        "S",
        bank="S",
        title={"zh": "统计", "en": "Stats"},
        blueprint={"T": ITEMS},
        minutes=10,
        pass_marks=3,
        certificate=None,
        by=None,
        now=clock.now(),
    )


def sit(session, exam, right, *, ago=1.0, takes=None):
    """A sitting with `right` of S1, S2, … answered rightly; the others by `takes`, option 2 unless told."""
    at = clock.now() - timedelta(days=ago)
    person = make_person(session)
    terms = terms_of(programme_at(session, at), None, exam.blueprint, exam.minutes, exam.pass_marks)
    sitting = start_sitting(session, exam, terms, by=person.id, organisation_id=None, now=at)
    questions = questions_with(session, [p.question for p in places_of(sitting)])
    for n, place in enumerate(places_of(sitting), 1):
        code = questions[place.question].code
        option = 1 if int(code[1:]) <= right else (takes or {}).get(code, 2)
        if option:
            save_answer(session, sitting, n, place.shown([option]), flagged=False, revision=1, now=at)
    hand_in(session, sitting, by=person.id, now=at)
    return sitting


def many(session, exam, times=6):
    """Thirty-six sittings, each score equally often: the five items make a perfect ladder."""
    for _ in range(times):
        for right in range(ITEMS + 1):
            sit(session, exam, right)
    session.commit()


@pytest.fixture
def reader(session, browse):
    return browse(make_person(session, "Reader", staff=StaffRole.PROGRAMME_MANAGER))


def facts(page):
    return {
        " ".join(d.findtext("dt").split()): " ".join(d.find("dd").text_content().split())
        for d in page.tree.xpath("//dl[@class='facts']/div")
    }


# ——— Pages ———


def test_the_list_and_the_page_of_an_exam(session, exam, reader):
    many(session, exam)
    page = reader.get("/staff/exams")
    rows = {
        row.findtext(".//th/a"): [" ".join(td.text_content().split()) for td in row.findall("td")]
        for row in page.tree.xpath("//tbody/tr")
    }
    assert rows == {"Stats": ["36", "2.5 of 5", "0.83", "0.71", "50%", "5 items"]}
    page = reader.get("/staff/exams/S/statistics")
    shown = facts(page)
    assert [shown[name] for name in ("Sittings counted", "Items a paper", "Mean", "Median", "Passed")] == [
        "36",
        "5",
        "2.50 of 5",
        "2.50",
        "50%",
    ]
    # V(T) = 36·Σ(x − 2.5)²/6/35 = 3, Σp(1 − p)·36/35 = 35/36·36/35 = 1
    assert shown["Alpha (KR-20)"] == "0.833"
    assert shown["Pass mark, points"] == "3.0"
    assert shown["SEM at the pass mark (Lord)"] == "1.22"
    table = page.tree.xpath("//section[@aria-labelledby='items']//tbody/tr")
    assert [row.findtext(".//th/a") for row in table] == ["S5", "S1", "S2", "S3", "S4"]
    assert [td.text for td in table[1].findall("td")[1:4]] == ["36", "0.83", "0.38"]
    assert "Not fitted: the model needs about 300 responses" in page.text


def test_the_page_of_an_item(session, exam, reader):
    many(session, exam)
    question = session.exec(select(Question).where(Question.code == "S5")).one()
    page = reader.get(f"/staff/exams/S/items/{question.id}")
    assert page.tree.findtext(".//h1") == "S5"
    assert facts(page)["Facility (p)"] == "0.167"
    assert [" ".join(li.text_content().split()) for li in page.tree.xpath("//ul[@class='ticked']/li")] == [
        "Very hard: facility is 0.167, under 0.25. Check the key, then whether it is taught.",
        "Chosen by fewer than 5 in a hundred: C (0%), D (0%). What nobody takes distracts nobody.",
    ]
    options = page.tree.xpath("//section[@aria-labelledby='options']//tbody/tr")
    assert [" ".join(row[0].text_content().split()) for row in options] == [
        "A Option 1 right",
        "B Option 2",
        "C Option 3",
        "D Option 4",
        "No answer",
    ]
    assert [row[2].text for row in options] == ["16.7%", "83.3%", "0%", "0%", "0%"]
    assert len(page.tree.xpath("//svg//polyline")) == 4
    assert len(page.tree.xpath("//svg[@role='img'][@aria-label]")) == 1


def test_only_marked_sittings_of_the_period_count(session, exam, reader):
    old = sit(session, exam, 5, ago=40)
    void = sit(session, exam, 5)
    void_sitting(session, void, "somebody else sat it", by=make_person(session).id, now=clock.now())
    person = make_person(session)
    terms = terms_of(programme_at(session, clock.now()), None, exam.blueprint, 10, 3)
    start_sitting(session, exam, terms, by=person.id, organisation_id=None, now=clock.now())
    recent = sit(session, exam, 1)
    session.commit()

    def counted(period=None):
        return [paper.id for paper in exam_responses(session, "S", period).responses.papers]

    day = clock.today(clock.now() - timedelta(days=10))
    assert counted() == [old.id, recent.id]
    assert counted(Period(since=day)) == [recent.id]
    assert counted(Period(until=day)) == [old.id]
    assert counted(Period(day, day)) == []
    assert facts(reader.get(f"/staff/exams/S/statistics?since={day}"))["Sittings counted"] == "1"
    empty = reader.get(f"/staff/exams/S/statistics?since={day}&until={day}")
    assert "No marked sittings in this period" in empty.text
    wrong = reader.get("/staff/exams/S/statistics?since=soon")
    assert (wrong.value("since"), facts(wrong)["Sittings counted"]) == ("soon", "2")
    assert wrong.tree.xpath("//p[@id='e-since']")[0].text_content() == (
        "Please write a date, such as 2026-11-30."
    )


def test_strangers_candidates_and_other_staff(session, exam, browse):
    many(session, exam, times=1)
    question = session.exec(select(Question).where(Question.code == "S1")).one()
    paths = [
        "/staff/exams",
        "/staff/exams/S/statistics",
        "/staff/exams/S/drift",
        "/staff/exams/S/items.csv",
        f"/staff/exams/S/items/{question.id}",
    ]
    candidate = session.get_one(Sitting, session.exec(select(Sitting.id)).first()).person_id
    from portal.accounts.models import Person

    for path in paths:
        assert browse().get(path, follow=False).status == 303
        assert browse(session.get_one(Person, candidate)).get(path).status == 404
        assert browse(make_person(session, staff=StaffRole.PARTNER_MANAGER)).get(path).status == 403
        assert browse(make_person(session, staff=StaffRole.REVIEWER)).get(path).status == 200
    reader = browse(make_person(session, staff=StaffRole.REVIEWER))
    for path in (
        "/staff/exams/none/statistics",
        "/staff/exams/S/items/999999",
        "/staff/exams/none/items.csv",
    ):
        assert reader.get(path).status == 404


def test_every_page_asks_the_same_however_much_there_is(session, exam, reader):
    def count(path):
        seen = []

        def listen(*arguments):
            seen.append(arguments[2])

        event.listen(session.bind, "before_cursor_execute", listen)
        assert reader.get(path).status == 200
        event.remove(session.bind, "before_cursor_execute", listen)
        return len(seen)

    sit(session, exam, 2)
    session.commit()
    paths = ("/staff/exams", "/staff/exams/S/statistics", "/staff/exams/S/drift")
    before = [count(path) for path in paths]
    for code in ("S-2", "S-3"):
        save_exam(
            session,
            code,
            bank="S",
            title={"zh": code, "en": code},
            blueprint={"T": 3},
            minutes=5,
            pass_marks=1,
            certificate=None,
            by=None,
            now=clock.now(),
        )
        sit(session, exam_by_code(session, code), 1)
    many(session, exam, times=1)
    assert [count(path) for path in paths] == before
    assert sorted(load.exam.code for load in all_responses(session)) == ["S", "S-2", "S-3"]


def test_the_download(session, exam, reader):
    many(session, exam)
    response = reader.client.get("/staff/exams/S/items.csv")
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == 'attachment; filename="S-items.csv"'
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    by_code = {row["code"]: row for row in rows}
    assert sorted(by_code) == ["S1", "S2", "S3", "S4", "S5"]
    assert [
        by_code["S1"][name] for name in ("n", "p", "pilot", "guess", "share_A", "share_none", "flags")
    ] == [
        "36",
        "0.833333",
        "0",
        "0.25",
        "0.833333",
        "0",
        "rare",
    ]


def test_the_command_says_the_same(session, exam, capsys):
    many(session, exam)
    assert command.stats("S", as_json=True) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["exam"], data["test"]["n"], round(data["test"]["alpha"], 4)) == ("S", 36, 0.8333)
    hard = next(item for item in data["items"] if item["code"] == "S5")
    assert [flag["code"] for flag in hard["flags"]] == ["hard", "rare"]
    assert command.stats("S") == 0
    assert capsys.readouterr().out.startswith("S: 36 sittings, 5 items, 5 points\nmean 2.500  median 2.500")
    assert command.stats("none") == 1
    assert command.stats("S", since="soon") == 1
    assert command.stats("S", until="2020-01-01") == 0
    assert "S: 0 sittings" in capsys.readouterr().out


def crowd(session, exam, n):
    """So many marked sittings at once: five items of slope 1 and difficulties from −1 to 1."""
    draw, person, at = random.Random(4), make_person(session), clock.now()
    questions = session.exec(
        select(Question).where(Question.bank_id == exam.bank_id).order_by(Question.code)
    ).all()
    sittings, answers = [], []
    for i in range(10_001, 10_001 + n):
        ability = draw.gauss(0, 1)
        sittings.append(
            Sitting(
                id=i,
                token=f"crowd-{i}",
                person_id=person.id,
                exam_id=exam.id,
                seed="",
                paper=[{"question": q.id, "options": [1, 2, 3, 4]} for q in questions],
                points=5,
                pass_marks=3,
                started_at=at,
                ends_at=at,
                status=SittingStatus.MARKED,
                score=0,
                passed=True,
            )
        )
        for nth, q in enumerate(questions):
            right = draw.random() < 1 / (1 + exp(nth / 2 - 1 - ability))
            chosen = [1 if right else draw.choice((2, 3, 4))]
            answers.append(Answer(sitting_id=i, question_id=q.id, chosen=chosen, revision=1, saved_at=at))
    session.add_all(sittings)
    session.flush()
    session.add_all(answers)
    session.commit()


def test_the_model_is_shown_from_300_responses_on(session, exam, reader):
    crowd(session, exam, 320)
    page = reader.get("/staff/exams/S/statistics")
    assert "Fitted to 5 items and 320 candidates, ability N(0, 1)" in page.text
    model = page.tree.xpath("//section[@aria-labelledby='model']")[0]
    assert [th.text for th in model.xpath(".//tbody/tr/th")] == ["-2", "-1", "0", "+1", "+2"]
    assert len(model.xpath(".//svg//polyline")) == 1
    rows = {
        row["code"]: row
        for row in csv.DictReader(
            io.StringIO(reader.client.get("/staff/exams/S/items.csv").content.decode("utf-8-sig"))
        )
    }
    difficulty = [float(rows[f"S{n}"]["b"]) for n in range(1, 6)]
    assert difficulty == sorted(difficulty)
    assert {row["model"] for row in rows.values()} == {"fitted"}
    item = reader.get(f"/staff/exams/S/items/{rows['S3']['question']}")
    curve = item.tree.xpath("//section[@aria-labelledby='curve']//svg")[0]
    assert (len(curve.xpath(".//polyline")), len(curve.xpath(".//circle"))) == (1, 10)
    assert facts(item)["Difficulty b (SE)"] == f"{difficulty[2]:.2f} ({float(rows['S3']['se_b']):.2f})"
    assert command.stats("S") == 0


# ——— Pilot items, versions, drift ———


def test_a_pilot_item_is_measured_and_counts_for_nobody(session, exam, reader):
    many(session, exam)
    pilot = session.exec(select(Question).where(Question.code == "S5")).one()
    for sitting in session.exec(select(Sitting).where(Sitting.exam_id == exam.id)):
        sitting.paper = [{**p, "pilot": True} if p["question"] == pilot.id else p for p in sitting.paper]
    session.commit()
    report = report_of(exam_responses(session, "S").responses)
    assert (report.test.items, report.test.top, report.test.mean, report.pilots) == (
        4,
        4,
        pytest.approx(14 / 6),
        1,
    )
    line = report.line(pilot.id)
    assert (line.column.pilot, line.figures.n, line.figures.p) == (True, 36, pytest.approx(1 / 6))
    assert line.figures.r_rest == pytest.approx(0.5)
    page = reader.get("/staff/exams/S/statistics")
    marked = page.tree.xpath("//th[span[contains(., 'pilot, not scored')]]/a")
    assert [a.text for a in marked] == ["S5"]


def test_every_kind_of_question_is_measured_and_long_answers_by_what_people_gave(
    session, exam, browse, reader
):
    """A numeric, an HTML and a long question; two markers give 6 and 7 of 10, one paper leaves it empty."""
    plain = form(9)
    more = [
        replace(plain, code="N", kind="numeric", options=[], key=[], points=2),
        replace(plain, code="H", stem={"zh": "<b>粗</b>", "en": "<b>Bold</b> word"}),
        replace(
            plain,
            code="L",
            kind="long",
            options=[],
            key=[],
            rubric=[{"zh": "全", "en": "All", "points": 10}],
            points=10,
        ),
    ]
    import_bank(session, "M", {"zh": "混", "en": "Mixed"}, more, by=None, now=clock.now())
    mixed = save_exam(
        session,
        "M",
        bank="M",
        title={"zh": "混", "en": "Mixed"},
        blueprint={"T": 3},
        minutes=10,
        pass_marks=1,
        certificate=None,
        by=None,
        now=clock.now(),
    )
    in_bank(session, "N", accept=[{"low": 2, "high": 3}], points=2)
    in_bank(session, "H", markup="html")
    markers = [make_person(session, name, staff=StaffRole.REVIEWER) for name in ("One", "Two")]
    for typed in ("2.5", "7"):
        person, at = make_person(session), clock.now()
        terms = terms_of(programme_at(session, at), None, mixed.blueprint, 10, 1)
        sitting = start_sitting(session, mixed, terms, by=person.id, organisation_id=None, now=at)
        questions = questions_with(session, [p.question for p in places_of(sitting)])
        for n, place in enumerate(places_of(sitting), 1):
            code = questions[place.question].code
            shown, text = (place.shown([1]), "") if code == "H" else ([], typed)
            if code != "L" or typed == "2.5":
                save_answer(session, sitting, n, shown, text, flagged=False, revision=1, now=at)
        hand_in(session, sitting, by=person.id, now=at)
    answer_id = session.exec(
        select(Answer.id)
        .join(Question, Answer.question_id == Question.id)
        .where(Question.code == "L", Answer.text == "2.5")
    ).one()
    session.commit()
    waiting = [paper.id for paper in exam_responses(session, "M").responses.papers]
    assert len(waiting) == 1  # the other waits for its markers
    for marker, points in zip(markers, ("6", "7"), strict=True):
        session.add(
            Mark(
                answer_id=answer_id,
                marked_by=marker.id,
                points=[int(points)],
                note="",
                marked_at=clock.now(),
            )
        )
    session.flush()
    marked = session.get_one(Sitting, session.get_one(Answer, answer_id).sitting_id)
    assert mark_when_ready(session, marked, now=clock.now())
    session.commit()
    report = report_of(exam_responses(session, "M").responses)
    by_code = {line.column.question.code: line for line in report.items}
    assert (report.test.top, report.test.n) == (13, 2)
    assert {code: (line.figures.n, line.figures.p) for code, line in by_code.items()} == {
        "N": (2, 0.5),
        "H": (2, 1.0),
        "L": (2, 0.35),  # 7 of 10, rounded up, and nothing
    }
    assert (by_code["N"].options, by_code["L"].options, len(by_code["H"].options)) == ((), (), 5)
    page = reader.get(f"/staff/exams/M/items/{by_code['H'].column.question.id}")
    assert page.tree.xpath("//p[@class='lead']")[0].text == "Bold word"
    for code in "NL":
        assert reader.get(f"/staff/exams/M/items/{by_code[code].column.question.id}").status == 200


def test_a_new_wording_stands_beside_the_old(session, exam, reader):
    many(session, exam)
    import_bank(
        session, "S", {"zh": "统计", "en": "Stats"}, [form(1, stem="S1 anew")], by=None, now=clock.now()
    )
    for _ in range(36):
        sit(session, exam, 0, ago=0.1)
    session.commit()
    lines = drift_of_versions(exam_responses(session, "S").responses)
    assert [(line.later.question.code, line.drift.before.n, line.drift.after.n) for line in lines] == [
        ("S1", 36, 36)
    ]
    assert lines[0].drift.change == pytest.approx(-5 / 6)
    page = reader.get("/staff/exams/S/drift")
    section = page.tree.xpath("//section[@aria-labelledby='versions']")[0]
    assert "Facility moved by -0.83" in section.text_content()


def test_drift_around_a_day(session, exam, reader):
    for ago in (20.0, 2.0):
        for _ in range(6):
            for right in range(ITEMS + 1):
                sit(session, exam, right if ago > 10 else max(right, 1), ago=ago)
    session.commit()
    load = exam_responses(session, "S")
    lines = drift_since(load.responses, clock.now() - timedelta(days=10))
    first = next(line for line in lines if line.later.question.code == "S1")
    assert (first.drift.before.p, first.drift.after.p) == (pytest.approx(5 / 6), 1)
    assert first.drift.matched is None  # too few for it
    day = clock.today(clock.now() - timedelta(days=10))
    page = reader.get(f"/staff/exams/S/drift?on={day}")
    assert "36 sittings before, 36 from that day on" in page.text
    same = reader.get("/staff/exams/S/drift")  # the middle is found
    assert "36 sittings before, 36 from that day on" in same.text
    assert "Nothing to compare" in reader.get("/staff/exams/S/drift?on=2030-01-01").text
    assert reader.get("/staff/exams/S/drift?on=never").tree.xpath("//p[@id='e-on']")


def test_pages_without_a_sitting(exam, session, reader):
    session.commit()
    for path in (
        "/staff/exams",
        "/staff/exams/S/statistics",
        "/staff/exams/S/drift",
        "/staff/exams/S/items.csv",
    ):
        assert reader.get(path).status == 200


# ——— Scaled scores ———


def test_the_scaled_score_stands_beside_the_raw_one(session, exam, browse, reader):
    sitting = sit(session, exam, 4)
    session.commit()
    from portal.accounts.models import Person

    page = browse(session.get_one(Person, sitting.person_id)).get(f"/my/sittings/{sitting.token}")
    assert "On the scale from 100 to 500, where 300 passes: 400." in page.text
    assert "4 scaled 400" in reader.get("/staff/sittings").text


def test_the_scale_has_two_straight_pieces():
    assert [on_scale(x, 30, 40) for x in (0, 15, 29, 30, 35, 40)] == [100, 200, 293, 300, 400, 500]
    assert (on_scale(0, 0, 40), on_scale(40, 0, 40)) == (300, 500)
    assert (on_scale(40, 40, 40), on_scale(39, 40, 40)) == (300, 295)
    assert (on_scale(0, 5, 0), on_scale(-3, 30, 40), on_scale(99, 30, 40)) == (300, 100, 500)
    for cut in range(1, 60):
        values = [on_scale(x, cut, 60) for x in range(61)]
        assert values == sorted(values)
        assert [v >= 300 for v in values] == [x >= cut for x in range(61)]
