"""Questions written, reviewed by somebody else, put to use; files taken in and handed out."""

from datetime import timedelta

import pytest
from sqlmodel import select

from certification.authoring.actions import forget_uploads
from certification.authoring.models import BankUpload
from certification.banks.models import Bank, Picture, Question
from certification.banks.rules import QuestionStatus
from portal import clock
from portal.accounts.rules import StaffRole
from tests.factories import make_person
from tests.hostile_files import png

TEXTS = {
    "topic": "TRK-01",
    "group": "TRK-01/1",
    "level": "2",
    "points": "1",
    "markup": "plain",
    "stem-zh": "哪一项是基线？",
    "stem-en": "Which is a baseline?",
    "why-zh": "基线是开始时的数。",
    "why-en": "It is the figure at the start.",
    "do": "keep",
}
OPTIONS = {
    "option-1-zh": "开始时的数",
    "option-1-en": "The figure at the start",
    "option-3-zh": "目标",
    "option-3-en": "The target",
}
MOST = {
    "one": OPTIONS | {"key": "1"},
    "several": OPTIONS | {"option-4-zh": "丙", "option-4-en": "Third", "key": ["1", "4"]},
    "true_false": {"key": "2"},
    "order": OPTIONS,
    "match": OPTIONS | {"prompt-1-zh": "甲", "prompt-1-en": "A", "match-1": "3"},
    "numeric": {"value": "3.5", "tolerance": "0.5"},
    "short": {"accept": "企业微信\nWeCom"},
    "long": {"rubric-1-zh": "依据", "rubric-1-en": "Evidence", "rubric-points-1": "10"},
}
KEPT = {
    "one": {"key": [1]},
    "several": {"key": [1, 3]},
    "true_false": {"key": [2]},
    "order": {"key": [1, 2]},
    "match": {"key": [2]},
    "numeric": {"accept": [{"low": 3.0, "high": 4.0}]},
    "short": {"accept": [{"text": "企业微信"}, {"text": "WeCom"}]},
    "long": {"points": 10, "rubric": [{"zh": "依据", "en": "Evidence", "points": 10}]},
}


@pytest.fixture
def bank(session):
    row = Bank(code="B", title={"zh": "题库", "en": "Bank"})
    session.add(row)
    session.flush()
    return row


@pytest.fixture
def author(session, browse):
    return browse(make_person(session, staff=StaffRole.REVIEWER))


@pytest.fixture
def reviewer(session, browse):
    return browse(make_person(session, staff=StaffRole.PROGRAMME_MANAGER))


def latest(session):
    return session.exec(select(Question).order_by(Question.id.desc())).first()


@pytest.mark.parametrize("kind", list(MOST))
def test_each_kind_is_written_and_shown(session, author, bank, kind):
    fields = TEXTS | MOST[kind] | {"kind": kind}
    preview = author.post("/staff/banks/B/new", fields | {"do": "preview"})
    assert (preview.status, latest(session)) == (200, None)
    assert "Which is a baseline?" in preview.text
    page = author.post("/staff/banks/B/new", fields)
    question = latest(session)
    assert page.url == f"/staff/questions/{question.id}"
    assert (question.code, question.kind, question.status) == ("B-0001", kind, "draft")
    assert {name: getattr(question, name) for name in KEPT[kind]} == KEPT[kind]
    edit = author.get(f"/staff/questions/{question.id}/edit")
    assert edit.status == 200
    again = {
        i.get("name"): i.get("value") or ""
        for i in edit.tree.xpath(
            "//form[@enctype]//input[@name and not(@type='checkbox') and not(@type='radio')]"
        )
    }
    assert again["group"] == "TRK-01/1"


def test_wrong_input_is_kept_and_said(session, author, bank):
    for changes, sentence in (
        ({"key": ""}, "Its key is not one of its options."),
        ({"stem-en": ""}, "A text is empty."),
        ({"topic": " "}, "It has no topic, or one longer than 40 characters."),
        ({"level": "x"}, "Its level is not a number from 1 to 9."),
        ({"why-zh": "", "why-en": ""}, "Say why the key is right; learners and reviewers read it."),
        ({"option-3-en": "The figure at the start"}, "Two of its options are the same."),
    ):
        page = author.post("/staff/banks/B/new", TEXTS | MOST["one"] | {"kind": "one"} | changes)
        assert (page.status, sentence in page.text) == (422, True), sentence
        assert "哪一项是基线？" in page.text
    assert author.post("/staff/banks/B/new", TEXTS | {"kind": "essay"}).status == 404
    assert latest(session) is None


def test_nobody_reviews_their_own_question(session, author, reviewer, bank):
    author.post("/staff/banks/B/new", TEXTS | MOST["one"] | {"kind": "one"})
    question = latest(session)
    path = f"/staff/questions/{question.id}/move"
    assert author.post(path, {"move": "use"}).status == 409  # not from a draft
    author.post(path, {"move": "submit"})
    assert author.post(path, {"move": "use"}).status == 409
    session.refresh(question)
    assert question.status == QuestionStatus.IN_REVIEW
    reviewer.post(path, {"move": "return", "reason": "第二项太明显"})
    session.refresh(question)
    assert question.status == QuestionStatus.DRAFT
    author.post(path, {"move": "submit"})
    reviewer.post(path, {"move": "use"})
    session.refresh(question)
    assert question.status == QuestionStatus.IN_USE
    assert reviewer.post(path, {"move": "use"}).status == 409  # a second click


def test_a_new_version_takes_the_place_of_the_one_before(session, author, reviewer, bank):
    author.post("/staff/banks/B/new", TEXTS | MOST["one"] | {"kind": "one"})
    first = latest(session)
    for who, move in ((author, "submit"), (reviewer, "pilot"), (reviewer, "use")):
        who.post(f"/staff/questions/{first.id}/move", {"move": move})
    same = author.post(f"/staff/questions/{first.id}/edit", TEXTS | MOST["one"])
    assert (same.status, "Nothing in it differs from version 1." in same.text) == (422, True)
    author.post(f"/staff/questions/{first.id}/edit", TEXTS | MOST["one"] | {"stem-en": "Which one?"})
    second = latest(session)
    assert (second.code, second.version, second.status) == ("B-0001", 2, "draft")
    twice = author.post(f"/staff/questions/{first.id}/edit", TEXTS | MOST["one"] | {"stem-en": "Or this?"})
    assert twice.status == 409
    session.refresh(first)
    assert first.status == QuestionStatus.IN_USE
    for who, move in ((author, "submit"), (reviewer, "use")):
        who.post(f"/staff/questions/{second.id}/move", {"move": move})
    session.refresh(first)
    session.refresh(second)
    assert (first.status, second.status) == ("retired", "in_use")


def test_a_picture_is_kept_and_shown(session, author, bank):
    fields = (
        TEXTS
        | MOST["one"]
        | {
            "kind": "one",
            "markup": "html",
            "stem-en": 'Look: <img src="picture:a.png" alt="a"><script>x</script>',
        }
    )
    bad = author.post("/staff/banks/B/new", fields, files={"picture": ("a.png", b"GIF", "image/png")})
    assert (bad.status, session.exec(select(Picture)).all()) == (422, [])
    page = author.post("/staff/banks/B/new", fields, files={"picture": ("a.png", png(), "image/png")})
    picture = session.exec(select(Picture)).one()
    assert page.tree.xpath("//section[@lang='en']//img/@src") == [f"/exams/pictures/{picture.sha256}"]
    assert "<script>x" not in page.text
    shown = author.client.get(f"/exams/pictures/{picture.sha256}")
    assert (shown.content, shown.headers["content-type"]) == (png(), "image/png")
    assert author.client.get("/exams/pictures/0").status_code == 404


GIFT = b"::A:: Two and two? {=4 ~5}\n\n::B:: Say why. {}\n\n::C:: Just so.\n"


def test_a_file_is_looked_into_and_taken_in_for_review(session, author, reviewer, bank):
    nothing = author.post("/staff/banks/B/import", {"format": ""})
    assert nothing.status == 422
    unread = author.post(
        "/staff/banks/B/import", {"format": ""}, files={"file": ("a.bin", b"\x00\x01", "x/y")}
    )
    assert unread.status == 422
    page = author.post(
        "/staff/banks/B/import", {"format": ""}, files={"file": ("a.gift", GIFT, "text/plain")}
    )
    assert [d.text for d in page.tree.xpath("//dl[@class='facts']//dd")] == ["2", "2", "0", "0", "1"]
    assert session.exec(select(Question)).all() == []
    upload = session.exec(select(BankUpload)).one()
    path = f"/staff/banks/B/import/{upload.id}"
    assert reviewer.get(path).status == 404  # another's
    author.post(path, {"format": ""})
    rows = session.exec(select(Question).order_by(Question.code)).all()
    assert [(q.code, q.status) for q in rows] == [("A", "in_review"), ("B", "in_review")]
    assert author.post(path, {"format": ""}).status == 404  # a second click: it is taken in
    own = author.post("/staff/banks/B/move", {"question": [str(q.id) for q in rows], "move": "use"})
    assert own.said.startswith("0 moved; 2 stay")
    done = reviewer.post("/staff/banks/B/move", {"question": [str(q.id) for q in rows], "move": "use"})
    assert done.said == "2 moved."
    export = author.client.get("/staff/banks/B/export?format=csv")
    assert export.status_code == 200
    assert export.content.count(b"\n") >= 3
    again = author.post(
        "/staff/banks/B/import", {"format": ""}, files={"file": ("B.csv", export.content, "text/csv")}
    )
    assert [d.text for d in again.tree.xpath("//dl[@class='facts']//dd")] == ["2", "0", "0", "2", "0"]


def test_a_forgotten_file_goes_after_a_day(session, author, bank):
    author.post("/staff/banks/B/import", {"format": ""}, files={"file": ("a.gift", GIFT, "text/plain")})
    assert forget_uploads(session, now=clock.now()) == 0
    assert forget_uploads(session, now=clock.now() + timedelta(days=1, minutes=1)) == 1


def test_the_list_filters_and_pages(session, author, bank):
    for n in range(60):
        session.add(
            Question(
                bank_id=bank.id,
                code=f"Q{n:02}",
                topic=f"T{n % 2}",
                group="G",
                kind="one",
                key=[1],
                why={},
                stem={"zh": f"题{n}", "en": f"question {n}"},
                options=[{"zh": "a", "en": "a"}],
                content_hash=str(n),
            )
        )
    session.flush()
    rows = "//tbody/tr/th/a/@href"
    assert len(author.get("/staff/banks/B").tree.xpath(rows)) == 50
    assert len(author.get("/staff/banks/B?page=2").tree.xpath(rows)) == 10
    assert len(author.get("/staff/banks/B?topic=T1").tree.xpath(rows)) == 30
    assert len(author.get("/staff/banks/B?words=question 59").tree.xpath(rows)) == 1
    assert author.get("/staff/banks/B?status=retired").tree.xpath(rows) == []


def test_banks_are_for_authors(session, browse, bank):
    assert browse(make_person(session)).get("/staff/banks").status in (403, 404)
    page = browse(make_person(session, staff=StaffRole.PARTNER_MANAGER))
    assert page.get("/staff/banks").status in (403, 404)
    good = browse(make_person(session, staff=StaffRole.ADMINISTRATOR))
    made = good.post("/staff/banks", {"code": "NEW-1", "title_zh": "新", "title_en": "New"})
    assert made.url == "/staff/banks/NEW-1"
    assert good.post("/staff/banks", {"code": "NEW-1", "title_zh": "新", "title_en": "New"}).status == 422
    assert good.post("/staff/banks", {"code": "a b", "title_zh": "", "title_en": "New"}).status == 422
