"""Signing in and out, a forgotten password, how often, and in which language."""

from datetime import timedelta

import pytest
from sqlmodel import func, select

from portal import clock
from portal.accounts import actions
from portal.accounts.actions import digest, hasher
from portal.accounts.jobs import sweep_resets
from portal.accounts.models import LoginSession, MailedToken, Person
from portal.i18n import choose
from portal.limits.actions import count_attempt
from portal.mail.models import Mail
from portal.web.html import local_path
from tests.factories import make_person

PASSWORD = "a long sentence"
HASH = hasher.hash(PASSWORD)
WRONG = "Address or password is wrong. Check both, or reset your password."
TOO_MANY = "Too many attempts. Please wait ten minutes, or reset your password."


@pytest.fixture
def person(session) -> Person:
    person = make_person(session, "Lin Zhixia", email="lin@example.com")
    person.password_hash = HASH
    session.flush()
    return person


def sign_in(client, email="lin@example.com", password=PASSWORD, **more):
    return client.post("/sign-in", {"email": email, "password": password, **more})


def sessions_of(session, person) -> int:
    return session.exec(
        select(func.count()).select_from(LoginSession).where(LoginSession.person_id == person.id)
    ).one()


def test_in_and_out(browse, session, person):
    client = browse()
    assert sign_in(client, " LIN@example.com ").url == "/my"
    assert client.get("/my").url == "/my"
    token = client.client.cookies["session"]
    [row] = session.exec(select(LoginSession).where(LoginSession.person_id == person.id))
    assert (row.token_hash, row.token_hash == token) == (digest(token), False)
    assert client.post("/sign-out").url == "/"
    assert sessions_of(session, person) == 0
    client.client.cookies.set("session", token)
    assert client.get("/my").url == "/sign-in"


def test_the_cookie_is_for_the_server_alone(browse, person):
    client = browse()
    client.get("/sign-in")
    data = {"email": "lin@example.com", "password": PASSWORD, "_csrf_token": client.client.cookies["csrf"]}
    answer = client.client.post("/sign-in", data=data, follow_redirects=False)
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("session="))
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()


def test_a_session_that_a_browser_brought_along_is_never_kept(browse, person):
    client = browse()
    client.get("/sign-in")
    client.client.cookies.set("session", "chosen-by-somebody-else", domain="testserver.local", path="/")
    assert sign_in(client).url == "/my"
    assert client.client.cookies["session"] != "chosen-by-somebody-else"


def test_each_sign_in_is_a_session_of_its_own(browse, session, person):
    first, second = browse(), browse()
    sign_in(first)
    sign_in(second)
    assert first.client.cookies["session"] != second.client.cookies["session"]
    first.post("/sign-out")
    assert second.get("/my").url == "/my"


def test_a_session_ends_after_its_days(browse, session, person):
    client = browse()
    token = actions.open_session(session, person, browser="", now=clock.now() - timedelta(days=30, seconds=1))
    session.commit()
    client.client.cookies.set("session", token)
    assert client.get("/my").url == "/sign-in"


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("lin@example.com", "another sentence"),
        ("nobody@example.com", PASSWORD),
        ("lin@example.com", PASSWORD.upper()),
    ],
)
def test_the_answer_is_the_same_whoever_it_is(browse, person, email, password):
    page = sign_in(browse(), email, password)
    assert (page.status, page.errors) == (422, [WRONG])
    assert page.value("email") == email
    assert page.value("password") in (None, "")


def test_ten_attempts_in_ten_minutes(browse, person):
    client = browse()
    for _ in range(10):
        assert sign_in(client, password="wrong sentence").errors == [WRONG]
    assert sign_in(client).errors == [TOO_MANY]  # the right one no longer helps who guesses
    assert sign_in(browse()).errors == [TOO_MANY]  # nor from another browser
    assert sign_in(client, "other@example.com").errors == [WRONG]


def test_attempts_are_forgotten_after_their_time(session):
    def tried(key, seconds):
        return count_attempt(session, key, most=2, seconds=10, now=at + timedelta(seconds=seconds))

    at = clock.now()
    assert [tried("x", n) for n in range(3)] == [True, True, False]
    assert tried("y", 3)
    assert [tried("x", n) for n in (9.9, 10, 11, 12)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ("/my/learning", "/my/learning"),
        ("/my?x=1", "/my?x=1"),
        ("https://evil.example/", "/my"),
        ("//evil.example/", "/my"),
        ("/\\evil.example/", "/my"),
        ("/\t/evil.example/", "/my"),
        ("javascript:alert(1)", "/my"),
        ("my", "/my"),
        ("", "/my"),
        (None, "/my"),
    ],
)
def test_only_to_places_of_ours(wanted, path):
    assert local_path(wanted, "/my") == path


def test_back_to_where_one_was(browse, person):
    client = browse()
    page = client.get("/my/certificates")
    assert (page.url, page.value("next")) == ("/sign-in", "/my/certificates")
    assert sign_in(client, next=page.value("next")).url == "/my/certificates"
    assert sign_in(browse(), next="https://evil.example/").url == "/my"


# ——— A forgotten password ———


def link(session, address: str = "lin@example.com") -> str:
    session.commit()
    sweep_resets()
    mail = session.exec(
        select(Mail).where(Mail.to_address == address, Mail.text.contains("/reset/")).order_by(Mail.id.desc())
    ).first()
    return next(word for word in mail.text.split() if "/reset/" in word).removeprefix("http://127.0.0.1:8000")


def test_a_new_password(browse, session, person):
    elsewhere = browse(person)
    client = browse()
    assert client.post("/reset", {"email": "LIN@example.com"}).status == 200
    address = link(session)
    assert client.get(address).status == 200
    page = client.post(address, {"password": "another long sentence"})
    assert (page.url, page.said) == ("/my", "Your password is changed; other browsers are signed out.")
    assert elsewhere.get("/my").url == "/sign-in"
    assert sign_in(browse()).errors == [WRONG]
    assert sign_in(browse(), password="another long sentence").url == "/my"


def test_a_reset_link_works_once_and_a_bad_password_does_not_use_it_up(browse, session, person):
    client = browse()
    client.post("/reset", {"email": "lin@example.com"})
    address = link(session)
    for bad in ("", "short", "password123", "aaaaaaaaaaaa", "x" * 129):
        page = client.post(address, {"password": bad})
        assert (page.status, len(page.errors)) == (422, 1), bad
    assert client.post(address, {"password": "another long sentence"}).url == "/my"
    other = browse()
    assert other.get(address).status == 410
    assert other.post(address, {"password": "yet another sentence"}).status == 410
    assert sign_in(browse(), password="another long sentence").url == "/my"


def test_a_reset_link_ends_after_two_hours(browse, session, person):
    actions.ask_reset(session, "lin@example.com", now=clock.now() - timedelta(hours=2, seconds=1))
    session.flush()
    client = browse()
    assert client.get(link(session)).status == 410
    assert client.post(link(session), {"password": "another long sentence"}).status == 410
    assert sign_in(browse()).url == "/my"


def test_a_link_that_confirms_does_not_reset(browse, session, person):
    actions.send_confirmation(session, person, now=clock.now())
    session.flush()
    mail = session.exec(select(Mail)).one()
    token = next(w for w in mail.text.split() if "/confirm/" in w).rsplit("/", 1)[-1]
    assert browse().post(f"/reset/{token}", {"password": "another long sentence"}).status == 410
    actions.ask_reset(session, "lin@example.com", now=clock.now())
    session.flush()
    token = link(session).rsplit("/", 1)[-1]
    assert browse().post(f"/confirm/{token}").status == 410


def test_nobody_learns_who_has_an_account(browse, session, person):
    known, unknown = (
        browse().post("/reset", {"email": e}) for e in ("lin@example.com", "nobody@example.com")
    )
    assert known.text == unknown.text
    sweep_resets()
    assert [m.to_address for m in session.exec(select(Mail))] == ["lin@example.com"]


def test_five_reset_mails_an_hour(browse, session, person):
    client = browse()
    for _ in range(7):
        assert client.post("/reset", {"email": "lin@example.com"}).status == 200
    sweep_resets()
    assert session.exec(select(func.count()).select_from(MailedToken)).one() == 5


def test_an_address_that_is_none(browse):
    page = browse().post("/reset", {"email": "nobody"})
    assert (page.status, len(page.errors)) == (422, 1)


def test_the_link_again_only_while_it_is_needed(browse, session):
    new = make_person(session, "New", confirmed=False)
    client = browse(new)
    client.post("/my/confirm-again")
    assert session.exec(select(func.count()).select_from(Mail)).one() == 1
    new.confirmed_at = clock.now()
    session.commit()
    client.post("/my/confirm-again")
    assert session.exec(select(func.count()).select_from(Mail)).one() == 1


# ——— The language ———

ACCEPT = [
    ("", "zh"),
    ("en", "en"),
    ("en-GB,en;q=0.9", "en"),
    ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
    ("en;q=0.8,zh;q=0.9", "zh"),
    ("en;q=0.9,zh-TW;q=0.8", "en"),
    ("fr", "zh"),
    ("fr,en;q=0.1", "en"),
    ("en;q=nothing", "zh"),
    ("*", "zh"),
    (";;;,,,", "zh"),
    ("EN-us", "en"),
]


@pytest.mark.parametrize(("accept", "language"), ACCEPT)
def test_the_browsers_language(accept, language):
    assert choose(accept) == language


def lang(page) -> str:
    return page.tree.get("lang")


@pytest.mark.parametrize(("accept", "language"), [("en", "en"), ("zh-CN", "zh-CN")])
def test_pages_and_errors_speak_it(browse, accept, language):
    client = browse(language=accept)
    for path in ("/", "/sign-in", "/rules", "/no/such/page", "/verify"):
        assert lang(client.get(path)) == language


def test_a_switch_that_stays(browse):
    client = browse(language="en")
    page = client.get("/language/zh?next=/rules")
    assert (page.url, lang(page)) == ("/rules", "zh-CN")
    assert lang(client.get("/sign-in")) == "zh-CN"
    assert lang(client.get("/language/en?next=/sign-in")) == "en"


@pytest.mark.parametrize("path", ["/language/fr", "/language/zh_CN", "/language/ZH"])
def test_a_language_we_do_not_speak(browse, path):
    assert browse().get(path).status == 404


@pytest.mark.parametrize("after", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_the_switch_leads_nowhere_else(browse, after):
    answer = browse().client.get("/language/zh", params={"next": after}, follow_redirects=False)
    assert answer.headers["location"] == "/"


def test_a_cookie_with_another_language_is_not_believed(browse):
    client = browse(language="en")
    client.client.cookies.set("language", "../../etc")
    assert lang(client.get("/rules")) == "en"


def test_mails_speak_their_readers_language(browse, session):
    for language, subject in (("zh", "域桥新密码"), ("en", "A new password for Yuqiao")):
        person = make_person(session, "Reader", email=f"{language}@example.com", language=language)
        session.commit()
        browse(language="en").post("/reset", {"email": person.email})
        sweep_resets()
        mail = session.exec(select(Mail).where(Mail.to_address == person.email)).one()
        assert (mail.subject == subject) or language == "zh", mail.subject
        assert (mail.subject.isascii()) == (language == "en")
