"""Files as other systems write them: every kind is read as it is meant, everything else listed with its place."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from certification.banks.form import TRUE_FALSE, QuestionForm
from certification.banks.readers import Format, read_questions
from certification.banks.readers.tables import read_own
from portal.files.reading import UnreadableFileError
from tests.certification import bank_files as files
from tests.hostile_files import png

POOL = Path(__file__).resolve().parents[2].parent / "shared" / "question-banks"
needs_pool = pytest.mark.skipif(not POOL.exists(), reason="the sample banks are not here")


def read(name, content, named=None):
    return read_questions(name, content.encode() if isinstance(content, str) else content, named)


def lines(notes):
    return [(str(n.place), str(n.reason)) for n in notes]


def answers(question: QuestionForm):
    """What is right, in words."""
    return [question.options[k - 1]["en"] for k in question.key] or question.accept


def test_moodle():
    found = read("bank.xml", files.MOODLE)
    assert [(q.code, q.kind, q.stem["en"], answers(q)) for q in found.questions] == [
        ("M-1", "one", '<p>Which <b>one</b>?</p><p><img src="picture:dot.png" alt="dot"></p>', ["a"]),
        ("Several", "several", "Which?", ["a", "b"]),
        ("TF", "true_false", "Is it?", ["False"]),
        ("Short", "short", "Capital of France?", [{"text": "Paris"}, {"text": "Par*"}]),
        ("Number", "numeric", "Pi?", [{"low": 3.13, "high": 3.15}]),
        ("Match", "match", "Capitals", ["Paris", "Rome"]),
        ("Order", "order", "Put in order", ["first", "second"]),
        ("Long", "long", "Tell", []),
    ]
    first = found.questions[0]
    assert (first.topic, first.group, first.points, first.tags) == (
        "Chapter 1",
        "Chapter 1/Section/A",
        2,
        ["red", "blue"],
    )
    assert (first.stem["zh"], first.why, first.pictures) == (
        '<p>哪<b>一个</b>？</p><p><img src="picture:dot.png" alt="dot"></p>',
        {"zh": "<p>Because.</p>", "en": "<p>Because.</p>"},
        {"dot.png": png()},
    )
    assert first.options == [
        {"zh": "甲", "en": "a"},
        {"zh": "b", "en": "b"},
        {"zh": "All of the above", "en": "All of the above", "fixed": True},
    ]
    by_code = {q.code: q for q in found.questions}
    assert [p["en"] for p in by_code["Match"].prompts] == ["France", "Italy"]
    assert [o["en"] for o in by_code["Match"].options] == ["Paris", "Rome", "Bonn"]
    assert by_code["Short"].case
    assert by_code["Long"].rubric == [
        {"zh": "Look for the reasons", "en": "Look for the reasons", "points": 10}
    ]
    assert [s for _, s in lines(found.skipped)] == [
        "It asks nothing: a text between questions.",
        "Questions of this kind are not read: cloze.",
        "Questions of this kind are not read: ddwtos.",
        "Questions of this kind are not read: calculated.",
        "Every answer would be right.",
    ]
    assert lines(found.skipped)[0][0].startswith("question 9 at line ")
    assert {s for _, s in lines(found.remarks)} == {
        "Questions without a code of their own, named by title, identifier or text: 7.",
        "Left out: a script.",
        "Weights of single options are not kept.",
        "Remarks on single answers are not kept.",
        "Answers that are half right are not kept.",
        "Answers with a star of their own, or of stars alone, are not kept.",
        "Units are not kept; the answer is the number alone (rad).",
    }


def test_gift():
    found = read("bank.gift", files.GIFT)
    assert [(q.kind, q.stem["en"], answers(q)) for q in found.questions] == [
        ("one", "<p>Which <b>one</b>?</p>", ["a = 1"]),
        ("several", "Several?", ["a", "b"]),
        ("true_false", "True?", ["False"]),
        ("one", "Grant is _____ in his tomb.", ["entombed"]),
        ("short", "Who?", [{"text": "no one"}, {"text": "nobody"}]),
        ("short", "_____ is the largest.", [{"text": "Asia"}]),
        ("numeric", "Number?", [{"low": 3.141, "high": 3.142}]),
        ("numeric", "Range?", [{"low": 1.0, "high": 5.0}]),
        ("numeric", "Numbers?", [{"low": 1822.0, "high": 1822.0}]),
        ("match", "Match?", ["1", "2"]),
        ("long", "Tell.", []),
        ("true_false", "<p>Is <strong>this</strong> it?</p>", ["True"]),
    ]
    first = found.questions[0]
    assert (first.code, first.tags, first.why["en"], first.topic) == (
        "G-1",
        ["red", "blue"],
        "<p>Because.</p>",
        "general",
    )
    assert {q.topic for q in found.questions[1:]} == {"Chapter 1"}
    assert lines(found.skipped) == [
        ("line 35", "It asks nothing: a text between questions."),
        ("line 37", "A brace is not closed, or none is open."),
        ("line 39", "A brace is not closed, or none is open."),
        ("line 41", "None of its options is right."),
    ]


def test_aiken_with_errors():
    found = read("bank.txt", files.AIKEN)
    assert [(q.kind, q.stem["en"], answers(q)) for q in found.questions] == [
        ("one", "What is one?", ["b"]),
        ("one", "What has two lines\nof text?", ["a"]),
    ]
    assert found.questions[1].options[2]["fixed"]
    assert lines(found.skipped) == [
        ("line 13", "No line ANSWER: follows its options."),
        ("line 17", "Its key is not one of its options."),
        ("line 22", "It needs at least two options."),
        ("line 26", "Its options are not A, B, C … in order."),
        ("line 31", "An answer or an option stands without a question."),
    ]


def test_our_columns():
    found = read("bank.csv", files.COLUMNS)
    assert [(q.code, q.kind, answers(q)) for q in found.questions] == [
        ("C-1", "one", ["b"]),
        ("C-2", "several", ["a", "c"]),
        ("C-3", "numeric", [{"low": 4.0, "high": 4.0}, {"low": -1.5, "high": 2.0}]),
        ("C-4", "short", [{"text": "nobody"}, {"text": "no one"}]),
        ("C-5", "true_false", ["False"]),
        ("C-6", "order", ["a", "b", "c"]),
        ("C-7", "match", ["3", "1"]),
        ("C-8", "long", []),
    ]
    first = found.questions[0]
    assert (first.stem, first.level, first.points, first.tags, first.why["zh"]) == (
        {"zh": "哪个？", "en": "Which?"},
        2,
        3,
        ["x", "y"],
        "Because",
    )
    assert first.options[2] == {"zh": "All of these", "en": "All of these", "fixed": True}
    assert [s for _, s in lines(found.skipped)] == [
        "Its key is not one of its options.",
        "A field is missing or not what it should be.",
    ]


@pytest.mark.parametrize("name", list(files.QTI_ITEMS))
def test_qti_items(name):
    content, kind, right = files.QTI_ITEMS[name]
    found = read("item.xml", content)
    assert lines(found.skipped) == []
    (question,) = found.questions
    assert (question.kind, answers(question), question.code) == (kind, right, "i")
    if kind == "true_false":
        assert question.options == TRUE_FALSE
    again = read("item.xml", content.replace("imsqti_v2p1", "imsqti_v2p2").replace("qti_v2p1", "qti_v2p2"))
    assert again.questions == found.questions


def test_texts_of_qti():
    stems = {n: read("i.xml", c).questions[0].stem["en"] for n, (c, _, _) in files.QTI_ITEMS.items()}
    assert (stems["choice"], stems["gap of options"], stems["number"]) == (
        "Look\nWhich?",
        "Grass is _____ here.",
        "How much?",
    )
    assert read("i.xml", files.QTI_ITEMS["essay"][0]).questions[0].rubric == [
        {"zh": "Reasons", "en": "Reasons", "points": 1}
    ]


def test_qti_3_with_both_languages():
    (question,) = read("item.xml", files.QTI3).questions
    assert (question.stem, question.kind, answers(question), question.options[0]["fixed"]) == (
        {"zh": "中文\nWhich?", "en": "In English\nWhich?"},
        "one",
        ["b"],
        True,
    )


@pytest.mark.parametrize("name", list(files.QTI_REFUSED))
def test_qti_items_that_are_listed(name):
    content, reason = files.QTI_REFUSED[name]
    found = read("item.xml", content)
    assert ([s for _, s in lines(found.skipped)], found.questions) == ([reason], [])


def test_a_package_of_qti():
    found = read("package.zip", files.qti_package())
    assert [(q.code, q.topic, q.stem["en"], q.pictures) for q in found.questions] == [
        (
            "ref1",
            "Section 1",
            '<p><img src="picture:a-b.png" alt="x"></p><p>Which other?</p>',
            {"a-b.png": png()},
        ),
        ("ref2", "Section 2", '<p><img src="picture:a-b.png" alt="x"></p><p>Which?</p>', {"a-b.png": png()}),
    ]
    assert lines(found.skipped) == [
        ("file items/broken.xml", "This is not well-formed XML, or it is nested too deeply."),
        ("file items/missing.xml", "The file is named by the test and is not in the package."),
    ]


def test_an_export_of_canvas():
    found = read("export.imscc", files.canvas_package())
    assert [(q.code, q.kind, q.stem["en"], answers(q), q.points) for q in found.questions] == [
        ("c1", "one", '<p>Which? <img src="picture:dot.png" alt=""></p>', ["b"], 2),
        ("c2", "several", "All?", ["a", "c"], 2),
        ("c3", "true_false", "Is it?", ["False"], 2),
        ("c4", "short", "Who?", [{"text": "nobody"}, {"text": "no one"}], 2),
        ("c5", "numeric", "How much?", [{"low": 3.5, "high": 4.5}], 2),
        ("c6", "match", "Pair", ["z", "x"], 2),
        ("c7", "long", "Tell", [], 10),
    ]
    assert {(q.topic, q.why["en"].replace("<p>", "").replace("</p>", "")) for q in found.questions} == {
        ("Quiz", "Because")
    }
    assert [s for _, s in lines(found.skipped)] == [
        "Questions of this kind are not read: fill_in_multiple_blanks_question.",
        "Questions of this kind are not read: calculated_question.",
        "It asks nothing: a text between questions.",
        "Questions of this kind are not read: file_upload_question.",
    ]


def test_a_cartridge_and_a_pool_of_blackboard():
    cartridge = (
        "<questestinterop>"
        + files.cartridge_item(
            "cc.multiple_choice.v0p1", files.canvas_choices("a", "b"), files.right(files.equal(101))
        )
        + files.cartridge_item("cc.fib.v0p1", files.FIB, files.right(files.equal("x")))
        + files.cartridge_item("cc.essay.v0p1", files.FIB, "")
        + files.cartridge_item("cc.pattern_match.v0p1", files.FIB, files.right(files.equal("x")))
        + "</questestinterop>"
    )
    found = read("cc.xml", cartridge)
    assert [(q.kind, answers(q)) for q in found.questions] == [
        ("one", ["b"]),
        ("short", [{"text": "x"}]),
        ("long", []),
    ]
    assert len({q.code for q in found.questions}) == 3
    assert [s for _, s in lines(found.skipped)] == [
        "Questions of this kind are not read: cc.pattern_match.v0p1."
    ]
    (question,) = read("pool.dat", files.BLACKBOARD).questions
    assert (question.kind, question.topic, question.stem["en"], answers(question)) == (
        "one",
        "Pool",
        "Which?",
        ["b"],
    )


@pytest.mark.parametrize("name", list(files.HOSTILE))
def test_files_that_are_refused_with_a_sentence(name):
    content, reason = files.HOSTILE[name]
    with pytest.raises(UnreadableFileError) as refused:
        read_questions("file", content)
    assert str(refused.value) == (reason or str(refused.value)) != ""


def test_a_large_file_is_refused():
    with pytest.raises(UnreadableFileError, match="larger than 20 MB"):
        read_questions("a.csv", b"x" * (20 * 1024 * 1024 + 1))


def test_a_format_that_is_named_counts():
    with pytest.raises(UnreadableFileError):
        read("a.txt", files.GIFT, "moodle")
    with pytest.raises(UnreadableFileError):
        read("a.txt", files.GIFT, "word")
    assert read("a.txt", "Is it? {T}", "gift").questions == read("b", "Is it? {T}").questions
    assert [f.value for f in Format] == ["own", "csv", "pool", "moodle", "gift", "aiken", "qti"]


def test_later_fields_at_rest_leave_a_hash_as_it_was():
    """The hash of a question as it was before points, pictures and the like."""
    row = {
        "id": "A1",
        "topic": "T",
        "group": "T/1",
        "level": 1,
        "kind": "one",
        "stem": {"zh": "哪个？", "en": "Which?"},
        "options": [{"zh": "甲", "en": "a"}, {"zh": "乙", "en": "b"}],
        "key": [1],
        "why": {"zh": "因为", "en": "because"},
    }
    (question,) = read_own(json.dumps([row])).questions
    assert question.content_hash == "28b9694a6fe10fe107b562acfbae4616f39a36e54360e97db1c821f04d64d7e0"
    for change in (
        {"points": 2},
        {"tags": ["x"]},
        {"pictures": {"a.png": png()}},
        {"markup": "html"},
        {"case": True},
    ):
        assert replace(question, **change).content_hash != question.content_hash
    two = [replace(question, pictures={"a.png": content}) for content in (png(), png(3, 3))]
    assert two[0].content_hash != two[1].content_hash


def test_the_same_file_gives_the_same_codes():
    """Codes hang on titles and content, not on places."""
    first = read("a.gift", files.GIFT).questions
    moved = read("a.gift", "First of all? {T}\n\n" + files.GIFT).questions
    assert {q.code for q in first} < {q.code for q in moved}


# ——— Banks of others ———

EXPECTED = json.loads((POOL / "EXPECTED.json").read_text()) if POOL.exists() else {}
GIFT_KINDS = {
    "MC": {"one", "several", "true_false"},
    "TF": {"true_false"},
    "Short": {"short"},
    "Numerical": {"numeric"},
    "Essay": {"long"},
    "Matching": {"match"},
}


@needs_pool
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_every_sample_is_read_or_listed(name):
    expected = EXPECTED[name]
    content = (POOL / name).read_bytes()
    if name.endswith(("ZipSlip.zip", "BadManifest.zip")):
        with pytest.raises(UnreadableFileError):
            read_questions(name, content)
        return
    found = read_questions(Path(name).name, content)
    wanted = expected["questions"] if "questions" in expected else expected["items"]
    assert len(found.questions) + len(found.skipped) == wanted
    if name.endswith(".gift"):
        kinds = Counter(q.kind for q in found.questions)
        fitting = sum(kinds[k] for kind in set(expected["types"]) & set(GIFT_KINDS) for k in GIFT_KINDS[kind])
        assert fitting >= len(found.questions)


@needs_pool
def test_gift_against_the_parse_trees_that_come_with_it():
    """Stems and the texts of right options, wherever our form has both."""
    checked = 0
    for path in sorted((POOL / "mit/gift-grammar-pegjs").glob("*.gift")):
        trees = [t for t in json.loads(path.with_suffix(".json").read_text()) if "stem" in t]
        found = {
            tuple(q.stem["en"].split()): q for q in read_questions(path.name, path.read_bytes()).questions
        }
        for tree in trees:
            stem = tree["stem"]["text"]
            question = found.get(tuple(stem.split()))
            if question is None or question.markup == "html" or question.kind not in ("one", "several"):
                continue
            checked += 1
            right = [
                " ".join(c["text"]["text"].split())
                for c in tree["choices"]
                if c["isCorrect"] or (c["weight"] or 0) > 0
            ]
            best = max(
                (c["weight"] or 100) for c in tree["choices"] if c["isCorrect"] or (c["weight"] or 0) > 0
            )
            assert {" ".join(a.split()) for a in answers(question)} <= set(right), (path.name, best)
    assert checked >= 15


@needs_pool
def test_all_forms_of_the_pool_are_the_same():
    folder = POOL / "public-domain/ncvec"
    read = [
        read_questions(p.name, p.read_bytes())
        for p in sorted(folder.glob("technician*.*"))
        if p.suffix in (".csv", ".json", ".txt", ".yaml")
    ]
    assert len(read) == 4
    assert all(r.questions == read[0].questions and r.exam == read[0].exam for r in read)


@needs_pool
def test_a_whole_test_of_others():
    path = POOL / "bsd/qtiworks-qti21/packages/WebDeveloperTest1.zip"
    found = read_questions(path.name, path.read_bytes())
    assert [(q.code, answers(q)) for q in found.questions if q.code in ("question5", "question4")] == [
        ("question4", ['<img src = "images/myimage.jpg" />'.replace("<", "&lt;").replace(">", "&gt;")]),
        (
            "question5",
            [
                "Using a Virtual Private Network connection to the server",
                "Using the File Transfer Protocol (FTP)",
            ],
        ),
    ]
    assert [q.topic for q in found.questions] == ["Electronics and Computer Science"] * 8
    assert lines(found.skipped) == [
        ("file question8.xml", "It asks for 2 answers at once, which is not read.")
    ]
