"""Hostile and hasty people at the platform's doors: a sentence each time, nothing twice, nothing of others."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from argon2 import PasswordHasher
from hypothesis import example, given
from hypothesis import strategies as st
from sqlmodel import col, func, select

from portal import clock, i18n
from portal.accounts import actions as accounts
from portal.accounts.models import LoginSession, MailedToken, Person
from portal.accounts.rules import StaffRole, TokenKind
from portal.files.models import StoredFile
from portal.history.models import History
from portal.ledger.models import Fact
from portal.mail.models import Mail
from portal.organisations.actions import invite
from portal.organisations.models import Employment, Organisation, Storefront
from portal.organisations.rules import EmploymentStatus, Kind, Role, Trust
from portal.refusal import Refused
from portal.review.models import Submission
from portal.rights.rules import NO_ROLE
from portal.verification.models import Verification
from portal.web.forms import MOST_FIELDS, plain, whole
from portal.web.html import local_path
from tests.factories import credit_code, employ, make_organisation, make_person
from tests.hostile import NASTY, Alone, ask, is_answer, race, strange, try_all
from tests.hostile_files import png

PDF = b"%PDF-1.4\nlicence\n%%EOF\n"
FORM = (b"content-type", b"application/x-www-form-urlencoded")
PASSWORD = "a long sentence"
STOREFRONT = {
    "headline": "Private domain for pet brands",
    "about": "x",
    "modes": ["full"],
    "fee_model": "monthly",
    "price_low": "50000",
    "price_high": "90000",
    "exclusions": "Advertising",
    "languages": ["zh"],
    "remote": "true",
    "accepting": "true",
    "capacity": "3",
    "min_budget": "1000",
    "refused_industries": ["pets"],
}


def registration(**changes):
    return {
        "kind": "provider",
        "legal_name": "拾光科技（成都）有限公司",
        "short_name": "拾光科技",
        "credit_code": credit_code(),
        "industries": ["pets", "catering"],
        "directions": ["operation"],
        "capabilities": ["community"],
        "province": "sichuan",
        "city": "成都",
        "website": "shiguang.example",
        "about": "x",
    } | changes


def count(session, model) -> int:
    return session.exec(select(func.count()).select_from(model)).one()


@pytest.fixture
def quick_hashes(monkeypatch):
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(accounts, "hasher", quick)
    monkeypatch.setattr(accounts, "_NOBODY", quick.hash("nobody"))


@pytest.fixture(scope="module")
def alone() -> Alone:
    return Alone()


# ——— Text and numbers ———


@given(st.text(st.characters(exclude_categories=()), max_size=200))
@example("a\0b\ud800\u202e\udc00c")
@example("\ud83d\ude00")
def test_plain_text_can_be_kept_and_shown_anywhere(text):
    cleaned = plain(text)
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned
    assert [c for c in cleaned if (ord(c) < 32 and c not in "\t\n\r") or 0xD800 <= ord(c) < 0xE000] == []
    assert plain(cleaned) == cleaned


@given(st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=200))
def test_what_people_write_stays_as_it_is(text):
    if not set(text) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufffe\uffff"):
        assert plain(text) == text


@given(st.text(max_size=30))
@example("²")
@example("１２")
@example("9" * 5000)
@example("-1")
def test_a_whole_number_fits_a_column(text):
    assert 0 <= whole(text) < 10**9


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "/\t\\evil.example",
        "\\\\evil.example",
        "//[",
        "https://evil.example",
        "javascript:alert(1)",
        "/\r\nSet-Cookie: a=b",
        "evil",
        "",
        "/./\\evil",
    ],
)
def test_nobody_is_sent_elsewhere(browse, session, quick_hashes, path):
    assert local_path(path, "/my") == "/my"
    visitor = browse()
    answer = visitor.client.get("/language/en", params={"next": path}, follow_redirects=False)
    assert answer.headers["location"] == "/"
    person = make_person(session)
    person.password_hash = accounts.hasher.hash(PASSWORD)
    session.commit()
    typed = {"email": person.email, "password": PASSWORD, "next": path}
    answer = visitor.post("/sign-in", typed, follow=False)
    assert answer.response.headers["location"] == "/my"


def test_one_who_is_signed_in_is_not_sent_elsewhere_either(browse, session):
    client = browse(make_person(session)).client
    answer = client.get("/sign-in?next=//evil.example", follow_redirects=False)
    assert answer.headers["location"] == "/my"


# ——— Bytes ———


def boundary(token: bytes, part: bytes) -> bytes:
    head = b'--x\r\nContent-Disposition: form-data; name="_csrf_token"\r\n\r\n' + token
    return head + b"\r\n--x\r\n" + part + b"\r\n--x--\r\n"


MULTIPART = (b"content-type", b"multipart/form-data; boundary=x")
FIELD = b'Content-Disposition: form-data; name="name"'
BODIES = {
    "half UTF-8": (FORM, b"name=%FF%FE&email=%ED%A0%80@x.example&password=%00", 422),
    "raw bytes": (FORM, b"name=\xff\xfe", 422),
    "an unknown charset": ((b"content-type", FORM[1] + b"; charset=klingon"), b"name=a", 422),
    "parts of an unknown charset": (
        MULTIPART,
        FIELD + b"\r\nContent-Type: text/plain; charset=klingon\r\n\r\na",
        400,
    ),
    "parts in half UTF-8": (MULTIPART, FIELD + b"\r\n\r\n\xff\xfe", 400),
    "half a character": (MULTIPART, FIELD + b"\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n+2AA-", 422),
    "a codec that is none for text": (
        MULTIPART,
        FIELD + b"\r\nContent-Type: text/plain; charset=rot13\r\n\r\na",
        400,
    ),
    "a file where a word is expected": (MULTIPART, FIELD + b'; filename="a.txt"\r\n\r\nabc', 422),
    "no boundary": ((b"content-type", b"multipart/form-data"), b"x", 400),
    "another boundary": ((b"content-type", b"multipart/form-data; boundary=\xe4"), b"x", 400),
    "too many fields": (FORM, b"a=&" * (MOST_FIELDS + 1), 400),
    "too much": (FORM, b"a=" + b"b" * 1_100_000, 413),
    "JSON": ((b"content-type", b"application/json"), b'{"name": "a"}', 403),
    "no type": ((b"content-type", b";;=,"), b"name=a", 403),
}


@pytest.mark.parametrize("what", BODIES)
def test_a_body_that_is_no_form_gets_a_sentence(app, browse, what):
    kind, body, status = BODIES[what]
    visitor = browse()
    visitor.get("/sign-in")
    token = visitor.client.cookies["csrf"].encode()
    body = boundary(token, body) if kind is MULTIPART else b"_csrf_token=" + token + b"&" + body
    headers = [kind, (b"cookie", b"csrf=" + token)]
    answered, _, text = ask(app, "/sign-up", method="POST", headers=headers, body=body)
    assert (answered, text.count(b"<h1")) == (status, 1)


def test_a_get_with_a_body_is_answered(app):
    for body in (b"x", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--x--\r\n'):
        status, _, text = ask(app, "/sign-in", headers=[MULTIPART], body=body)
        assert (status, text.count(b"<h1")) == (400, 1)


@pytest.mark.parametrize("token", ["", "%E4%B8%AD", "a" * 128, "a" * 64 + "%E4" * 64, "%00"])
def test_a_wrong_token_gets_a_sentence_and_a_new_one(app, browse, token):
    visitor = browse()
    visitor.get("/sign-in")
    cookie = visitor.client.cookies["csrf"].encode()
    status, headers, text = ask(
        app,
        "/sign-up",
        method="POST",
        headers=[FORM, (b"cookie", b"csrf=" + cookie)],
        body=b"name=a&_csrf_token=" + token.encode(),
    )
    assert (status, text.count(b"<h1")) == (403, 1)
    assert headers[b"set-cookie"].startswith(b'csrf=""')


def test_a_token_that_is_a_file_gets_a_sentence(browse):
    visitor = browse()
    visitor.get("/sign-in")
    token = visitor.client.cookies["csrf"].encode()
    answer = visitor.client.post("/sign-up", files={"_csrf_token": ("a.txt", token)})
    assert answer.status_code == 403


def test_a_token_of_another_secret_does_not_lock_anybody_out(browse):
    """As after the secret was changed: the sentence says to reload, and then it works."""
    visitor = browse()
    visitor.client.cookies.set("csrf", "a" * 128, domain="testserver.local", path="/")
    assert visitor.post("/reset", {"email": "a@b.example"}).status == 403
    visitor.get("/reset")
    assert visitor.post("/reset", {"email": "a@b.example"}).status == 200


@pytest.mark.parametrize(
    "cookie",
    [
        b"session=abc",
        b'session="\\377\\376"',
        b"session=%FF%00",
        b"csrf=\xc3\xa9",
        b"csrf=" + b"\xc3\xa9" * 128,
        b"notice=" + b"%5B" * 2500,
        b"notice=" + b"x" * 60_000,
        b"notice=null",
        b"notice=%5B%5B%5D%2C%7B%7D%5D",
        b"notice=%5B%22Saved.%22%2C5%5D",
        b"notice=%5B%22Saved.%22%2C%5B1%5D%5D",
        b"notice=%5B%22Saved.%22%2C%7B%22message%22%3A1%7D%5D",
        b"language=xx",
        b"=;=;=",
        b"a[]=b; session=x",
        b"\x01=\x02",
        b"\xff\xfe",
    ],
)
@pytest.mark.parametrize("path", ["/", "/nowhere", "/my"])
def test_a_broken_cookie_breaks_no_page(app, browse, cookie, path):
    browse()
    status, _, text = ask(app, path, headers=[(b"cookie", cookie)])
    assert status == {"/": 200, "/nowhere": 404, "/my": 303}[path]
    assert text.count(b"<h1") == (path != "/my")


@pytest.mark.parametrize(
    "message", ["<script>alert(1)</script>", "%(n)2000000000s", "%(n)s", "Please call 123"]
)
def test_a_notice_says_only_what_the_portal_says(browse, message):
    visitor = browse()
    notice = quote(json.dumps([message, {"n": 1}]))
    page = visitor.client.get("/sign-in", headers={"cookie": f"notice={notice}"})
    assert page.status_code == 200
    assert 'role="status"' not in page.text or "said" not in page.text
    assert message not in page.text


@pytest.mark.parametrize(
    "header",
    [
        (b"accept-language", b"en;q=nan, zh;q=-inf, de;q="),
        (b"accept-language", b";;;,,,q=1" * 500),
        (b"accept", b"\x00\xff"),
        (b"user-agent", b"\xff" * 5000),
        (b"content-length", b"-5"),
        (b"content-length", b"\xc2\xb2"),
        (b"content-type", b"\xff"),
        (b"host", b"evil.example"),
        (b"x-forwarded-host", b"evil.example"),
        (b"range", b"bytes=-1-"),
        (b"if-modified-since", b"yesterday"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/nowhere", "/static/css/base.css"])
def test_a_strange_header_breaks_no_page(app, browse, header, path):
    browse()
    status, headers, text = ask(app, path, headers=[header])
    assert status == (404 if path == "/nowhere" else 200)
    assert b"evil.example" not in text + b"".join(headers.values())


@pytest.mark.parametrize(
    "path",
    [
        "/static/\0",
        "/static/" + "x" * 5000,
        "/static/../pyproject.toml",
        "/static/..\\pyproject.toml",
        "/static//etc/passwd",
        "/status/" + "9" * 5000,
        "/status/-1",
        "/credentials/\0",
        "/achievements/\0-1",
        "/keys/\0",
        "/providers/\0",
        "/cases/\ufffd",
        "/language/\0",
        "/client/\0",
        "/" + "x" * 50_000,
    ],
)
def test_an_address_that_nothing_has_is_not_there(app, browse, path):
    browse()
    status, headers, _ = ask(app, path)
    assert (status, headers[b"x-content-type-options"]) == (404, b"nosniff")


@pytest.mark.parametrize("path", ["/join", "/confirm", "/reset"])
def test_a_link_that_nobody_mailed_has_run_out(app, browse, path):
    browse()
    assert [ask(app, f"{path}/{token}")[0] for token in ("\0", "x" * 5000, "é")] == [410, 410, 410]


QUERIES = [
    "page=%C2%B2&stars=%C2%B2&q=%00%ff",
    "page=-1&q=%25",
    "page=99999999999999999999",
    "page=1&page=2&q=a&q=b",
    "q='%22*():|%26!%3C-%3E%5C",
    "q=" + "%E4%B8%AD" * 5000,
    "q=%ED%A0%80&industry=%00&family=%00&kind=%00&after=%C2%B2&show=%00&next=%00",
    "after=" + "9" * 5000 + "&blocks=%C2%B2&stars=9&family=zz",
    "q[]=1&page[]=2",
    "%FF=%FF&&&=;",
]


def test_a_garbled_question_is_answered(app, browse, session):
    person = make_person(session, staff=StaffRole.ADMINISTRATOR)
    make_organisation(session, owner=person)
    client = browse(person)
    cookie = (b"cookie", b"session=" + client.client.cookies["session"].encode())
    for path in ("/cases", "/providers", "/verify", "/staff/organisations", "/staff/review", "/staff/briefs"):
        for query in QUERIES:
            assert ask(app, f"{path}?{query}", headers=[cookie])[0] == 200, f"{path}?{query}"
    for path in ("/my/level", "/my/exams", "/my/cases/new", "/my/storefront", "/my", "/rules"):
        for query in QUERIES:
            assert ask(app, f"{path}?{query}", headers=[cookie])[0] in (200, 303), f"{path}?{query}"


# ——— Every field of every form of the platform ———


def test_signing_up_and_in_with_anything(browse, connection, session, quick_hashes):
    visitor = browse()
    wrong = []
    good = {
        "name": "Lin",
        "email": "lin@lin.example",
        "password": "short",
        "next": "/my",
    }  # no hash is computed
    for path in ("/sign-up", "/sign-in", "/reset", "/reset/nothing", "/confirm/nothing"):
        wrong += strange(path, good, try_all(visitor, connection, path, good))
    assert wrong == []


def test_registering_with_anything(browse, connection, session):
    good = registration()
    client = browse(make_person(session))
    assert (
        strange("/my/organisation/new", good, try_all(client, connection, "/my/organisation/new", good)) == []
    )


def test_a_team_and_a_storefront_with_anything(browse, connection, session):
    owner = make_person(session)
    make_organisation(session, owner=owner)
    client = browse(owner)
    forms = {"/my/team": {"email": "new@x.example", "roles": "learner"}, "/my/storefront": STOREFRONT}
    wrong = []
    for path, good in forms.items():
        wrong += strange(path, good, try_all(client, connection, path, good))
    assert wrong == []


def test_a_licence_with_anything(browse, connection, session):
    owner = make_person(session)
    make_organisation(session, owner=owner, trust=Trust.PROVISIONAL)
    client = browse(owner)
    good = {"representative": "Lin", "note": "x"}
    tried = try_all(client, connection, "/my/verification", good, files={"licence": ("a.pdf", PDF)})
    assert strange("/my/verification", good, tried) == []
    page = client.post("/my/verification", good | {"licence": "a text"})
    assert (page.status, page.errors) == (422, ["Please choose the business licence: a PDF, JPEG or PNG."])


@pytest.fixture
def handed_in(browse, session):
    """A licence on the desk: its owner, the organisation, the submission."""
    owner = make_person(session)
    organisation = make_organisation(session, owner=owner, trust=Trust.PROVISIONAL)
    page = browse(owner).post(
        "/my/verification", {"representative": "Lin", "note": NASTY}, files={"licence": ("a.pdf", PDF)}
    )
    assert page.status == 200
    return owner, organisation, session.exec(select(Submission)).one()


def verdicts(verdict="pass", **more):
    items = ("name", "code", "status", "scope", "authority")
    return {f"verdict_{i}": verdict for i in items} | {f"reason_{i}": "because" for i in items} | more


def test_a_decision_with_anything(browse, connection, session, handed_in):
    _, _, submission = handed_in
    reviewer = browse(make_person(session, "Reviewer", staff=StaffRole.REVIEWER))
    path, good = f"/staff/review/{submission.id}", verdicts(decision="ask", reason="x", revision="1")
    assert strange(path, good, try_all(reviewer, connection, path, good)) == []
    session.refresh(submission)
    assert submission.status == "submitted"


def test_answers_with_anything(browse, connection, session, handed_in):
    owner, _, submission = handed_in
    reviewer = browse(make_person(session, "Reviewer", staff=StaffRole.REVIEWER))
    asked = verdicts("fix", decision="ask", reason="x", revision="1")
    assert reviewer.post(f"/staff/review/{submission.id}", asked).status == 200
    client, path = browse(owner), "/my/verification/answers"
    good = {"representative": "Lin"} | {
        f"answer_{i}": "so" for i in ("name", "code", "status", "scope", "authority")
    }
    assert strange(path, good, try_all(client, connection, path, good)) == []


def test_a_domain_with_anything(browse, connection, session):
    owner = make_person(session)
    make_organisation(session, owner=owner)
    good = {"domain": "x.example", "way": "dns"}
    path = "/my/domains"
    assert strange(path, good, try_all(browse(owner), connection, path, good)) == []


# ——— Words that look like code ———


def test_nasty_names_are_only_names(browse, session):
    """Registered, invited, verified and read by everybody: the words stay words, in pages and in mails."""
    owner = make_person(session, NASTY)
    client = browse(owner)
    page = client.post(
        "/my/organisation/new", registration(short_name=NASTY, legal_name=NASTY, city=NASTY, about=NASTY)
    )
    assert page.url == "/my", page.errors
    page = client.post("/my/team", {"email": "new@x.example", "roles": "learner"})
    assert page.said == "Invited. The link in the mail holds for 14 days."
    client.post(
        "/my/verification", {"representative": NASTY, "note": NASTY}, files={"licence": (NASTY + ".pdf", PDF)}
    )
    submission = session.exec(select(Submission)).one()
    reviewer = browse(make_person(session, NASTY, staff=StaffRole.ADMINISTRATOR))
    page = reviewer.get(f"/staff/review/{submission.id}")
    assert page.text.count(NASTY) >= 2
    reasons = {f"reason_{i}": NASTY for i in ("name", "code", "status", "scope", "authority")}
    reviewer.post(
        f"/staff/review/{submission.id}",
        verdicts("fix", decision="ask", reason=NASTY, revision="1") | reasons,
    )
    page = client.get("/my/verification")
    assert page.text.count(NASTY) >= 5
    answers = {f"answer_{i}": NASTY for i in ("name", "code", "status", "scope")}
    client.post(
        "/my/verification/answers",
        {"representative": NASTY} | answers,
        files={"file_authority": (NASTY + ".pdf", PDF)},
    )
    assert client.get("/my/verification").text.count(NASTY) >= 4
    assert reviewer.get(f"/staff/review/{submission.id}").text.count(NASTY) >= 5
    session.refresh(submission)
    revision = str(submission.revision)
    reviewer.post(
        f"/staff/review/{submission.id}", verdicts(decision="approve", reason=NASTY, revision=revision)
    )
    assert session.exec(select(Organisation)).one().trust is Trust.VERIFIED
    organisation = session.exec(select(Organisation)).one()
    suspend = f"/staff/organisations/{organisation.id}/sanctions"
    fields = {"measure": "suspend", "reason_class": "data_leak", "reason": NASTY * 2}
    assert reviewer.post(suspend, fields).status == 200
    for who, paths in {
        client: [
            "/my",
            "/my/team",
            "/my/verification",
            "/my/history",
            "/my/level",
            "/my/storefront",
            "/my/exams",
        ],
        reviewer: [
            "/staff",
            "/staff/history",
            "/staff/organisations",
            f"/staff/organisations/{organisation.id}",
        ],
    }.items():
        for path in paths:
            for language in ("en", "zh"):
                who.client.cookies.set("language", language)
                page = who.get(path)
                assert page.status == (409 if path == "/my/storefront" else 200), path  # suspended by now
                assert page.tree.xpath("//xx") == [], path
                assert "{{7*7}}" in page.response.text or path in (
                    "/my/exams",
                    "/my/storefront",
                    "/my/level",
                ), path
                who.client.cookies.delete("language")
    mails = session.exec(select(Mail).order_by(col(Mail.id))).all()
    assert {NASTY in mail.subject + mail.text for mail in mails} == {True}
    assert [mail.subject for mail in mails if "&" in mail.subject and "&amp;" in mail.subject] == []


def test_a_subject_is_one_line(browse, session):
    owner = make_person(session, "A\r\nBcc: all@x.example")
    organisation = make_organisation(session, owner=owner, legal_name="A\rBcc: all@x.example\x0bB\u2028C")
    employment = invite(
        session, organisation, "new@x.example", {Role.LEARNER: None}, language="en", by=owner, now=clock.now()
    )
    mail = session.exec(select(Mail).where(Mail.to_address == employment.email)).one()
    assert mail.subject == "A Bcc: all@x.example B C invites you"


# ——— Files ———

FILES = {
    "HTML behind a PDF's head": (b"%PDF-1.4\n<html><script>alert(1)</script></html>", 422),
    "a script in a picture of lines": (
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        422,
    ),
    "an archive": (b"PK\x03\x04" + b"\0" * 100, 422),
    "HTML": (b"<!doctype html><script>alert(1)</script>", 422),
    "nothing": (b"", 422),
    "one byte": (b"%", 422),
    "a picture cut off": (png()[:-12], 422),
    "a head alone": (b"\xff\xd8\xff", 422),
    "text": (b"a licence", 422),
    "more than 10 MB": (b"%PDF-1.4\n" + b"0" * (10 * 1024 * 1024) + b"%%EOF", 413),
}


@pytest.mark.parametrize("what", FILES)
def test_a_file_that_is_no_document_gets_a_sentence(browse, session, what):
    content, status = FILES[what]
    owner = make_person(session)
    make_organisation(session, owner=owner, trust=Trust.PROVISIONAL)
    page = browse(owner).post(
        "/my/verification", {"representative": "Lin"}, files={"licence": ("a.pdf", content)}
    )
    assert (page.status, len(page.errors)) == (status, 1)
    assert (page.value("representative"), count(session, StoredFile)) == ("Lin", 0)


# ——— Links that count once, for a while ———


def test_links_that_were_used_or_have_run_out(browse, session):
    person, now = make_person(session, confirmed=False), clock.now()
    past = accounts._mailed_token(session, person, TokenKind.RESET, now - timedelta(seconds=1))
    wrong_kind = accounts._mailed_token(session, person, TokenKind.CONFIRM, now + timedelta(days=1))
    good = accounts._mailed_token(session, person, TokenKind.RESET, now + timedelta(hours=1))
    visitor = browse()
    for token in (past, wrong_kind, "x"):
        assert visitor.get(f"/reset/{token}").status == 410
        assert visitor.post(f"/reset/{token}", {"password": PASSWORD}).status == 410
    assert visitor.post(f"/reset/{good}", {"password": PASSWORD}).status == 200
    assert visitor.post(f"/reset/{good}", {"password": "another sentence"}).status == 410
    session.refresh(person)
    assert accounts.hasher.verify(person.password_hash, PASSWORD)


def test_an_invitation_that_was_used_taken_back_or_has_run_out(browse, session):
    owner, now = make_person(session), clock.now()
    organisation = make_organisation(session, owner=owner)
    person = make_person(session, email="new@x.example")

    def link() -> tuple[str, Employment]:
        employment = invite(
            session, organisation, person.email, {Role.LEARNER: None}, language="en", by=owner, now=now
        )
        mail = session.exec(select(Mail).order_by(col(Mail.id).desc())).first()
        return next(w for w in mail.text.split() if "/join/" in w).rpartition("/")[2], employment

    token, employment = link()
    client, stranger = browse(person), browse(make_person(session, "Stranger"))
    assert stranger.post(f"/my/join/{token}").status == 409  # it went to another address
    employment.expires_at = clock.now() - timedelta(seconds=1)
    session.commit()
    assert (client.get(f"/join/{token}").status, client.post(f"/my/join/{token}").status) == (410, 410)
    token, employment = link()
    session.commit()
    assert (
        browse(owner).post(f"/my/team/{employment.id}/end").said == "Done. Certificates stay with the person."
    )
    assert client.post(f"/my/join/{token}").status == 410
    token, _ = link()
    session.commit()
    assert client.post(f"/my/join/{token}").url == "/my"
    assert client.post(f"/my/join/{token}").status == 410
    assert len(session.exec(select(Fact).where(Fact.person_id == person.id)).all()) == 1


def test_a_session_ends_when_it_ends(browse, session):
    person = make_person(session)
    client = browse(person)
    assert client.get("/my", follow=False).status == 200
    session.exec(select(LoginSession)).one().expires_at = clock.now() - timedelta(seconds=1)
    session.commit()
    assert client.get("/my", follow=False).status == 303


# ——— Who may ———


def test_a_member_does_nothing_that_only_an_owner_may(browse, session, handed_in):
    owner, organisation, _ = handed_in
    member = make_person(session, "Member")
    employ(session, organisation, member)
    boss = session.exec(select(Employment).where(Employment.person_id == owner.id)).one()
    client = browse(member)
    before = {model: count(session, model) for model in (Employment, Verification, StoredFile, Fact, Mail)}
    assert client.post("/my/team", {"email": "new@x.example", "roles": "owner"}).status == 403
    assert client.get("/my/storefront").status == 403
    assert client.post("/my/storefront", STOREFRONT).status == 403
    assert client.get("/my/verification/licence").status == 404
    page = client.post("/my/verification", {"representative": "M"}, files={"licence": ("a.pdf", PDF)})
    assert (page.status, NO_ROLE in page.text) == (403, True)
    assert client.post("/my/level", {"family": "operator", "stars": "3"}).status == 409  # not verified yet
    assert client.post(f"/my/team/{boss.id}/end").status == 403
    assert boss.status is EmploymentStatus.CONFIRMED
    assert {model: count(session, model) for model in before} == before


def test_who_leaves_is_outside_at_once(browse, session):
    owner, member = make_person(session), make_person(session, "Member")
    organisation = make_organisation(session, owner=owner)
    employment = employ(session, organisation, member)
    client = browse(member)
    paths = ("/my/team", "/my/history", "/my/cases", "/my/level", "/my/verification")
    assert [client.get(path).status for path in paths] == [200] * 5
    browse(owner).post(f"/my/team/{employment.id}/end")
    assert [client.get(path).status for path in paths] == [404] * 5
    assert client.get("/my").status == 200
    assert client.get("/my/certificates").status == 200


def test_the_last_owner_stays_and_strangers_end_nothing(browse, session):
    owner = make_person(session)
    organisation = make_organisation(session, owner=owner)
    other = make_person(session, "Other")
    make_organisation(session, "Other", owner=other)
    own = session.exec(select(Employment).where(Employment.organisation_id == organisation.id)).one()
    assert browse(other).post(f"/my/team/{own.id}/end").status == 404
    assert browse(owner).post(f"/my/team/{own.id}/end").status == 409
    assert own.status is EmploymentStatus.CONFIRMED


def test_staff_decide_nothing_about_their_own_organisation(browse, session, handed_in):
    owner, organisation, submission = handed_in
    insider = make_person(session, "Insider", staff=StaffRole.ADMINISTRATOR)
    employment = employ(session, organisation, insider)
    client = browse(insider)

    def knock() -> list[int]:
        path, staff = f"/staff/review/{submission.id}", f"/staff/organisations/{organisation.id}"
        return [
            client.get(path).status,
            client.post(path, verdicts(decision="approve", reason="", revision="1")).status,
            client.get(f"{path}/licence").status,
            client.post(f"{staff}/sanctions", {"reason": "because"}).status,
            client.post(f"{staff}/maturity", {"score": "90", "reason": "because"}).status,
            client.post(
                f"{staff}/practical", {"person": str(insider.id), "code": "P3", "reason": "because"}
            ).status,
        ]

    assert knock() == [404] * 6
    browse(owner).post(f"/my/team/{employment.id}/end")
    assert knock()[:3] == [404] * 3  # who worked there does not review it either
    session.refresh(submission)
    assert submission.status == "submitted"


def test_numbers_that_no_row_has(browse, session):
    person = make_person(session, staff=StaffRole.ADMINISTRATOR)
    make_organisation(session, owner=person)
    client = browse(person)
    for n in (
        "0",
        "-1",
        str(10**20),
        str(10**30),
        "2147483648",
        "9223372036854775808",
        "9" * 4000,
        "²",
        "1e3",
    ):
        for path in (
            "/staff/review/{}",
            "/staff/organisations/{}",
            "/staff/review/{}/licence",
            "/my/cases/{}",
        ):
            assert client.get(path.format(n)).status == 404, (path, n[:30])
        for path in (
            "/my/team/{}/end",
            "/staff/review/{}",
            "/staff/organisations/{}/sanctions",
            "/my/cases/{}/recall",
        ):
            assert client.post(path.format(n), {"reason": "because"}).status == 404, (path, n[:30])


# ——— Twice, and too late ———


def test_forms_sent_twice_make_one(browse, session):
    person = make_person(session)
    client = browse(person)
    fields = registration()
    assert client.post("/my/organisation/new", fields).url == "/my"
    page = client.post("/my/organisation/new", fields)
    assert page.said == "Your organisation is registered already; here it is."
    for _ in range(2):
        page = client.post("/my/team", {"email": "New@x.example", "roles": "learner"})
    assert (page.status, page.errors) == (422, ["This address is invited already, or works here."])
    for _ in range(2):
        page = client.post("/my/verification", {"representative": "L"}, files={"licence": ("a.pdf", PDF)})
    assert page.status == 409
    made = [
        count(session, m)
        for m in (Organisation, Employment, Storefront, Verification, Submission, StoredFile)
    ]
    assert made == [1, 2, 1, 1, 1, 1]


def test_a_stale_storefront_overwrites_nothing(browse, session):
    owner, colleague = make_person(session), make_person(session, "Colleague")
    organisation = make_organisation(session, owner=owner)
    employ(session, organisation, colleague, role=Role.OWNER)
    one, two = browse(owner), browse(colleague)
    revision = one.get("/my/storefront").value("revision")
    page = two.post("/my/storefront", STOREFRONT | {"revision": revision, "headline": "Newer"})
    assert page.said == "Saved."
    page = one.post("/my/storefront", STOREFRONT | {"revision": revision, "headline": "Older"})
    assert (page.status, page.value("headline")) == (422, "Older")
    assert page.errors == [
        "Somebody else has changed this since you opened it. Nothing was saved; what you typed is still here."
    ]
    assert session.get_one(Storefront, organisation.id).headline == "Newer"


def test_a_stale_decision_keeps_the_reviewers_words(browse, session, handed_in):
    _, _, submission = handed_in
    one, two = (browse(make_person(session, n, staff=StaffRole.REVIEWER)) for n in ("One", "Two"))
    path = f"/staff/review/{submission.id}"
    submission.revision += 1  # somebody took it meanwhile
    session.commit()
    page = one.post(path, verdicts("fix", decision="ask", reason="my word", revision="1"))
    assert (page.status, page.value("reason"), page.value("reason_name")) == (409, "my word", "because")
    assert session.get_one(Submission, submission.id).status == "submitted"
    revision = page.value("revision")
    assert two.post(path, verdicts(decision="approve", reason="", revision=revision)).status == 200
    assert one.post(path, verdicts("fail", decision="reject", reason="", revision=revision)).status == 409
    session.refresh(submission)
    assert submission.status == "approved"


# ——— In the same moment ———


def statuses(answers) -> list[int]:
    return sorted(answer.status_code for answer in answers)


def test_two_register_the_same_code_at_once(alone):
    with alone.transaction() as session:
        people = [make_person(session, f"P{n}", email=f"reg{n}@x.example") for n in range(3)]
    posts = [alone.client(person) for person in people]
    fields = registration(kind="brand")
    answers = race(*(lambda post=post: post("/my/organisation/new", fields) for post in posts))
    assert statuses(answers) == [303, 422, 422]
    with alone.transaction() as session:
        code = fields["credit_code"]
        assert len(session.exec(select(Organisation).where(Organisation.credit_code == code)).all()) == 1


def test_one_registers_two_at_once(alone):
    with alone.transaction() as session:
        person = make_person(session, email="two@x.example")
    posts = [alone.client(person) for _ in range(2)]
    answers = race(
        *(lambda post=post: post("/my/organisation/new", registration(kind="brand")) for post in posts)
    )
    assert statuses(answers) in ([303, 303], [303, 409], [303, 422])
    with alone.transaction() as session:
        assert len(session.exec(select(Employment).where(Employment.person_id == person.id)).all()) == 1


def test_one_signs_up_twice_at_once(alone):
    fields = {"name": "Lin", "email": "twice@x.example", "password": PASSWORD}
    posts = [alone.client() for _ in range(3)]
    answers = race(*(lambda post=post: post("/sign-up", fields) for post in posts))
    assert statuses(answers) == [200, 200, 200]
    with alone.transaction() as session:
        assert len(session.exec(select(Person).where(Person.email == fields["email"])).all()) == 1


def test_a_link_is_used_twice_at_once(alone):
    with alone.transaction() as session:
        owner, now = make_person(session, "Owner", email="boss@x.example"), clock.now()
        organisation = make_organisation(session, kind=Kind.BRAND, owner=owner)
        person = make_person(session, "New", email="joins@x.example", confirmed=False)
        invite(session, organisation, person.email, {Role.LEARNER: None}, language="en", by=owner, now=now)
        mail = session.exec(select(Mail).where(Mail.to_address == person.email)).one()
        join = next(w for w in mail.text.split() if "/join/" in w).rpartition("/")[2]
        confirm = accounts._mailed_token(session, person, TokenKind.CONFIRM, now + timedelta(hours=1))
        reset = accounts._mailed_token(session, person, TokenKind.RESET, now + timedelta(hours=1))
    posts = [alone.client(person) for _ in range(3)]
    answers = race(*(lambda post=post: post(f"/my/join/{join}") for post in posts))
    assert statuses(answers) == [303, 410, 410]
    answers = race(*(lambda post=post: post(f"/confirm/{confirm}") for post in posts))
    assert statuses(answers) == [303, 410, 410]
    answers = race(*(lambda post=post: post(f"/reset/{reset}", {"password": PASSWORD}) for post in posts))
    assert statuses(answers) == [303, 410, 410]
    with alone.transaction() as session:
        assert len(session.exec(select(Fact).where(Fact.person_id == person.id)).all()) == 1
        used = session.exec(select(MailedToken).where(MailedToken.person_id == person.id)).all()
        assert [token.used_at is not None for token in used] == [True, True]


def test_the_same_address_is_invited_twice_at_once(alone):
    with alone.transaction() as session:
        owner = make_person(session, email="inviter@x.example")
        organisation = make_organisation(session, kind=Kind.BRAND, owner=owner)
    posts = [alone.client(owner) for _ in range(3)]
    fields = {"email": "one@x.example", "roles": "learner"}
    answers = race(*(lambda post=post: post("/my/team", fields) for post in posts))
    assert statuses(answers) == [303, 422, 422]
    with alone.transaction() as session:
        sent = session.exec(select(Mail).where(Mail.to_address == "one@x.example")).all()
        rows = session.exec(select(Employment).where(Employment.organisation_id == organisation.id)).all()
        assert (len(sent), len(rows)) == (1, 2)


def test_both_owners_leave_at_once(alone):
    with alone.transaction() as session:
        people = [make_person(session, n, email=f"{n}@leave.example") for n in ("a", "b")]
        organisation = make_organisation(session, kind=Kind.BRAND, owner=people[0])
        employ(session, organisation, people[1], role=Role.OWNER)
        rows = session.exec(select(Employment).where(Employment.organisation_id == organisation.id)).all()
        ids = {row.person_id: row.id for row in rows}
    posts = [(alone.client(person), ids[person.id]) for person in people]
    answers = race(*(lambda post=post, i=i: post(f"/my/team/{i}/end") for post, i in posts))
    assert statuses(answers) == [303, 409]


def test_two_decide_at_once_and_differ(alone):
    with alone.transaction() as session:
        owner = make_person(session, email="licence@x.example")
        organisation = make_organisation(session, kind=Kind.BRAND, owner=owner, trust=Trust.PROVISIONAL)
        reviewers = [
            make_person(session, email=f"r{n}@x.example", staff=StaffRole.REVIEWER) for n in range(2)
        ]
    post = alone.client(owner)
    posts = [alone.client(owner) for _ in range(2)]
    upload = {"representative": "L"}
    answers = race(
        *(
            lambda p=p: p("/my/verification", upload, files={"licence": ("a.pdf", PDF)})
            for p in [*posts, post]
        )
    )
    assert statuses(answers) == [303, 409, 409]
    with alone.transaction() as session:
        submission = session.exec(
            select(Submission).where(Submission.organisation_id == organisation.id)
        ).one()
    path = f"/staff/review/{submission.id}"
    yes, no = (alone.client(person) for person in reviewers)
    answers = race(
        lambda: yes(path, verdicts(decision="approve", reason="", revision="1")),
        lambda: no(path, verdicts("fail", decision="reject", reason="", revision="1")),
    )
    assert statuses(answers) == [303, 409]
    with alone.transaction() as session:
        after = session.get_one(Submission, submission.id)
        trust = session.get_one(Organisation, organisation.id).trust
        assert (after.status, trust) in (("approved", "verified"), ("rejected", "provisional"))
        decided = select(History).where(
            History.subject_kind == "verification", col(History.verb).in_(["approved", "refused"])
        )
        mails = select(Mail).where(Mail.to_address == owner.email)
        assert (len(session.exec(decided).all()), len(session.exec(mails).all())) == (1, 1)


# ——— Clocks ———


@pytest.mark.parametrize("second", [-1, 0, 1])
def test_a_link_ends_when_it_says(browse, session, second):
    """Midnight in China is no midnight elsewhere: what is shown is what is enforced, to the second."""
    ends = datetime(2026, 3, 1, 16, 0, tzinfo=UTC)  # midnight in China, afternoon in Europe
    owner = make_person(session)
    organisation = make_organisation(session, owner=owner)
    employment = invite(
        session,
        organisation,
        "a@x.example",
        {Role.LEARNER: None},
        language="en",
        by=owner,
        now=ends - timedelta(days=14),
    )
    from portal.organisations.queries import employment_invited

    found = employment_invited(session, employment.token_hash, ends + timedelta(seconds=second))
    assert (found is not None) == (second < 0)
    with i18n.speaking("en"):
        assert i18n.show_time(employment.expires_at) == "2 Mar 2026, 00:00"


def test_refused_values_fill_their_sentence():
    assert str(Refused("%(n)s left", n="100% %(x)s")) == "100% %(x)s left"


def test_is_answer_knows_a_crash():
    class Broken:
        status = 500

    assert not is_answer(Broken())  # type: ignore[arg-type]
