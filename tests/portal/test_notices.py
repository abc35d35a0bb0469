"""What people are told: one catalogue, by mail and in the portal, in their language, muted where it may be."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, col, func, select

from portal import clock
from portal.accounts.models import Person
from portal.accounts.queries import viewer_of_session
from portal.desk.parts import Next
from portal.history.models import History
from portal.mail.actions import send_mail
from portal.mail.jobs import message_of
from portal.mail.models import Mail
from portal.notices import actions, jobs
from portal.notices.models import Notice, NoticeChoice, Tip
from portal.notices.queries import PAGE, owners_to_look_at
from portal.notices.rules import (
    CATALOGUE,
    SEMI,
    Class,
    read_unsubscribe_code,
    tip_is_due,
    unsubscribe_code,
    ways,
    without_letter,
)
from portal.organisations.rules import Kind, Role, Trust
from portal.refusal import NotFound
from portal.settings import settings
from tests.factories import employ, make_organisation, make_person

NOW = datetime(2026, 11, 3, 2, 0, tzinfo=UTC)  # a Tuesday at ten in China
TIP = "notices/tip"
STEP = Next(
    "Register your organisation", "Upload the licence", "/my/organisation/new", "Register an organisation"
)


def tell(session: Session, person: Person, template: str = "cases/decided", **more) -> None:
    values = {
        "name": person.name,
        "title": "Pets",
        "decision": "ask",
        "reason": "R.",
        "path": "/my/cases/1",
    } | more
    send_mail(
        session,
        template,
        to=person,
        now=more.get("now") or clock.now(),
        **{k: v for k, v in values.items() if k != "now"},
    )
    session.flush()


def notices(session: Session, person: Person) -> list[Notice]:
    return list(session.exec(select(Notice).where(Notice.person_id == person.id).order_by(col(Notice.id))))


def mails(session: Session, person: Person) -> list[Mail]:
    return list(session.exec(select(Mail).where(Mail.to_address == person.email).order_by(col(Mail.id))))


# ——— The catalogue ———


@pytest.mark.parametrize("by_mail", [True, False])
@pytest.mark.parametrize("in_portal", [True, False])
@pytest.mark.parametrize("key", CATALOGUE)
def test_only_what_may_be_muted_is_muted(key, by_mail, in_portal):
    expected = {Class.ACCOUNT: (True, False), Class.ACTIVE: (True, True), Class.SEMI: (by_mail, in_portal)}
    assert ways(CATALOGUE[key], by_mail=by_mail, in_portal=in_portal) == expected[CATALOGUE[key].kind]


def test_a_letter_becomes_a_notice():
    text = "\nHello Lin,\n\neach item is here:\nhttps://y.example/my\n\n\nBecause of the seal."
    assert (
        without_letter(text, "Hello Lin,", "https://y.example/my")
        == "Each item is here:\n\nBecause of the seal."
    )
    assert without_letter("Hello Lin,\n\nsee here:\nu", "Hello Lin,", "u") == "See here."
    assert without_letter("林，您好：\n\n结果在这里：\nu", "林，您好：", "u") == "结果在这里。"
    assert without_letter("", "x", "") == ""


CODES = st.integers(1, 10**9 - 1)


@given(person=CODES, other=CODES)
def test_a_code_opens_its_own_door_alone(person, other):
    code = unsubscribe_code("secret", person, TIP)
    assert read_unsubscribe_code("secret", code) == (person, TIP)
    assert read_unsubscribe_code("other", code) is None
    if other != person:
        assert read_unsubscribe_code("secret", code.replace(str(person), str(other), 1)) is None


@given(st.text(max_size=80))
def test_no_words_are_a_code(text):
    assert read_unsubscribe_code("secret", text) is None
    assert read_unsubscribe_code("secret", f"1.notices-tip.{text}") is None


def test_what_may_not_be_muted_has_no_code():
    code = unsubscribe_code("secret", 1, "cases/decided")
    assert read_unsubscribe_code("secret", code) is None


# ——— Telling ———


def test_a_person_is_told_by_mail_and_in_the_portal(session):
    person = make_person(session)
    tell(session, person)
    [mail], [notice] = mails(session, person), notices(session, person)
    assert (notice.title, notice.path, notice.kind, notice.read_at) == (
        mail.subject,
        "/my/cases/1",
        "cases/decided",
        None,
    )
    assert notice.text == "Each item with its verdict is here:\n\nR."
    assert mail.text == (
        f"Hello Lin Zhixia,\n\neach item with its verdict is here:\n{settings().base_url}/my/cases/1\n\nR.\n\n-- \n"
        "You get this because you are an owner of your organisation; what is decided can't be muted.\n"
    )
    assert mail.unsubscribe_path is None


def test_in_the_persons_language(session):
    person = make_person(session, "林知夏", language="zh")
    tell(session, person)
    [mail], [notice] = mails(session, person), notices(session, person)
    assert re.search(r"[\u4e00-\u9fff]", notice.title + notice.text)
    assert "林知夏" not in notice.text
    assert mail.text.splitlines()[-1] == "你收到这条通知，是因为你是机构的负责人；决定类通知不能关闭。"


def test_links_that_open_an_account_are_mailed_alone(session):
    person = make_person(session)
    tell(session, person, "accounts/reset", path="/reset/secret")
    assert (len(mails(session, person)), notices(session, person)) == (1, [])


def test_who_is_no_person_gets_the_mail_alone(session):
    class Reader:
        email, language = "new@example.com", "en"

    send_mail(
        session,
        "cases/decided",
        to=Reader(),
        now=NOW,
        name="N",
        title="T",
        decision="ask",
        reason="",
        path="/x",
    )
    session.flush()
    assert session.exec(select(func.count()).select_from(Notice)).one() == 0
    assert len(session.exec(select(Mail)).all()) == 1


@pytest.mark.parametrize(
    ("by_mail", "in_portal"), [(True, True), (True, False), (False, True), (False, False)]
)
def test_what_is_muted_is_not_sent(session, by_mail, in_portal):
    person = make_person(session)
    actions.choose(session, person.id, TIP, by_mail=by_mail, in_portal=in_portal, by=person.id, now=NOW)
    assert actions.tip(session, person, STEP, now=NOW)
    tell(session, person)
    assert [m.subject for m in mails(session, person)][:-1] == [
        "Your next step: Register your organisation"
    ] * by_mail
    assert [n.kind for n in notices(session, person)] == [TIP] * in_portal + ["cases/decided"]


def test_what_concerns_a_decision_can_not_be_muted(session):
    person = make_person(session)
    for kind in CATALOGUE.keys() - SEMI.keys():
        with pytest.raises(NotFound):
            actions.choose(session, person.id, kind, by_mail=False, in_portal=False, by=person.id, now=NOW)
    session.add(NoticeChoice(person_id=person.id, kind="cases/decided", by_mail=False, in_portal=False))
    tell(session, person)
    assert (len(mails(session, person)), len(notices(session, person))) == (1, 1)


# ——— Pages ———


def test_reading(browse, session):
    person, other = make_person(session), make_person(session, "Other")
    tell(session, person)
    tell(session, person, decision="approve")
    tell(session, other, title="Nobody else's")
    client = browse(person)
    page = client.get("/my/notices")
    assert [" ".join(h.text_content().split()) for h in page.tree.iter("h2")] == [
        "“Pets” is published unread",
        "“Pets” needs more before it is published unread",
    ]
    assert "2 are unread" in page.text
    assert page.tree.find_class("unread")[0].text_content() == "2 unread"
    first, second = (n.id for n in notices(session, person))
    answer = client.post(f"/my/notices/{second}/open", follow=False)
    assert (answer.status, answer.response.headers["location"]) == (303, "/my/cases/1")
    page = client.get("/my/notices")
    assert [" ".join(h.text_content().split()) for h in page.tree.iter("h2")] == [
        "“Pets” needs more before it is published unread",
        "“Pets” is published",
    ]
    read_at = session.get_one(Notice, second).read_at
    client.post(f"/my/notices/{second}/open", follow=False)
    assert session.get_one(Notice, second).read_at == read_at
    [theirs] = notices(session, other)
    assert client.post(f"/my/notices/{theirs.id}/open").status == 404
    assert (
        browse()
        .post(f"/my/notices/{first}/open", follow=False)
        .response.headers["location"]
        .startswith("/sign-in")
    )
    assert client.post("/my/notices/read").said == "All are marked as read."
    assert client.get("/my/notices").tree.find_class("unread") == []
    assert notices(session, other)[0].read_at is None


def test_a_notice_never_leads_away(browse, session):
    person = make_person(session)
    session.add(Notice(person_id=person.id, kind="x", title="T", text="", path="//evil.example", at=NOW))
    client = browse(person)
    [notice] = notices(session, person)
    answer = client.post(f"/my/notices/{notice.id}/open", follow=False)
    assert answer.response.headers["location"] == "/my/notices"


@pytest.mark.parametrize("n", [0, 1, PAGE, PAGE + 1, 2 * PAGE + 5])
def test_pages_follow_one_another_without_gap(browse, session, n):
    person = make_person(session)
    for i in range(n):
        read = NOW if i % 3 == 0 else None
        session.add(Notice(person_id=person.id, kind=TIP, title=f"T{i}", text="", at=NOW, read_at=read))
    expected = [f"T{i}" for i in reversed(range(n)) if i % 3] + [
        f"T{i}" for i in reversed(range(n)) if i % 3 == 0
    ]
    client, seen, path = browse(person), [], "/my/notices"
    while path:
        page = client.get(path)
        seen += [h.text_content().split()[0] for h in page.tree.find_class("notice-title")]
        path = next((link for link in page.links() if "after=" in link), "")
    assert seen == expected


def test_choosing(browse, session):
    person = make_person(session)
    client = browse(person)
    page = client.get("/my/notices/settings")
    assert len(page.tree.xpath("//input[@type='checkbox' and @checked]")) == 2 * len(SEMI)
    names = {kind.name for kind in CATALOGUE.values() if kind.kind is Class.ACTIVE}
    assert {" ".join(li.text_content().split()) for li in page.tree.iter("li")} >= names
    assert (
        client.post("/my/notices/settings", {"in_portal": TIP, "by_mail": "cases/decided"}).said == "Saved."
    )
    client.post("/my/notices/settings", {"in_portal": TIP})
    chosen = {c.kind: (c.by_mail, c.in_portal) for c in session.exec(select(NoticeChoice))}
    assert chosen == dict.fromkeys(SEMI, (False, False)) | {TIP: (False, True)}
    written = session.exec(select(History).where(History.verb == "notices chosen")).all()
    assert len(written) == len(SEMI)  # the second click writes nothing


def test_one_click_and_no_more_mails(browse, session):
    """As a mail program does it: a POST without a cookie, to the address in the header."""
    person = make_person(session)
    actions.tip(session, person, STEP, now=NOW)
    [mail] = mails(session, person)
    message = message_of(mail)
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = re.fullmatch(
        rf"<{re.escape(settings().base_url)}(/unsubscribe/\S+)>", message["List-Unsubscribe"]
    )[1]
    assert f"{settings().base_url}{path}" in mail.text
    stranger = browse()
    assert stranger.get(path).status == 200
    assert session.exec(select(NoticeChoice)).all() == []  # looking changes nothing
    for _ in range(2):
        answer = stranger.client.post(path, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
    session.expire_all()
    [choice] = session.exec(select(NoticeChoice)).all()
    assert (choice.person_id, choice.kind, choice.by_mail, choice.in_portal) == (person.id, TIP, False, True)
    actions.tip(session, person, STEP, now=NOW + timedelta(days=8))
    assert (len(mails(session, person)), len(notices(session, person))) == (1, 2)
    for wrong in (path[:-1], path.replace(f"/{person.id}.", f"/{person.id + 1}."), "/unsubscribe/x"):
        assert stranger.client.post(wrong).status_code == 410
    assert len(session.exec(select(NoticeChoice)).all()) == 1
    tell(session, person)
    assert message_of(mails(session, person)[-1])["List-Unsubscribe"] is None


def test_the_count_comes_with_the_viewer_without_a_query_more(browse, session, connection):
    from sqlalchemy import event

    person = make_person(session)
    make_organisation(session, owner=person)
    for _ in range(3):
        tell(session, person)
    client = browse(person)
    asked: list[str] = []
    event.listen(connection, "before_cursor_execute", lambda *a: asked.append(a[2]))
    from portal.accounts.actions import digest

    viewer = viewer_of_session(session, digest(client.client.cookies["session"]), clock.now())
    assert viewer is not None
    assert (viewer.unread, len([s for s in asked if s.startswith("SELECT")])) == (
        3,
        2,
    )  # the person with the count; the programme


# ——— Tips ———


@pytest.mark.parametrize(
    ("looked", "sent", "due"),
    [
        (None, None, True),
        (0.9, None, False),
        (1.1, None, True),
        (1.1, 6.9, False),
        (1.1, 7.1, True),
        (0.5, 7.1, False),
    ],
)
def test_when_a_tip_is_due(looked, sent, due):
    def ago(days: float | None) -> datetime | None:
        return None if days is None else NOW - timedelta(days=days)

    assert tip_is_due(ago(looked), ago(sent), NOW) is due


def owner_since(session: Session, days: float, **more) -> Person:
    person = make_person(session)
    make_organisation(session, owner=person, at=NOW - timedelta(days=days), **more)
    return person


def test_owners_get_one_tip_a_week(session, monkeypatch):
    owner = owner_since(session, 10, kind=Kind.BRAND, trust=Trust.PROVISIONAL)
    new = owner_since(session, 2, kind=Kind.BRAND, trust=Trust.PROVISIONAL)
    closed = owner_since(session, 10, kind=Kind.BRAND, trust=Trust.CLOSED)
    member = make_person(session)
    organisation = make_organisation(session, at=NOW)
    employ(session, organisation, member, role=Role.DELIVERY, at=NOW - timedelta(days=30))
    session.commit()
    for hours, expected in ((0, 1), (1, 1), (24 * 6, 1), (24 * 7 + 1, 2)):
        now = NOW + timedelta(hours=hours)
        monkeypatch.setattr(clock, "now", lambda now=now: now)
        jobs.sweep_tips()
        session.expire_all()
        assert len(mails(session, owner)) == expected, hours
        assert hours > 1 or mails(session, new) == []
    assert notices(session, owner)[0].title == "Your next step: Have your organisation verified"
    assert notices(session, owner)[0].path == "/my/verification"
    assert [len(mails(session, person)) for person in (closed, member)] == [0, 0]


def test_no_tip_at_night_or_on_sunday(session, monkeypatch):
    owner = owner_since(session, 10, kind=Kind.BRAND, trust=Trust.PROVISIONAL)
    session.commit()
    for now in (NOW.replace(hour=14), NOW - timedelta(days=2)):
        monkeypatch.setattr(clock, "now", lambda now=now: now)
        jobs.sweep_tips()
    assert mails(session, owner) == []


def test_where_there_is_no_step_there_is_no_tip(session):
    owner = owner_since(session, 10)
    assert owners_to_look_at(session, NOW) == [owner.id]
    assert not actions.tip(session, owner, None, now=NOW)
    session.flush()
    assert (mails(session, owner), owners_to_look_at(session, NOW)) == ([], [])
    assert owners_to_look_at(session, NOW + timedelta(days=1)) == [owner.id]
    assert session.get_one(Tip, owner.id).sent_at is None
    assert actions.tip(session, owner, STEP, now=NOW + timedelta(days=1))
    assert not actions.tip(session, owner, STEP, now=NOW + timedelta(days=1))


def test_what_was_read_goes_after_half_a_year(session, monkeypatch):
    person = make_person(session)
    for title, days, read in (("old", 181, True), ("unread", 400, False), ("new", 179, True)):
        at = NOW - timedelta(days=days)
        session.add(
            Notice(person_id=person.id, kind=TIP, title=title, text="", at=at, read_at=at if read else None)
        )
    session.commit()
    monkeypatch.setattr(clock, "now", lambda: NOW)
    jobs.sweep_notices()
    jobs.sweep_notices()
    session.expire_all()
    assert [n.title for n in notices(session, person)] == ["unread", "new"]
