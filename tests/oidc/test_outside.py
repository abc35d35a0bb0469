"""Sign in by an outside identity, against a real provider."""

import base64
import hmac
import json
import time
from datetime import timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from sqlmodel import col, func, select

from portal import clock
from portal.accounts.actions import hasher
from portal.accounts.models import Ceremony, LoginSession, Person
from portal.accounts.rules import StaffRole
from portal.factors.actions import give_demo_totp, secret_of
from portal.factors.models import Totp
from portal.factors.rules import next_code
from portal.identities.models import Identity, IdentityProof
from portal.identities.provider import ProviderTrouble, _discovered, check_id_token
from portal.mail.models import Mail
from portal.settings import settings
from tests.factories import make_person
from tests.oidc.conftest import serving

NOT_BEGUN = "This sign-in was not begun in this browser, or it has been used or has run out. Begin again."


def outside(client, provider, login, *, start="/sign-in/outside", **more) -> str:
    """Out to the provider and back: the path of the return."""
    answer = client.get(start, follow=False)
    assert answer.status == 303, answer.text
    address = answer.response.headers["location"]
    assert address.startswith(provider.issuer)
    return provider.sign_in(address, login, **more)


def people(session) -> list[str]:
    return list(session.exec(select(Person.email).order_by(Person.id)))


def link(session, address: str) -> str:
    mail = session.exec(select(Mail).where(Mail.to_address == address).order_by(col(Mail.id).desc())).first()
    return next(w for w in mail.text.split() if "/proof/" in w).removeprefix(settings().base_url)


def test_a_new_person(browse, session, provider):
    client = browse()
    assert "Sign in with Acme ID" in client.get("/sign-in").text
    page = client.get(outside(client, provider, "wen", start="/sign-in/outside?next=/my/learning"))
    assert page.url == "/my/learning"
    person = session.exec(select(Person)).one()
    assert (person.email, person.name, person.confirmed_at is not None, person.password_hash) == (
        "wen@example.com",
        "Account wen",
        True,
        "!",
    )
    identity = session.exec(select(Identity)).one()
    assert (identity.issuer, identity.subject, identity.person_id) == (provider.issuer, "wen", person.id)
    assert browse().post("/sign-in", {"email": "wen@example.com", "password": "!"}).status == 422


def test_a_linked_identity_signs_in(browse, session, provider):
    first, second = browse(), browse()
    first.get(outside(first, provider, "ning"))
    page = second.get(outside(second, provider, "ning"))
    assert page.url == "/my"
    assert people(session) == ["ning@example.com"]


def test_an_account_with_the_address_is_linked_only_by_mail(browse, session, provider):
    person = make_person(session, "Yue", email="yue@example.com")
    person.password_hash = "$kept"
    client = browse()
    page = client.get(outside(client, provider, "yue"))
    assert (page.status, "yue@example.com" in page.text) == (200, True)
    assert client.get("/my").url == "/sign-in"
    assert session.exec(select(func.count()).select_from(Identity)).one() == 0
    path = link(session, "yue@example.com")
    # Not in another browser: nobody can be led to let in somebody else.
    other = browse()
    assert other.get(path).status == 410
    assert other.post(path).status == 410
    assert client.get(path).status == 200
    assert client.post(path).url == "/my"
    identity = session.exec(select(Identity)).one()
    assert (identity.person_id, people(session)) == (person.id, ["yue@example.com"])
    assert session.get_one(Person, person.id).password_hash == "$kept"
    assert client.post(path).status == 410
    again = browse()
    assert again.get(outside(again, provider, "yue")).url == "/my"


def test_whoever_proves_the_mailbox_gets_the_account(browse, session, provider):
    """An address typed by somebody else, with their password, before its owner came."""
    squatter = make_person(session, "Squatter", email="an@example.com", confirmed=False)
    squatter.password_hash = hasher.hash("the squatter's sentence")
    theirs = browse(squatter)
    client = browse()
    client.get(outside(client, provider, "an"))
    assert client.post(link(session, "an@example.com")).url == "/my"
    assert theirs.get("/my").url == "/sign-in"
    assert (
        browse().post("/sign-in", {"email": "an@example.com", "password": "the squatter's sentence"}).status
        == 422
    )


def test_an_unproved_mailbox_makes_nothing_until_the_mail(browse, session, provider):
    existing = make_person(session, "Qiu", email="qiu@example.com")
    pages = []
    for login in ("unproved-qiu", "unproved-tang"):
        client = browse()
        pages.append(client.get(outside(client, provider, login)))
    # The same words whether there is an account or not.
    assert pages[0].text.replace("qiu@", "tang@") == pages[1].text
    assert people(session) == ["qiu@example.com"]
    assert session.exec(select(func.count()).select_from(Identity)).one() == 0
    assert client.post(link(session, "tang@example.com")).url == "/my"
    assert people(session) == ["qiu@example.com", "tang@example.com"]
    assert session.exec(select(Identity)).one().person_id != existing.id


def test_without_a_mailbox_there_is_nothing_to_prove(browse, session, provider):
    client = browse()
    page = client.get(outside(client, provider, "nomail"))
    assert (page.status, people(session)) == (409, [])
    assert "The provider told us no e-mail address." in page.text


def test_a_proof_runs_out(browse, session, provider):
    client = browse()
    client.get(outside(client, provider, "unproved-late"))
    session.exec(select(IdentityProof)).one().expires_at = clock.now() - timedelta(seconds=1)
    session.commit()
    assert client.post(link(session, "late@example.com")).status == 410


def test_five_mails_an_hour(browse, session, provider):
    for _ in range(6):
        client = browse()
        assert client.get(outside(client, provider, "unproved-many")).status == 200
    assert session.exec(select(func.count()).select_from(Mail)).one() == 5


# ——— What an attacker or an accident makes of it ———


def test_a_wrong_state(browse, session, provider):
    client = browse()
    path = outside(client, provider, "wen")
    state = session.exec(select(Ceremony)).one().data["state"]
    page = client.get(path.replace(state, "x" * len(state)))
    assert (page.status, NOT_BEGUN in page.text) == (409, True)
    assert client.get(path).status == 409  # what was begun is used up
    assert people(session) == []


def test_another_browser(browse, session, provider):
    path = outside(browse(), provider, "wen")
    victim = browse()
    outside(victim, provider, "wen")
    page = victim.get(path)
    assert (page.status, people(session)) == (409, [])


def test_a_return_that_is_replayed(browse, session, provider):
    client = browse()
    path = outside(client, provider, "wen")
    assert client.get(path).url == "/my"
    assert client.get(path).status == 409
    assert session.exec(select(func.count()).select_from(LoginSession)).one() == 1


def test_a_return_that_comes_too_late(browse, session, provider):
    client = browse()
    path = outside(client, provider, "wen")
    session.exec(select(Ceremony)).one().expires_at = clock.now() - timedelta(seconds=1)
    session.commit()
    assert (client.get(path).status, people(session)) == (409, [])


@pytest.mark.parametrize("what", ["nonce", "verifier"])
def test_an_answer_to_another_question(browse, session, provider, what):
    client = browse()
    path = outside(client, provider, "wen")
    row = session.exec(select(Ceremony)).one()
    row.data = row.data | {what: "x" * 64}
    session.commit()
    page = client.get(path)
    assert (page.status, people(session)) == (502, [])
    assert "Acme ID did not answer as it should." in page.text


def test_another_issuer_in_the_answer(browse, session, provider):
    client = browse()
    path = outside(client, provider, "wen")
    assert "iss=" in path
    head, _, _ = path.partition("iss=")
    assert client.get(f"{head}iss=https://evil.example").status == 502
    assert people(session) == []


def test_somebody_who_cancels(browse, session, provider):
    client = browse()
    path = outside(client, provider, "wen", cancel=True)
    assert "error=access_denied" in path
    page = client.get(path)
    assert (page.status, "You were not signed in there." in page.text) == (409, True)
    assert people(session) == []


def test_a_provider_that_goes_down(browse, session, trusted):
    with serving() as short:
        provider = trusted(short)
        client = browse()
        path = outside(client, provider, "wen")
        provider.stop()
        began = time.monotonic()
        page = client.get(path)
        assert (page.status, people(session)) == (502, [])
        assert time.monotonic() - began < 10
        _discovered.clear()
        assert client.get("/sign-in/outside").status == 502
        assert client.get("/sign-in").status == 200


def test_a_wrong_secret(browse, session, provider, monkeypatch):
    client = browse()
    path = outside(client, provider, "wen")
    monkeypatch.setattr(settings(), "oidc_client_secret", "another")
    assert (client.get(path).status, people(session)) == (502, [])


def test_switched_off_there_is_no_such_page(browse):
    for path in ("/sign-in/outside", "/sign-in/outside/return?code=x&state=y", "/sign-in/outside/proof/x"):
        assert browse().get(path).status in (404, 410), path
    assert "Other ways" not in browse().get("/sign-in").text


# ——— From the security page ———


def test_connect_and_disconnect(browse, session, provider):
    person = make_person(session, "Ke", email="ke@example.com")
    person.password_hash = "$kept"
    client = browse(person)
    page = client.get(outside(client, provider, "elsewhere", start="/my/account/outside"))
    assert (page.url, page.said) == ("/my/account", "Connected. You can sign in with it from now on.")
    identity = session.exec(select(Identity)).one()
    assert (identity.person_id, identity.email) == (person.id, "elsewhere@example.com")
    stranger = browse(make_person(session))
    assert stranger.post(f"/my/account/identities/{identity.id}/remove").status == 404
    page = stranger.get(outside(stranger, provider, "elsewhere", start="/my/account/outside"))
    assert (page.status, session.exec(select(Identity)).one().person_id) == (409, person.id)
    again = browse()
    assert again.get(outside(again, provider, "elsewhere")).url == "/my"
    path = f"/my/account/identities/{identity.id}/remove"
    assert client.post(path).said == "Removed."
    assert client.post(path).status == 404
    assert people(session)[0] == "ke@example.com"


def test_connecting_ends_with_who_began(browse, session, provider):
    """Signed in as somebody else by the time of the return."""
    one, other = make_person(session, "One"), make_person(session, "Other")
    client = browse(one)
    path = outside(client, provider, "mixed", start="/my/account/outside")
    second = browse(other)
    client.client.cookies.set(
        "session", second.client.cookies["session"], domain="testserver.local", path="/"
    )
    assert client.get(path).status == 409
    assert session.exec(select(func.count()).select_from(Identity)).one() == 0


def test_the_last_way_in_stays(browse, session, provider):
    client = browse()
    client.get(outside(client, provider, "only"))
    identity = session.exec(select(Identity)).one()
    page = client.post(f"/my/account/identities/{identity.id}/remove")
    assert (page.status, session.exec(select(func.count()).select_from(Identity)).one()) == (409, 1)


def test_staff_pass_the_second_step_all_the_same(browse, session, provider):
    person = make_person(session, "Staff", email="staff@example.com", staff=StaffRole.REVIEWER)
    give_demo_totp(session, person, now=clock.now())
    session.add(
        Identity(
            person_id=person.id, issuer=provider.issuer, subject="staff", email="", created_at=clock.now()
        )
    )
    session.commit()
    client = browse()
    page = client.get(outside(client, provider, "staff", start="/sign-in/outside?next=/staff"))
    assert (page.url, page.value("next")) == ("/sign-in/second", "/staff")
    assert client.get("/staff").url == "/sign-in"
    code = next_code(secret_of(session.get_one(Totp, person.id), person), clock.now(), 0)
    assert client.post("/sign-in/second", {"code": code, "next": "/staff"}).url == "/staff"


# ——— The ID token ———

KEY = RSAKey.generate_key(2048, parameters={"kid": "1", "use": "sig", "alg": "RS256"})
OTHER = RSAKey.generate_key(2048, parameters={"kid": "1", "use": "sig", "alg": "RS256"})
JWKS = {"keys": [KEY.as_dict(private=False)]}
GOOD = {"iss": "https://id.example", "sub": "me", "aud": "yuqiao", "nonce": "n"}
BAD_CLAIMS = {
    "another issuer": {"iss": "https://evil.example"},
    "no issuer": {"iss": None},
    "no subject": {"sub": None},
    "another audience": {"aud": "somebody"},
    "several audiences without a party": {"aud": ["yuqiao", "somebody"]},
    "another party": {"azp": "somebody"},
    "another nonce": {"nonce": "m"},
    "no nonce": {"nonce": None},
    "run out": {"exp": -61},
    "no end": {"exp": None},
    "from the future": {"iat": 4000},
    "not yet": {"nbf": 4000},
    "another access token": {"at_hash": "x" * 22},
}


@pytest.fixture
def acme(monkeypatch):
    monkeypatch.setattr(settings(), "oidc_issuer", "https://id.example")
    monkeypatch.setattr(settings(), "oidc_client_id", "yuqiao")


def token(claims=None, *, key=KEY, alg="RS256", **header) -> str:
    now = int(clock.now().timestamp())
    whole = GOOD | {"iat": 0, "exp": 300} | (claims or {})
    times = {k: now + v for k, v in whole.items() if k in ("iat", "exp", "nbf") and v is not None}
    whole = {k: v for k, v in (whole | times).items() if v is not None}
    return jwt.encode({"alg": alg, "kid": "1", **header}, whole, key, algorithms=[alg])


def checked(id_token: str, keys=JWKS) -> dict:
    tokens = {"id_token": id_token, "access_token": "a"}
    return check_id_token(tokens, keys, nonce="n", now=clock.now())


def test_a_good_token(acme):
    assert checked(token())["sub"] == "me"
    assert checked(token({"aud": ["yuqiao", "somebody"], "azp": "yuqiao"}))["sub"] == "me"
    assert checked(token({"exp": -30}))["sub"] == "me"  # clocks differ a little


@pytest.mark.parametrize("what", BAD_CLAIMS)
def test_a_token_that_says_something_else(acme, what):
    with pytest.raises(ProviderTrouble):
        checked(token(BAD_CLAIMS[what]))


def test_a_token_that_somebody_else_signed(acme):
    with pytest.raises(ProviderTrouble):
        checked(token(key=OTHER))


def packed(value: dict | bytes) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def test_a_token_that_nobody_signed(acme):
    head, body, _ = token().split(".")
    none = packed({"alg": "none"})
    for forged in (f"{none}.{body}.", f"{head}.{body}.", f"{none}.{body}.x", "", "x", "a.b.c"):
        with pytest.raises(ProviderTrouble):
            checked(forged)


def test_a_token_signed_with_what_everybody_can_read(acme):
    signed = f"{packed({'alg': 'HS256', 'kid': '1'})}.{token().split('.')[1]}"
    for public in (KEY.as_pem(private=False), KEY.as_der(private=False)):
        forged = f"{signed}.{packed(hmac.digest(public, signed.encode(), 'sha256'))}"
        for keys in (JWKS, {"keys": [{"kty": "oct", "kid": "1", "k": packed(public)}]}):
            with pytest.raises(ProviderTrouble):
                checked(forged, keys)
