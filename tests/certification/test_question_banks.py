"""The project's own bank is complete; files of others are read; what can't be is listed with its place."""

import json
from collections import Counter
from pathlib import Path

import pytest
from sqlmodel import select

from certification.banks import command
from certification.banks.models import Bank, Question
from certification.banks.queries import Change, contents_of, preview
from certification.banks.readers import read_questions
from certification.banks.readers.tables import read_own
from certification.banks.rows import form_of
from certification.exams import queries
from certification.exams.actions import CONTENT, import_bank, load_own_banks, save_exam
from certification.exams.models import Exam
from certification.papers import rules
from portal import clock
from portal.files.reading import UnreadableFileError
from portal.history.models import History
from portal.programme.queries import programme_at
from tests.certification.bank_files import MOODLE
from tests.training.test_lessons import P1, PROGRAMME

POOL = Path(__file__).resolve().parents[2].parent / "shared" / "question-banks"
needs_pool = pytest.mark.skipif(not POOL.exists(), reason="the sample banks are not here")


def read_file(path):
    return read_questions(path.name, path.read_bytes())


def own_files():
    return [read_file(path) for path in sorted((CONTENT / "P1").glob("*.yaml"))]


def test_the_first_bank_is_complete():
    files = own_files()
    assert [f.skipped for f in files] == [[], [], []]
    questions = [q for f in files for q in f.questions]
    assert len(questions) >= 120
    assert len({q.code for q in questions}) == len(questions)
    groups = Counter(q.group for q in questions)
    assert set(groups) == set(P1)
    assert min(groups.values()) >= 6
    assert all(q.group.startswith(f"{q.topic}/") for q in questions)
    assert all(text.strip() for q in questions for part in (q.stem, q.why) for text in part.values())
    assert {q.level for q in questions} <= {1, 2, 3}


def test_keys_of_the_first_bank_do_not_lean_to_one_side():
    keys = Counter(q.key[0] for f in own_files() for q in f.questions if q.kind == "one")
    assert max(keys.values()) <= 1.5 * min(keys.values())


@pytest.mark.parametrize("code", [c["code"] for c in PROGRAMME["personal_certificates"]])
def test_a_bank_fills_two_papers_from_every_module(code):
    certificate = PROGRAMME.certificate(code)
    files = [
        read_questions(path.name, path.read_bytes())
        for path in sorted((CONTENT / code).glob("*.yaml"))
        if path.stem != "practical"
    ]
    questions = [q for f in files for q in f.questions]
    modules = {t: len(PROGRAMME.track(t)["modules"]) for t in certificate["tracks"]}
    blueprint = rules.share_out(modules, certificate["paper"]["questions"])
    topics = Counter(q.topic for q in questions)
    assert [f.skipped for f in files] == [[] for _ in files]
    assert len(questions) >= certificate["paper"]["bank_min_per_exam"]
    assert {t: topics[t] >= 2 * n for t, n in blueprint.items()} == dict.fromkeys(blueprint, True)
    assert {q.group for q in questions} == {f"{t}/{n}" for t, m in modules.items() for n in range(1, m + 1)}
    keys = Counter(q.key[0] for q in questions if q.kind == "one")
    assert max(keys.values()) <= 1.5 * min(keys.values())


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_question_is_asked_twice(language):
    stems = Counter(
        q.stem[language]
        for path in CONTENT.glob("*/*.yaml")
        for q in read_questions(path.name, path.read_bytes()).questions
    )
    assert {stem for stem, n in stems.items() if n > 1} == set()


def test_loading_the_own_banks_again_changes_nothing(session):
    now = clock.now()
    programme = programme_at(session, now)
    load_own_banks(session, programme, now=now)
    first = [session.exec(select(table)).all() for table in (Bank, Question, Exam, History)]
    load_own_banks(session, programme, now=now)
    session.flush()
    assert [len(session.exec(select(table)).all()) for table in (Bank, Question, Exam, History)] == [
        len(rows) for rows in first
    ]
    exam = queries.exam_by_code(session, "P1")
    assert (exam.blueprint, exam.minutes, exam.pass_marks, exam.certificate) == (
        {"TRK-01": 13, "TRK-02": 18, "TRK-11": 9},
        60,
        30,
        "P1",
    )


def question(code="A1", en="Which?", key=(1,), **more):
    return {
        "id": code,
        "topic": "T",
        "group": "T/1",
        "level": 1,
        "kind": "one" if len(key) == 1 else "several",
        "stem": {"zh": "哪个？", "en": en},
        "options": [{"zh": "甲", "en": "a"}, {"zh": "乙", "en": "b"}, {"zh": "丙", "en": "c"}],
        "key": list(key),
        "why": {"zh": "因为", "en": "because"},
    } | more


def read_rows(*rows):
    return read_own(json.dumps(rows, ensure_ascii=False))


def test_a_new_wording_is_a_new_row_and_the_old_one_is_kept(session):
    now = clock.now()

    def load(*rows):
        done = import_bank(
            session, "B", {"zh": "库", "en": "Bank"}, read_rows(*rows).questions, by=None, now=now
        )
        return done.added, done.changed, done.unchanged

    assert load(question("A1"), question("A2", key=(1, 3))) == (2, 0, 0)
    assert load(question("A1", en="Which one?"), question("A2", key=(1, 3))) == (0, 1, 1)
    rows = {
        (q.stem["en"], q.status == "retired")
        for q in session.exec(select(Question).where(Question.code == "A1"))
    }
    assert rows == {("Which?", True), ("Which one?", False)}
    assert load(question("A1")) == (0, 1, 0)  # and back
    rows = {
        (q.stem["en"], q.status == "retired")
        for q in session.exec(select(Question).where(Question.code == "A1"))
    }
    assert rows == {("Which?", False), ("Which one?", True)}
    bank = queries.bank_with(session, "B")
    assert sorted(i.options for i in queries.items_of(session, bank.id)) == [3, 3]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (question(key=(4,)), "Its key is not one of its options."),
        (question(key=(0,)), "Its key is not one of its options."),
        (question(key=()), "Its key is not one of its options."),
        (question(kind="several"), "Its kind does not fit the number of its keys."),
        (question(kind="one", key=(1, 2)), "Its kind does not fit the number of its keys."),
        (question(topic=" "), "It has no topic, or one longer than 40 characters."),
        (question(group="g" * 41), "It has no topic, or one longer than 40 characters."),
        (question(level=0), "Its level is not a number from 1 to 9."),
        (question(points=0), "Its points are not a whole number from 1 to 100."),
        (question(kind="order", key=(2, 1, 3)), "Its key is not one of its options."),
        (question(kind="match", key=(1, 2)), "Not everything on its left has its answer."),
        (question(kind="long", key=(1,)), "Its kind and its answers do not fit."),
        (question(kind="long", options=[], key=(), accept=["x"]), "Its kind and its answers do not fit."),
        (
            question(kind="long", options=[], key=(), rubric=[{"zh": "理由", "en": "Reasons", "points": 2}]),
            "A long answer needs a rubric whose points add up to its own.",
        ),
        (question(kind="numeric", options=[], key=()), "It has no right answer."),
        (
            question(kind="numeric", options=[], key=(), accept=[{"low": 2, "high": 1}]),
            "A range of its answer is not one.",
        ),
        (question(kind="short", options=[], key=(), accept=[" "]), "It has no right answer."),
        (question(tags=["a\nb"]), "A tag or a code is too long for one line."),
        (question(kind="essay"), "A field is missing or not what it should be."),
        (question(stem={"zh": "哪个？"}), "A field is missing or not what it should be."),
        (question(stem={"zh": " ", "en": "Which?"}), "A text is empty."),
        (question(options=[{"zh": "甲", "en": "a"}]), "It needs at least two options."),
        (
            question(options=[{"zh": "甲", "en": "a"}, {"zh": "乙", "en": "a"}]),
            "Two of its options are the same.",
        ),
        (question(code=""), "It has no code, or one longer than 60 characters."),
        (question("A1", en="What?"), "Its code stands in this file already."),
        (question("A1"), "The same question stands in this file already."),
        ("not a question", "A field is missing or not what it should be."),
    ],
)
def test_what_is_unfit_is_listed_with_its_place(row, reason):
    read = read_rows(question("A1"), row, question("A2"))
    assert [q.code for q in read.questions] == ["A1", "A2"]
    assert [(str(s.place), str(s.reason)) for s in read.skipped] == [("question 2", reason)]


def test_all_of_these_stays_in_its_place():
    options = [
        {"zh": "甲", "en": "a"},
        {"zh": "以上都是", "en": "All of the above"},
        {"zh": "乙", "en": "None of these"},
        {"zh": "丙", "en": "All staff"},
    ]
    read = read_rows(question(options=options))
    assert [o.get("fixed", False) for o in read.questions[0].options] == [False, True, True, False]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", b"x"),
        ("a.yaml", b"a: [1"),
        ("a.yaml", b"a: 1"),
        ("a.json", b"{"),
        ("a.json", b"{}"),
        ("a.csv", b"a,b\n1,2\n"),
        ("a.csv", b"\xff\xfe\x00"),
    ],
)
def test_an_unreadable_file(name, content):
    with pytest.raises(UnreadableFileError):
        read_questions(name, content)


SMALL_POOL = """id,correct,question,refs,a,b,c,d,figure,correct_letter
T1A01,2,What is one?,[97.1],w,x,y,All these choices are correct,,C
T1A02,0,What is shown?,,w,x,y,z,t-1.png,A
T1B01,1,What is component 2 in figure T-1?,,w,x,y,z,t-1.png,B
T2A01,1,Letter and number differ?,,w,x,y,z,,C
X,1,No code?,,w,x,y,z,,B
T2A02,3,"Two
lines?",,w,x,y,z,,D
T2A03,4,Key out of range?,,w,x,y,z,,
T2A04,1,Too few,,w
"""


def test_a_pool_as_csv():
    read = read_questions("pool.csv", SMALL_POOL.encode("utf-8-sig"))
    assert [(q.code, q.topic, q.group, q.key) for q in read.questions] == [
        ("T1A01", "T1", "T1A", [3]),
        ("T1A02", "T1", "T1A", [1]),
        ("T1B01", "T1", "T1B", [2]),
        ("T2A02", "T2", "T2A", [4]),
    ]
    assert [q.stem["zh"] for q in read.questions] == [
        "What is one?",
        "What is shown? (figure T-1)",
        "What is component 2 in figure T-1?",
        "Two\nlines?",
    ]
    assert read.questions[0].options[3] == {
        "zh": "All these choices are correct",
        "en": "All these choices are correct",
        "fixed": True,
    }
    assert [str(s.place) for s in read.skipped] == ["line 5", "line 6", "line 9", "line 10"]
    assert (read.exam.blueprint, read.exam.minutes, read.exam.pass_marks) == ({"T1": 2, "T2": 1}, 60, 3)


def test_the_command_counts_and_a_dry_run_keeps_nothing(session, tmp_path, capsys):
    path = tmp_path / "pool.csv"
    path.write_text(SMALL_POOL, encoding="utf-8")
    assert command.import_questions(str(path), "POOL", dry_run=True, as_json=True) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["questions"], said["added"], said["kinds"], [s["place"] for s in said["skipped"]]) == (
        4,
        4,
        {"one": 4},
        ["line 5", "line 6", "line 9", "line 10"],
    )
    assert queries.bank_with(session, "POOL") is None
    assert command.import_questions(str(path), "POOL", as_json=True) == 0
    assert command.import_questions(str(path), "POOL", as_json=True) == 0
    again = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (again["added"], again["unchanged"]) == (0, 4)
    exam = queries.exam_by_code(session, "POOL")
    assert (exam.blueprint, exam.certificate) == ({"T1": 2, "T2": 1}, None)
    path.write_text("id,correct,question,a,b,c,d\n", encoding="utf-8")
    assert command.import_questions(str(path), "POOL", as_json=True) == 1
    assert command.import_questions(str(tmp_path / "none.csv"), "POOL") == 1


def test_what_an_import_would_do(session):
    now = clock.now()
    import_bank(
        session,
        "B",
        {"zh": "库", "en": "B"},
        read_rows(question("A1"), question("A2")).questions,
        by=None,
        now=now,
    )
    seen = preview(
        session, "B", read_rows(question("A1"), question("A2", en="Who?"), question("A3")).questions
    )
    assert [(form.code, change) for form, change in seen.rows] == [
        ("A1", Change.UNCHANGED),
        ("A2", Change.CHANGED),
        ("A3", Change.ADDED),
    ]
    assert (seen.count(Change.ADDED), seen.count(Change.CHANGED)) == (1, 1)
    assert {change for _, change in preview(session, "none", read_rows(question("A1")).questions).rows} == {
        Change.ADDED
    }
    bank = queries.bank_with(session, "B")
    assert [q.code for q in queries.questions_of_bank(session, bank.id)] == ["A1", "A2"]


def test_a_row_gives_its_form_again(session):
    forms = read_questions("bank.xml", MOODLE.encode()).questions
    assert (len(forms), len(forms[0].pictures)) == (8, 1)
    import_bank(session, "B", {"zh": "库", "en": "B"}, forms, by=None, now=clock.now())
    session.expire_all()
    rows = queries.questions_of_bank(session, queries.bank_with(session, "B").id)
    again = [form_of(row, contents_of(session, rows)) for row in rows]
    assert again == forms
    assert [form.content_hash for form in again] == [row.content_hash for row in rows]


@pytest.mark.parametrize("named", ["moodle", "qti", "csv"])
def test_the_own_bank_out_and_in_again_is_unchanged(session, tmp_path, capsys, named):
    load_own_banks(session, programme_at(session, clock.now()), now=clock.now())
    session.commit()
    out = tmp_path / "bank"
    assert command.export_questions("P1", format=named, out=str(out)) == 0
    assert command.import_questions(str(out), "P1", as_json=True, dry_run=True) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (said["unchanged"], said["added"], said["changed"], said["skipped"], said["remarks"]) == (
        sum(len(f.questions) for f in own_files()),
        0,
        0,
        [],
        [],
    )


def test_the_export_of_no_bank(session, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command.export_questions("NONE", format="csv") == 1
    assert list(tmp_path.iterdir()) == []


@needs_pool
@pytest.mark.parametrize("ending", ["csv", "json"])
def test_the_technician_pool(ending):
    name = f"public-domain/ncvec/technician-2026-2030.{ending}"
    expected = json.loads((POOL / "EXPECTED.json").read_text())[name]
    full = json.loads((POOL / "EXPECTED.json").read_text())["public-domain/ncvec/technician-2026-2030.csv"]
    read = read_file(POOL / name)
    questions = read.questions
    assert (len(questions), read.skipped) == (expected["questions"], [])
    assert Counter("ABCD"[q.key[0] - 1] for q in questions) == Counter(full["answers"])
    assert (len({q.group for q in questions}), len({q.topic for q in questions})) == (
        full["groups"],
        full["subelements"],
    )
    assert {len(q.options) for q in questions} == {full["options_each"]}
    assert (
        sum("figure" in q.stem["en"].lower() and "T-" in q.stem["en"] for q in questions)
        == full["with_figure"]
    )
    ends = [f"{q.code} {'ABCD'[q.key[0] - 1]}" for q in (questions[0], questions[-1])]
    assert ends == [full["first"], full["last"]]
    assert (sum(read.exam.blueprint.values()), read.exam.minutes, read.exam.pass_marks) == (35, 60, 26)


@needs_pool
def test_a_thousand_papers_of_the_technician_pool(session):
    read = read_file(POOL / "public-domain/ncvec/technician-2026-2030.csv")
    now = clock.now()
    done = import_bank(session, "US-TECH", {"zh": "T", "en": "T"}, read.questions, by=None, now=now)
    assert (done.added, done.changed, done.unchanged) == (409, 0, 0)
    exam = save_exam(
        session,
        "US-TECH",
        bank="US-TECH",
        title={"zh": "T", "en": "T"},
        blueprint=read.exam.blueprint,
        minutes=60,
        pass_marks=read.exam.pass_marks,
        certificate=None,
        by=None,
        now=now,
    )
    items = queries.items_of(session, exam.bank_id)
    group = {i.id: i.group for i in items}
    every = sorted(set(group.values()))
    assert len(every) == 35
    for seed in range(1000):
        paper = rules.draw(exam.blueprint, items, str(seed))
        assert sorted(group[i] for i in paper) == every
