"""Versions of lessons: learners finish the one they began; staff write, compare and publish the next."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlmodel import select

from portal import clock
from portal.accounts.rules import StaffRole
from portal.history.queries import timeline
from portal.ledger.models import Fact
from portal.ledger.rules import FactKind
from portal.mail.models import Mail
from portal.refusal import Refused
from portal.staffing.actions import appoint
from portal.web.forms import STALE
from tests.factories import make_person
from training.lessons import actions, queries
from training.lessons.models import LessonVersion
from training.lessons.rules import Status
from training.placement import actions as placements
from training.placement.queries import questions_of
from training.tracks.queries import progress_with
from training.tracks.rules import lesson

KEY = "TRK-01/1"
HERE = f"/my/learning/{KEY}"
CHANGED = {"zh": "改了区间。", "en": "New bands."}


def staff_member(session, role=StaffRole.PROGRAMME_MANAGER):
    person = make_person(session)
    appoint(session, person, role, by=None, now=clock.now())
    session.flush()
    return person


@pytest.fixture
def author(session):
    return staff_member(session)


@pytest.fixture
def reader(session):
    return staff_member(session, StaffRole.REVIEWER)


def newer(pair, mark="Newer.", answer=None):
    """The lesson with other words in its first section, and another right answer if asked for."""
    found = {}
    for language, one in pair.items():
        first = replace(one.sections[0], text=f"{one.sections[0].text}\n\n{mark}")
        practice = one.practice
        if answer:
            practice = (replace(practice[0], answer=answer), *practice[1:])
        found[language] = replace(one, sections=(first, *one.sections[1:]), practice=practice)
    return found


def publish(session, author, reader, module=KEY, *, mark="Newer.", answer=None, now=None):
    now = now or clock.now()
    draft = actions.begin_version(session, module, by=author.id, now=now)
    pair = newer(queries.pair_of(draft), mark, answer)
    actions.change_draft(session, draft, pair, CHANGED, revision=1, by=author.id, now=now)
    actions.move_version(session, draft, "submit", revision=2, by=author.id, now=now)
    actions.move_version(session, draft, "publish", revision=2, by=reader.id, now=now)
    session.flush()
    return draft


def right(version=1, wrong=0):
    answers = [p.answer for p in lesson(KEY, "en").practice]
    answers[0] = answers[0] % 4 + 1 if wrong else answers[0]
    return {"version": str(version)} | {f"answer-{n}": str(a) for n, a in enumerate(answers, 1)}


def hours(session, person):
    return len(
        session.exec(select(Fact).where(Fact.kind == FactKind.TRAINING, Fact.person_id == person.id)).all()
    )


# ——— Learners ———


def test_a_version_is_kept_while_it_is_learned(session, browse, author, reader):
    person = make_person(session)
    page = browse(person)
    page.post(f"{HERE}/practice", right())
    publish(session, author, reader)
    session.commit()
    now = page.get(HERE)
    assert "Newer." not in now.text
    assert "You began version 1 and may finish it as it is." in now.text
    assert "New bands." in now.text
    assert len(now.tree.xpath("//input[@checked]")) == 3
    ahead = page.get(f"{HERE}?version=2")
    assert "Newer." in ahead.text
    assert ahead.tree.xpath("//form[contains(@action, '/practice')]") == []
    assert page.post(f"{HERE}/practice", right(2)).status == 409
    assert progress_with(session, person.id, KEY).version == 1
    assert page.post(f"{HERE}/finish").url == "/my/learning/TRK-01/2"
    session.expire_all()
    progress = progress_with(session, person.id, KEY)
    assert (progress.version, progress.finished_at is not None, hours(session, person)) == (1, True, 1)
    # Who has finished is told, reads either, and gets no second hours.
    track = page.get("/my/learning/TRK-01")
    assert track.text.count("Changed since you finished") == 1
    now = page.get(HERE)
    assert "Changed since you finished" in now.text
    assert "Newer." in now.text
    assert now.tree.xpath("//input[@checked]") == []
    assert "Newer." not in page.get(f"{HERE}?version=1").text
    page.post(f"{HERE}/practice", right(2))
    page.post(f"{HERE}/finish")
    assert hours(session, person) == 1
    assert "Changed since you finished" not in page.get("/my/learning/TRK-01").text


def test_what_was_open_when_it_changed_counts_as_begun(session, browse, author, reader):
    person = make_person(session)
    page = browse(person)
    assert page.get(HERE).value("version") == "1"
    publish(session, author, reader, answer=1)
    session.commit()
    answered = page.post(f"{HERE}/practice", right())
    assert [n.get("class") for n in answered.tree.find_class("notice")][-3:] == ["notice good"] * 3
    assert progress_with(session, person.id, KEY).version == 1
    for odd in ("99", "x", "-1", "²"):
        assert page.get(f"{HERE}?version={odd}").value("version") == "1"


def test_switching_starts_the_practice_again(session, browse, author, reader):
    person, other = make_person(session), make_person(session)
    page = browse(person)
    page.post(f"{HERE}/practice", right())
    browse(other).post(f"{HERE}/practice", right())
    publish(session, author, reader)
    session.commit()
    for _ in range(2):  # a second click
        switched = page.post(f"{HERE}/switch")
        assert "Newer." in switched.text
        assert switched.tree.xpath("//input[@checked]") == []
    assert page.post(f"{HERE}/finish").status == 409
    page.post(f"{HERE}/practice", right(2))
    assert (
        progress_with(session, person.id, KEY).version,
        progress_with(session, other.id, KEY).version,
    ) == (2, 1)
    page.post(f"{HERE}/finish")
    before = page.get(HERE).text
    page.post(f"{HERE}/switch")  # nothing to switch
    assert page.get(HERE).text == before


def test_a_placement_test_is_graded_by_what_it_asked(session, author, reader):
    person, now = make_person(session), clock.now()
    row = placements.begin(session, "TRK-01", "retail", by=person.id, now=now, seed=3)
    asked = questions_of(session, row, "en")
    first = row.drawn[0][0]
    publish(session, author, reader, first, answer=asked[0].answer % 4 + 1, now=now + timedelta(hours=1))
    assert questions_of(session, row, "en") == asked
    placements.finish(session, row, [q.answer for q in asked], by=person.id, now=now + timedelta(hours=2))
    assert (row.right, first in row.shortened) == (len(asked), True)


# ——— What comes with the portal ———


def test_a_shipped_file_is_published_when_its_version_is_higher(
    session, author, reader, monkeypatch, tmp_path
):
    now = clock.now()
    assert actions.publish_shipped(session, now=now) == []
    (tmp_path / "TRK-01").mkdir()
    for language in ("zh", "en"):
        text = (actions.CONTENT / f"{KEY}.{language}.md").read_text(encoding="utf-8")
        text = text.replace("version: 1\n", f'version: 3\nchanged: "{CHANGED[language]}"\n', 1)
        (tmp_path / f"{KEY}.{language}.md").write_text(text, encoding="utf-8")
    monkeypatch.setattr(actions, "CONTENT", tmp_path)
    monkeypatch.setattr(actions, "modules_written", lambda: frozenset({KEY}))
    assert actions.publish_shipped(session, now=now) == [KEY]
    assert actions.publish_shipped(session, now=now) == []
    row = queries.newest(session, KEY)
    assert (row.number, row.shipped, row.published_at, row.changed) == (2, 3, now, CHANGED)
    assert queries.lessons_now(session, [KEY], "en")[KEY].version == 2
    # Over what people published, no file goes.
    publish(session, author, reader)
    row.shipped = 1
    session.flush()
    assert actions.publish_shipped(session, now=now) == []
    assert queries.newest(session, KEY).number == 3


# ——— Staff ———


def editor_of(page, version):
    """The fields of the editor as they stand."""
    shown = page.get(f"/staff/lesson-versions/{version}/edit")
    form = shown.tree.xpath("//form[contains(@action, '/edit')]")[0]
    return {k: v for k, v in form.form_values() if k not in ("_csrf_token", "do")}


def begun(session, page, key=KEY):
    page.post(f"/staff/lessons/{key}")
    return session.exec(select(LessonVersion.id).where(LessonVersion.status == Status.DRAFT)).one()


def test_from_a_draft_to_a_published_version(session, browse, author, reader):
    page, second = browse(author), browse(reader)
    version = begun(session, page)
    path = f"/staff/lesson-versions/{version}"
    assert begun(session, page) == begun(session, second) == version
    fresh = page.get(path)
    assert "Nothing in it differs from the version that is published." in fresh.text
    assert "Say in both languages what changed; learners read it." in fresh.text
    assert page.post(path, {"move": "submit", "revision": "1"}).status == 409
    typed = editor_of(page, version) | {"section-1-zh": "**新**的一句。", "section-1-en": "A *new* one."}
    typed |= {"changed-zh": CHANGED["zh"], "changed-en": CHANGED["en"]}
    seen = page.post(f"{path}/edit", typed | {"do": "preview-zh"})
    assert next(e.text for e in seen.tree.xpath("//article//strong")) == "新"
    assert session.get_one(LessonVersion, version).revision == 1
    kept = page.post(f"{path}/edit", typed | {"do": "keep"})
    assert kept.url == path
    assert kept.tree.xpath("//article//em/text()")[0] == "new"
    session.expire_all()
    assert session.get_one(LessonVersion, version).revision == 2
    assert page.post(path, {"move": "submit", "revision": "1"}).status == 409  # of what nobody looked at
    assert page.post(path, {"move": "submit", "revision": "2"}).status == 200
    assert page.get(f"{path}/edit").status == 409
    assert page.get(path).tree.xpath("//button[@value='publish']") == []
    assert page.post(path, {"move": "publish", "revision": "2"}).status == 409  # one's own
    empty = second.post(path, {"move": "return", "revision": "2"})
    assert (empty.status, empty.errors) == (422, ["Say what is to be changed."])
    second.post(path, {"move": "return", "revision": "2", "reason": "Name the year."})
    assert "Name the year." in page.get(f"{path}/edit").text
    # Whoever writes in it does not publish it, even when another person did so last.
    page.post(f"{path}/edit", editor_of(page, version) | {"summary-en": "Another summary."})
    page.post(path, {"move": "submit", "revision": "3"})
    done = second.post(path, {"move": "publish", "revision": "3"})
    assert done.url == f"/staff/lessons/{KEY}"
    assert done.said == "Published as version 2. Who began the one before finishes that one."
    assert second.post(path, {"move": "publish", "revision": "3"}).status == 409
    session.expire_all()
    row = session.get_one(LessonVersion, version)
    assert (row.number, row.status, row.writers, row.published_by) == (
        2,
        Status.PUBLISHED,
        [author.id],
        reader.id,
    )
    assert [e.verb for e in timeline(session, "lesson_version", version)] == [
        *["lesson version moved"] * 2,
        "lesson draft changed",
        *["lesson version moved"] * 2,
        "lesson draft changed",
        "lesson version begun",
    ]
    mails = session.exec(select(Mail.subject).where(Mail.to_address == author.email).order_by(Mail.id)).all()
    assert mails == [f"Sent back: the lesson {KEY}", f"Published: the lesson {KEY}"]
    assert "A new one." in browse(make_person(session)).get(HERE).text
    shipped = select(LessonVersion.id).where(LessonVersion.module == KEY, LessonVersion.number == 1)
    old = session.exec(shipped).one()
    compared = second.get(f"/staff/lessons/{KEY}/compare?old={old}&new={version}&language=en")
    assert compared.tree.xpath("//main//ins")[-1].text_content() != ""
    assert [h.text for h in compared.tree.xpath("//main//h2")] == ["Summary", "What it is for"]


def test_two_authors_do_not_overwrite_each_other(session, browse, author, reader):
    one, other = browse(author), browse(reader)
    version = begun(session, one)
    path = f"/staff/lesson-versions/{version}/edit"
    typed = editor_of(one, version)
    other.post(path, typed | {"summary-en": "By the second."})
    late = one.post(path, typed | {"summary-en": "By the first."})
    assert (late.status, late.errors) == (422, [STALE])
    assert late.value("summary-en") == "By the first."
    session.expire_all()
    row = session.get_one(LessonVersion, version)
    assert queries.pair_of(row)["en"].summary == "By the second."
    assert row.writers == sorted([author.id, reader.id])


def test_bad_input_is_said_and_kept(session, browse, author):
    page = browse(author)
    version = begun(session, page)
    typed = editor_of(page, version) | {
        "minutes": "²",
        "summary-zh": "长" * 301,
        "section-2-en": "Text\n\n## A heading",
        "section-3-en": "A heading\n===",
    }
    bad = page.post(f"/staff/lesson-versions/{version}/edit", typed)
    assert bad.status == 422
    assert bad.errors == [
        "Please write a whole number from 1 to 240.",
        "Please keep this within 300 characters.",
        *["The headings of a lesson are fixed; inside a section begin one with ###."] * 2,
    ]
    assert bad.value("section-2-en").replace("\r\n", "\n").strip() == "Text\n\n## A heading"
    session.expire_all()
    assert session.get_one(LessonVersion, version).revision == 1
    gaps = editor_of(page, version) | {"section-4-zh": "", "option-1-2-en": "", "why-3-en": ""}
    del gaps["answer-2"]
    kept = page.post(f"/staff/lesson-versions/{version}/edit", gaps)
    assert kept.status == 200
    for sentence in (
        "The Chinese section “哪里会出错” is empty.",
        "Question 1 needs three options or more, each of them in both languages.",
        "Question 3 needs its text and its why in both languages.",
        "Mark the right option of question 2.",
    ):
        assert kept.text.count(sentence) == 1


def test_hostile_markdown_stays_text(session, browse, author):
    page = browse(author)
    version = begun(session, page)
    hostile = "<script>alert(1)</script> <img src=x onerror=alert(1)> [go](javascript:alert(1)) </textarea><h1>x</h1>"
    typed = editor_of(page, version) | {"section-1-en": hostile, "ask-1-en": hostile, "summary-en": "---"}
    kept = page.post(f"/staff/lesson-versions/{version}/edit", typed)
    assert kept.status == 200
    assert kept.tree.xpath("//main//script | //article//img | //a[starts-with(@href, 'javascript')]") == []
    edited = page.get(f"/staff/lesson-versions/{version}/edit")
    assert edited.value("section-1-en").strip() == hostile
    assert edited.value("ask-1-en").strip() == hostile
    assert edited.value("summary-en").strip() == "---"


def test_files_go_out_and_come_back(session, browse, author):
    page = browse(author)
    version = begun(session, page)
    path = f"/staff/lesson-versions/{version}"
    files = {x: page.client.get(f"{path}/file?language={x}").content for x in ("zh", "en")}
    assert files["en"].decode().startswith("---\nmodule: TRK-01/1\n")
    assert page.client.get(f"{path}/file?language=xx").status_code == 404
    words = {"revision": "1"}

    def send(**sent):
        return page.post(f"{path}/file", words, files={f"file-{k}": (f"{k}.md", v) for k, v in sent.items()})

    for content, sentence in (
        (b"\xff\xfe", "The file is not in UTF-8."),
        (
            b"no lesson",
            "This is no lesson file: it begins with its front matter between two lines of three dashes.",
        ),
        (b"---\na: [\n---\n", "The front matter of the file is no YAML that can be read."),
        (b"---\na: &a [1]\nb: *a\n---\n", "The front matter of the file is no YAML that can be read."),
        (b"---\nmodule: TRK-01/2\n---\n", "The file is of the module TRK-01/2, not of TRK-01/1."),
        (
            files["en"].replace(b"## Checklist", b"## List"),
            "The sections of the file are not the five of a lesson in this language: What it is for · How it is done · A worked example · What goes wrong · Checklist.",
        ),
        (
            files["en"].replace(b"minutes: 20", b"minutes: 900"),
            "The minutes in the file are no whole number from 1 to 240.",
        ),
        (b"x" * 100_001, "The file is larger than 100 KB."),
    ):
        bad = send(en=content)
        assert (bad.status, bad.errors) == (422, [sentence])
    alone = send(en=files["en"].replace(b"minutes: 20", b"minutes: 25"))
    assert alone.errors == [
        "The files of the two languages differ in their minutes, or in options or answers."
    ]
    assert send().errors == ["Please choose a file."]
    done = send(**{x: v.replace(b"minutes: 20", b"minutes: 25\nchanged: shorter") for x, v in files.items()})
    assert done.url == path
    session.expire_all()
    row = session.get_one(LessonVersion, version)
    assert (queries.pair_of(row)["zh"].minutes, row.changed, row.revision) == (
        25,
        {"zh": "shorter", "en": "shorter"},
        2,
    )
    assert send(**files).errors == [STALE]


def test_a_draft_is_withdrawn_by_its_authors(session, browse, author, reader):
    page = browse(author)
    version = begun(session, page)
    path = f"/staff/lesson-versions/{version}"
    for step in ("withdraw", "submit", "publish", "zz"):
        assert browse(reader).post(path, {"move": step, "revision": "1"}).status == 409
    assert page.post(path, {"move": "withdraw", "revision": "1"}).status == 200
    assert page.post(path, {"move": "submit", "revision": "1"}).status == 409
    assert begun(session, page) != version


def test_strangers_find_no_door(session, browse, author):
    version = begun(session, browse(author))
    learner, manager = browse(make_person(session)), browse(staff_member(session, StaffRole.PARTNER_MANAGER))
    for path in ("/staff/lessons", f"/staff/lessons/{KEY}", f"/staff/lesson-versions/{version}"):
        assert learner.get(path).status == 404
        assert manager.get(path).status == 403
    page = browse(author)
    other = begun_elsewhere = queries.newest(session, "TRK-01/2").id
    for path in (
        "/staff/lessons/TRK-99/1",
        "/staff/lessons/TRK-01/99",
        "/staff/lesson-versions/999999",
        f"/staff/lessons/{KEY}/compare?old={version}&new={other}",
        f"/staff/lessons/{KEY}/compare?old={begun_elsewhere}",
    ):
        assert page.get(path).status == 404


def test_the_list_takes_as_many_queries_with_one_draft_as_with_three(session, connection, browse, author):
    def queries_of(act):
        asked = []

        def count(*args):
            asked.append(args[2])

        event.listen(connection, "before_cursor_execute", count)
        act()
        event.remove(connection, "before_cursor_execute", count)
        return len(asked)

    page = browse(author)
    page.post("/staff/lessons/TRK-01/1")
    page.get("/staff/lessons")
    one = queries_of(lambda: page.get("/staff/lessons"))
    for n in (2, 3):
        page.post(f"/staff/lessons/TRK-01/{n}")
    assert queries_of(lambda: page.get("/staff/lessons")) == one
    assert len(page.get("/staff/lessons?track=TRK-02").tree.xpath("//tbody/tr[td]")) == 8


def test_nothing_is_published_that_is_not_complete(session, author, reader):
    draft = actions.begin_version(session, KEY, by=author.id, now=clock.now())
    with pytest.raises(Refused, match="not ready"):
        actions.move_version(session, draft, "submit", revision=1, by=author.id, now=clock.now())
    assert draft.status is Status.DRAFT
