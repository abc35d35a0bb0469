"""Authenticator apps, recovery codes, the second step."""

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import col, func, select

from portal import clock
from portal.accounts import actions as accounts
from portal.accounts.actions import hasher
from portal.accounts.models import LoginSession, Person
from portal.accounts.rules import WAITING_LASTS, StaffRole
from portal.factors.actions import demo_code, give_demo_totp, secret_of
from portal.factors.command import forget_factors
from portal.factors.models import Passkey, RecoveryCode, Totp
from portal.factors.rules import in_groups, next_code, plain, step_of, step_taken
from portal.factors.sealing import keyed_hash, seal, unseal
from portal.history.models import History
from portal.mail.models import Mail
from portal.settings import Settings
from portal.staffing.actions import appoint
from tests.factories import make_person

PASSWORD = "a long sentence"
HASH = hasher.hash(PASSWORD)
WRONG = "This code is wrong or has been used. Take the one shown now."
TOO_MANY = "Too many attempts. Please wait ten minutes."


@pytest.fixture
def person(session) -> Person:
    person = make_person(session, "Lin Zhixia", email="lin@example.com")
    person.password_hash = HASH
    session.flush()
    return person


def set_up(client, session, person) -> tuple[str, list[str]]:
    """(secret, recovery codes) of somebody who has just set up an app."""
    assert client.post("/my/account/totp/begin").url == "/my/account/totp"
    secret = secret_of(session.get_one(Totp, person.id), person)
    page = client.post("/my/account/totp", {"code": pyotp.TOTP(secret).now()})
    return secret, [li.text_content() for li in page.tree.xpath("//ul[contains(@class, 'recovery')]/li")]


def forget_last_code(session, person) -> None:
    session.get_one(Totp, person.id).last_step = 0
    session.commit()


def first_step(client, **more):
    return client.post("/sign-in", {"email": "lin@example.com", "password": PASSWORD, **more})


# ——— Rules ———

AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
SECRET = "JBSWY3DPEHPK3PXP" * 2
TOTP = pyotp.TOTP(SECRET)


@pytest.mark.parametrize(("off", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_one_step_off(off, good):
    code = TOTP.at(AT + timedelta(seconds=30 * off))
    assert (step_taken(SECRET, code, AT, 0) is not None) == good


def test_a_code_is_taken_once_and_so_are_those_before_it():
    step = step_taken(SECRET, TOTP.at(AT), AT, 0)
    assert step == step_of(AT)
    assert step_taken(SECRET, TOTP.at(AT), AT, step) is None
    assert step_taken(SECRET, TOTP.at(AT - timedelta(seconds=30)), AT, step) is None
    assert step_taken(SECRET, TOTP.at(AT + timedelta(seconds=30)), AT, step) == step + 1


@given(st.text(max_size=40))
def test_any_text_is_a_code_that_may_be_wrong(text):
    assert step_taken(SECRET, text, AT, 0) in (None, *range(step_of(AT) - 1, step_of(AT) + 2))


def test_codes_as_people_type_them():
    assert plain(" 123 456 ") == "123456"
    assert plain("ABCD-efgh 2345") == "abcdefgh2345"
    assert plain("１２３４５６") == ""
    assert in_groups("ABCDEFGH") == "ABCD EFGH"


def test_the_next_code_is_one_that_is_taken():
    last = 0
    for _ in range(2):
        code = next_code(SECRET, AT, last)
        last = step_taken(SECRET, code, AT, last)
    assert next_code(SECRET, AT, last) is None


def test_a_sealed_secret_is_read_only_as_its_owners(monkeypatch):
    sealed = seal("secret", "one")
    assert "secret" not in sealed
    assert seal("secret", "one") != sealed
    assert unseal(sealed, "one") == "secret"
    with pytest.raises(InvalidTag):
        unseal(sealed, "other")
    assert keyed_hash("x", "one") != keyed_hash("x", "other")
    monkeypatch.setattr(
        "portal.factors.sealing.settings", lambda: Settings(_env_file=None, secret_key="y" * 40)
    )
    with pytest.raises(InvalidTag):
        unseal(sealed, "one")


# ——— Setting up ———


def test_an_app_is_set_up(browse, session, person):
    client = browse(person)
    before = client.client.cookies["session"]
    secret, codes = set_up(client, session, person)
    assert (len(codes), len(set(codes))) == (10, 10)
    assert client.client.cookies["session"] != before
    row = session.get_one(Totp, person.id)
    assert row.confirmed_at is not None
    assert secret not in row.sealed
    stored = session.exec(select(RecoveryCode.code_hash)).all()
    assert not set(stored) & {plain(c) for c in codes}
    page = client.get("/my/account")
    assert ("since" in page.text, "10 codes are left." in page.text) == (True, True)
    assert client.get("/my/account/totp").url == "/my/account"
    told = session.exec(select(Mail.text)).all()
    assert ["An authenticator app was added." in text for text in told] == [True]
    for row in session.exec(select(History)):
        assert secret not in f"{row.before}{row.after}{row.reason}"
        assert not any(c in f"{row.before}{row.after}{row.reason}" for c in codes)


def test_the_key_is_shown_as_text_and_picture(browse, session, person):
    client = browse(person)
    page = client.post("/my/account/totp/begin")
    secret = secret_of(session.get_one(Totp, person.id), person)
    assert in_groups(secret) in page.text
    assert len(page.tree.xpath("//main//*[local-name()='svg'][contains(@class, 'qr')]")) == 1
    assert any(link.startswith("otpauth://totp/Yuqiao:lin%40example.com?") for link in page.links())


def test_an_app_counts_only_after_its_first_code(browse, session, person):
    client = browse(person)
    client.post("/my/account/totp/begin")
    page = client.post("/my/account/totp", {"code": "000000"})
    assert (page.status, page.errors) == (
        422,
        ["This code is wrong. Take the one shown now; is the clock of the phone right?"],
    )
    assert session.get_one(Totp, person.id).confirmed_at is None
    assert first_step(browse()).url == "/my"
    # Begun again, the secret is another.
    old = session.get_one(Totp, person.id).sealed
    client.post("/my/account/totp/begin")
    assert session.get_one(Totp, person.id).sealed != old


def test_a_second_press_is_refused(browse, session, person):
    client = browse(person)
    secret, _ = set_up(client, session, person)
    assert client.post("/my/account/totp", {"code": pyotp.TOTP(secret).now()}).status == 409
    assert client.post("/my/account/totp/begin").status == 409


def test_an_unconfirmed_address_gets_no_factor(browse, session):
    client = browse(make_person(session, "New", confirmed=False))
    for path in ("totp/begin", "passkeys/options"):
        assert client.post(f"/my/account/{path}").status == 409
    assert session.exec(select(func.count()).select_from(Totp)).one() == 0


def test_removed_it_asks_no_more(browse, session, person):
    client = browse(person)
    set_up(client, session, person)
    assert client.post("/my/account/totp/remove").said == "Removed."
    assert session.exec(select(func.count()).select_from(RecoveryCode)).one() == 0
    assert first_step(browse()).url == "/my"
    assert session.exec(select(Mail.text).order_by(col(Mail.id).desc())).first().count("was removed") == 1


# ——— The second step ———


def test_both_steps(browse, session, person):
    secret, _ = set_up(browse(person), session, person)
    forget_last_code(session, person)
    client = browse()
    page = first_step(client, next="/my/learning")
    assert (page.url, page.value("next")) == ("/sign-in/second", "/my/learning")
    waiting = client.client.cookies["session"]
    assert client.get("/my").url == "/sign-in"  # no right yet
    page = client.post("/sign-in/second", {"code": pyotp.TOTP(secret).now(), "next": page.value("next")})
    assert page.url == "/my/learning"
    assert client.client.cookies["session"] != waiting
    other = browse()
    other.client.cookies.set("session", waiting)
    assert other.get("/sign-in/second").url == "/sign-in"
    assert other.get("/my").url == "/sign-in"
    assert client.get("/sign-in/second?next=//evil.example").url == "/my"


def test_a_code_is_taken_once_by_the_page_too(browse, session, person):
    secret, _ = set_up(browse(person), session, person)
    forget_last_code(session, person)
    code = pyotp.TOTP(secret).now()
    first, second = browse(), browse()
    first_step(first)
    first_step(second)
    assert first.post("/sign-in/second", {"code": code}).url == "/my"
    page = second.post("/sign-in/second", {"code": code})
    assert (page.status, page.errors) == (422, [WRONG])


def test_a_recovery_code_is_taken_once(browse, session, person):
    _, codes = set_up(browse(person), session, person)
    client = browse()
    first_step(client)
    assert client.post("/sign-in/second", {"code": codes[3].upper().replace("-", " ")}).url == "/my"
    assert "9 codes are left." in client.get("/my/account").text
    again = browse()
    first_step(again)
    assert again.post("/sign-in/second", {"code": codes[3]}).errors == [WRONG]
    assert again.post("/sign-in/second", {"code": codes[4]}).url == "/my"
    texts = session.exec(select(Mail.text)).all()
    assert sum("A recovery code was used" in text for text in texts) == 2
    assert not any(code in text for text in texts for code in codes)


def test_new_recovery_codes_end_the_old(browse, session, person):
    client = browse(person)
    _, old = set_up(client, session, person)
    page = client.post("/my/account/recovery")
    new = [li.text_content() for li in page.tree.xpath("//ul[contains(@class, 'recovery')]/li")]
    assert (len(new), set(new) & set(old)) == (10, set())
    client = browse()
    first_step(client)
    assert client.post("/sign-in/second", {"code": old[0]}).errors == [WRONG]
    assert client.post("/sign-in/second", {"code": new[0]}).url == "/my"


def test_nobody_elses_code_is_taken(browse, session, person):
    other = make_person(session, "Other", email="other@example.com")
    other.password_hash = HASH
    _, theirs = set_up(browse(other), session, other)
    set_up(browse(person), session, person)
    client = browse()
    first_step(client)
    assert client.post("/sign-in/second", {"code": theirs[0]}).errors == [WRONG]


def test_without_a_factor_there_are_no_recovery_codes(browse, session, person):
    assert browse(person).post("/my/account/recovery").status == 409


def test_wrong_codes_end(browse, session, person):
    secret, codes = set_up(browse(person), session, person)
    forget_last_code(session, person)
    client = browse()
    first_step(client)
    for _ in range(10):
        assert client.post("/sign-in/second", {"code": "000000"}).errors == [WRONG]
    assert client.post("/sign-in/second", {"code": pyotp.TOTP(secret).now()}).errors == [TOO_MANY]
    # The password typed again opens no more than twenty within the hour.
    again = browse()
    first_step(again)
    said = [again.post("/sign-in/second", {"code": "000000"}).errors for _ in range(10)]
    assert said == [[WRONG]] * 9 + [[TOO_MANY]]
    last = browse()
    first_step(last)
    assert last.post("/sign-in/second", {"code": codes[0]}).errors == [TOO_MANY]


def test_who_waits_too_long_begins_again(browse, session, person):
    secret, _ = set_up(browse(person), session, person)
    client = browse()
    first_step(client)
    row = session.exec(select(LoginSession).where(col(LoginSession.waits))).one()
    assert row.expires_at - row.created_at == WAITING_LASTS
    row.expires_at = clock.now() - timedelta(seconds=1)
    session.commit()
    assert client.post("/sign-in/second", {"code": pyotp.TOTP(secret).now()}).url == "/sign-in"


def test_strangers_are_sent_to_sign_in(browse):
    client = browse()
    assert client.get("/sign-in/second").url == "/sign-in"
    for path in ("/sign-in/second", "/sign-in/second/passkey", "/sign-in/second/passkey/options"):
        assert client.post(path, {"code": "123456", "credential": "{}"}).url == "/sign-in"


def test_a_link_by_mail_is_only_the_first_step(browse, session, person):
    set_up(browse(person), session, person)
    request = accounts.ask_reset(session, person.email, now=clock.now())
    accounts.answer_reset(session, request.id, now=clock.now())
    session.commit()
    mail = session.exec(select(Mail).where(Mail.text.contains("/reset/"))).one()
    path = next(w for w in mail.text.split() if "/reset/" in w).removeprefix("http://127.0.0.1:8000")
    client = browse()
    page = client.post(path, {"password": "another sentence"})
    assert (page.url, page.said) == (
        "/sign-in/second",
        "Your password is changed; other browsers are signed out.",
    )
    assert client.get("/my").url == "/sign-in"


def test_staff_set_up_their_factor_and_are_let_in(browse, session, person):
    appoint(session, person, StaffRole.REVIEWER, by=None, now=clock.now())
    session.commit()
    client = browse()
    assert first_step(client, next="/staff/review").url == "/my/account"
    secret, _ = set_up(client, session, person)
    assert client.get("/staff").url == "/staff"
    # A session from before has to pass it, too.
    forget_last_code(session, person)
    old = browse()
    token = accounts.open_session(session, person, browser="", now=clock.now())
    session.commit()
    old.client.cookies.set("session", token, domain="testserver.local", path="/")
    page = old.get("/staff/review")
    assert page.url == "/sign-in/second"
    page = old.post("/sign-in/second", {"code": pyotp.TOTP(secret).now(), "next": page.value("next")})
    assert page.url == "/staff/review"
    assert old.client.cookies["session"] != token


# ——— The demo ———


@pytest.mark.parametrize(
    ("demo", "production", "fictional", "shown"),
    [
        (True, False, True, True),
        (False, False, True, False),
        (True, True, True, False),
        (True, False, False, False),
    ],
)
def test_the_code_is_shown_only_for_people_of_a_demo(
    session, person, monkeypatch, demo, production, fictional, shown
):
    chosen = Settings(
        _env_file=None,
        secret_key="test-" * 8,
        demo=demo,
        environment="production" if production else "development",
    )
    person.is_demo = fictional
    give_demo_totp(session, person, now=clock.now())
    session.flush()
    monkeypatch.setattr("portal.factors.actions.settings", lambda: chosen)
    assert (demo_code(session, person, now=clock.now()) is not None) == shown


# ——— Passkeys, as far as they need no browser ———


def test_a_passkey_belongs_to_its_owner(browse, session, person):
    passkey = Passkey(
        person_id=person.id,
        credential_id="abc",
        public_key="abc",
        sign_count=2**32 - 1,
        name="Phone",
        created_at=clock.now(),
    )
    session.add(passkey)
    session.commit()
    path = f"/my/account/passkeys/{passkey.id}/remove"
    assert browse(make_person(session)).post(path).status == 404
    client = browse(person)
    assert "Phone" in client.get("/my/account").text
    assert client.post(path).said == "Removed."
    assert client.post(path).status == 404
    assert session.exec(select(func.count()).select_from(Passkey)).one() == 0


@pytest.mark.parametrize("credential", ["", "{}", "[]", "null", '{"id": "abc", "rawId": 5}', "x" * 30_000])
def test_what_is_no_passkey_opens_nothing(browse, session, person, credential):
    client = browse()
    assert client.post("/sign-in/passkey/options").status == 200
    assert client.post("/sign-in/passkey", {"credential": credential}).url == "/sign-in"
    signed_in = browse(person)
    signed_in.post("/my/account/passkeys/options")
    page = signed_in.post("/my/account/passkeys", {"name": "Phone", "credential": credential})
    assert page.said == "The passkey was not added. Give it a name and try again."


def test_who_lost_everything_gets_back_by_the_command_line(browse, session, person, capsys):
    client = browse(person)
    set_up(client, session, person)
    session.commit()
    assert forget_factors(person.email) == 0
    assert session.exec(select(func.count()).select_from(Totp)).one() == 0
    assert session.exec(select(func.count()).select_from(RecoveryCode)).one() == 0
    assert client.get("/my/account").url == "/sign-in"
    [row] = session.exec(select(History).where(History.verb == "second factors forgotten"))
    assert (row.subject_id, row.actor_id) == (person.id, None)
    mail = session.exec(select(Mail).order_by(col(Mail.id).desc())).first()
    assert "All your second factors were removed by an administrator." in mail.text
    assert forget_factors("nobody@x.example") == 1
    assert capsys.readouterr().err == "There is no account with the address nobody@x.example.\n"
