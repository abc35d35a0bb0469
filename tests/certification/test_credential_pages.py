"""What anyone can check: the page, the signed file, the keys, the list of bits, and a file held against ours."""

import json
import time
from datetime import timedelta

import pytest
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import import_key
from sqlmodel import select

from certification.credentials import keyring
from certification.credentials.actions import award_certificate, revoke, show_name, suspend
from certification.credentials.models import Credential
from certification.credentials.rules import CredentialStatus, masked, reads_as
from certification.credentials.status_list import decode
from certification.standing.actions import grant_level
from certification.standing.rules import Family
from portal import clock
from portal.refusal import Refused
from tests.factories import make_organisation, make_person

BASE = "http://127.0.0.1:8000"


@pytest.fixture
def awarded(session):
    """A person, her certificate P1, and a client that is nobody."""
    keyring.ensure_keys(clock.now())
    person = make_person(session, "司徒映真")
    credential = award_certificate(session, person.id, "P1", source=("test", 1), by=None, now=clock.now())
    session.flush()
    return person, credential


def path(credential: Credential, suffix: str = "") -> str:
    return f"/credentials/{credential.uuid}{suffix}"


def bits(client, credential: Credential) -> frozenset[int]:
    document = client.get(f"/status/{credential.status_list}").json()
    assert document["id"] == f"{BASE}/status/{credential.status_list}"
    return decode(document["credentialSubject"]["encodedList"])


# ——— What is served ———


@pytest.mark.parametrize(
    ("accept", "served"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("*/*", "text/html"),
        ("", "text/html"),
        ("application/json", "application/json"),
        ("application/ld+json", "application/vc"),
        ("application/vc", "application/vc"),
        ("application/vc+jwt", "application/vc+jwt"),
        ("text/html, application/json", "text/html"),
    ],
)
def test_the_same_address_answers_people_and_programmes(browse, awarded, accept, served):
    answer = browse().client.get(path(awarded[1]), headers={"accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == served
    if served != "text/html":
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "Accept" in answer.headers["vary"]


@pytest.mark.parametrize("suffix", [".exe", ".html", ".json.exe", "x"])
def test_other_suffixes_are_not_there(browse, awarded, suffix):
    assert browse().client.get(path(awarded[1], suffix)).status_code == 404


def test_the_signed_bytes_are_served_as_they_were_signed(browse, awarded):
    _, credential = awarded
    answer = browse().client.get(path(credential, ".json"))
    assert answer.headers["content-type"].startswith("application/vc")
    assert answer.text == credential.signed
    document = answer.json()
    assert document["id"] == f"{BASE}{path(credential)}"
    assert document["credentialStatus"]["statusListIndex"] == str(credential.status_index)


def test_the_file_never_names_the_person(browse, awarded):
    person, credential = awarded
    text = browse().client.get(path(credential, ".json")).text
    assert (person.name in text, person.email in text) == (False, False)


def test_the_jwt_is_signed_by_a_published_key(browse, awarded):
    _, credential = awarded
    client = browse().client
    token = client.get(path(credential, ".jwt")).text
    header = jws.extract_compact(token.encode()).headers()
    keys = client.get("/.well-known/jwks.json").json()["keys"]
    [key] = [k for k in keys if k["kid"] == header["kid"]]
    claims = json.loads(jws.deserialize_compact(token, import_key(key), algorithms=["RS256"]).payload)
    assert claims["credentialSubject"] == json.loads(credential.signed)["credentialSubject"]
    head, body, signature = token.split(".")
    forged = f"{head}.{body[:-4]}AAAA.{signature}"
    with pytest.raises(JoseError):
        jws.deserialize_compact(forged, import_key(key), algorithms=["RS256"])


def test_no_private_key_is_ever_served(browse, awarded):
    client = browse().client
    keys = client.get("/.well-known/jwks.json").json()["keys"]
    document = client.get("/.well-known/did.json").json()
    assert len(keys) >= 2
    assert [k for k in keys if {"d", "p", "q", "k"} & set(k)] == []
    assert '"d":' not in json.dumps(document)
    assert document["id"] == "did:web:127.0.0.1%3A8000"
    assert keyring.method(keyring.keys()[0]).startswith(document["id"] + "#")
    for key in keys:
        answer = client.get(key["kid"].removeprefix(BASE))
        assert (answer.status_code, answer.json()) == (200, key)
    assert client.get("/keys/nowhere").status_code == 404


def test_issuer_and_achievement(browse, awarded):
    client = browse().client
    assert client.get("/issuer").json()["id"] == "did:web:127.0.0.1%3A8000"
    achievement = client.get("/achievements/P1-2026.5").json()
    assert achievement["id"] == f"{BASE}/achievements/P1-2026.5"
    assert client.get("/achievements/P1-1999.1").status_code == 404
    assert client.get("/achievements/P9-2026.5").status_code == 404


@pytest.mark.parametrize("number", [0, 3, 99_999])
def test_a_list_that_does_not_exist(browse, awarded, number):
    assert browse().client.get(f"/status/{number}").status_code == 404


# ——— Its life ———


def test_a_bit_is_set_once_it_is_revoked(browse, session, awarded):
    _, credential = awarded
    client = browse().client
    assert credential.status_index not in bits(client, credential)
    revoke(session, credential, "copied", by=None, now=clock.now())
    session.commit()
    assert credential.status_index in bits(client, credential)
    page = browse().get(path(credential))
    assert "Revoked." in page.text
    assert "copied" not in page.text.split("What happened to it")[0]
    for again in (revoke, suspend):
        with pytest.raises(Refused):
            again(session, credential, "again", by=None, now=clock.now())


def test_a_new_one_of_the_same_kind_stands_in_its_place(browse, session, awarded):
    person, old = awarded
    new = award_certificate(session, person.id, "P1", source=("test", 2), by=None, now=clock.now())
    session.commit()
    assert (old.status, new.status) == (CredentialStatus.SUPERSEDED, CredentialStatus.ACTIVE)
    assert (
        old.status_index in bits(browse().client, old),
        new.status_index in bits(browse().client, new),
    ) == (
        True,
        False,
    )
    assert "Replaced by a newer one." in browse().get(path(old)).text
    assert "Valid." in browse().get(path(new)).text
    assert old.number != new.number


def test_an_expired_one_says_so(browse, session, awarded):
    _, credential = awarded
    credential.valid_until = clock.now() - timedelta(seconds=1)
    session.commit()
    assert "Expired." in browse().get(path(credential)).text


READS = [
    ("active", 1, "valid"),
    ("active", 0, "expired"),
    ("active", -1, "expired"),
    ("superseded", 1, "superseded"),
    ("suspended", -1, "suspended"),
    ("revoked", 1, "revoked"),
]


@pytest.mark.parametrize(("status", "days", "said"), READS)
def test_what_a_page_says(status, days, said):
    now = clock.now()
    assert reads_as(status, now + timedelta(days=days), now) == said


# ——— The name ———

MASKED = [
    ("司徒映真", "司○○○"),
    ("李", "李○"),
    ("Lin Zhixia", "Lin Z."),
    ("Ada King Lovelace", "Ada K. L."),
    ("Plato", "Plato"),
    ("", "○"),
]


@pytest.mark.parametrize(("name", "shown"), MASKED)
def test_masked(name, shown):
    assert masked(name) == shown


def test_strangers_read_the_name_when_the_holder_says_so(browse, session, awarded):
    person, credential = awarded
    stranger, holder = browse(), browse(person)
    assert "司徒映真" not in stranger.client.get(path(credential)).text
    assert "司○○○" in stranger.get(path(credential)).text
    assert "司徒映真" in holder.get(path(credential)).text
    holder.post(f"/my/certificates/{credential.uuid}/name", {"show": "yes"})
    assert "司徒映真" in stranger.get(path(credential)).text
    holder.post(f"/my/certificates/{credential.uuid}/name", {"show": "yes"})
    holder.post(f"/my/certificates/{credential.uuid}/name", {"show": "no"})
    assert "司徒映真" not in stranger.client.get(path(credential)).text
    verbs = [li.text_content() for li in stranger.get(path(credential)).tree.find_class("timeline")[0]]
    assert len(verbs) == 3  # issued, shown, hidden: a second yes changes nothing


def test_nobody_else_decides_about_the_name(browse, session, awarded):
    _, credential = awarded
    other = browse(make_person(session, "Other"))
    assert other.post(f"/my/certificates/{credential.uuid}/name", {"show": "yes"}).status == 404
    assert browse().post(f"/my/certificates/{credential.uuid}/name", {"show": "yes"}).url == "/sign-in"
    session.refresh(credential)
    assert credential.name_public is False


def test_an_organisations_credential_names_it(browse, session):
    keyring.ensure_keys(clock.now())
    organisation = make_organisation(session, "Yunzhan")
    grant_level(session, organisation.id, Family.OPERATOR, 3, "", by=None, now=clock.now())
    session.commit()
    [credential] = session.exec(select(Credential).where(Credential.organisation_id == organisation.id))
    page = browse().get(path(credential))
    assert ("Yunzhan Co., Ltd" in page.text, "3★ Certified" in page.text) == (True, True)
    assert page.tree.xpath("//form[contains(@action, '/name')]") == []
    insider = browse(make_person(session))
    assert insider.post(f"/my/certificates/{credential.uuid}/name", {"show": "yes"}).status == 404


def test_my_certificates(browse, session, awarded):
    person, credential = awarded
    page = browse(person).get("/my/certificates")
    assert path(credential) in page.links()
    assert credential.number not in browse(make_person(session)).get("/my/certificates").text


def test_a_name_is_shown_as_text(browse, session):
    keyring.ensure_keys(clock.now())
    person = make_person(session, "<script>alert(1)</script>")
    credential = award_certificate(session, person.id, "P1", source=("test", 1), by=None, now=clock.now())
    show_name(session, credential, True, by=person.id, now=clock.now())
    session.commit()
    assert "<script>alert" not in browse().client.get(path(credential)).text


# ——— /verify ———


@pytest.mark.parametrize(
    "typed",
    [
        "{number}",
        "  {number} ",
        "{lower}",
        "{uuid}",
        "http://127.0.0.1:8000/credentials/{uuid}",
        "https://elsewhere.example/credentials/{uuid}/",
        "{uuid}.json",
        "{uuid}.jwt",
    ],
)
def test_by_number_or_address(browse, awarded, typed):
    _, credential = awarded
    q = typed.format(number=credential.number, lower=credential.number.lower(), uuid=credential.uuid)
    assert browse().post("/verify", {"q": q}).url == path(credential)


@pytest.mark.parametrize("typed", ["YQ-P1-1999-0001", "%", "' OR 1=1 --", "a" * 5000, "\0", "//", "https://"])
def test_what_we_never_issued(browse, awarded, typed):
    page = browse().post("/verify", {"q": typed})
    assert page.status == 422
    assert len(page.errors) == 1


def test_nothing_typed(browse):
    page = browse().post("/verify", {"q": " "})
    assert (page.status, page.errors) == (
        422,
        ["Please write a certificate number or address, or choose a file."],
    )


def compare(browse, content: bytes) -> str:
    page = browse().post(
        "/verify", {"q": ""}, files={"file": ("credential.json", content, "application/json")}
    )
    assert page.status == 200
    [verdict] = [box.text_content() for box in page.tree.find_class("notice")]
    return " ".join(verdict.split())


OURS = "This file is the one we issued. See whether it is still in force"
CHANGED = "This file was changed after we issued it. See the real one"
NOT_OURS = "We have not issued this file."


def test_a_file_that_is_ours(browse, awarded):
    signed = awarded[1].signed
    document = json.loads(signed)
    backwards = dict(reversed(document.items()))
    for same in (
        signed,
        json.dumps(document, indent=4),
        json.dumps(document, ensure_ascii=True),
        json.dumps(backwards, ensure_ascii=False),
    ):
        assert compare(browse, same.encode()) == OURS


def test_a_file_that_was_changed(browse, awarded):
    signed = awarded[1].signed
    document = json.loads(signed)
    for changed in (
        document | {"validUntil": "2099-01-01T00:00:00Z"},
        document | {"extra": 1},
        {k: v for k, v in document.items() if k != "proof"},
        document | {"credentialSubject": document["credentialSubject"] | {"name": "Somebody Else"}},
    ):
        assert compare(browse, json.dumps(changed).encode()) == CHANGED
    doubled = signed.replace("{", '{"validUntil": "2099-01-01T00:00:00Z", ', 1)
    assert compare(browse, doubled.encode()) == CHANGED
    as_numbers = signed.replace('"type":["', '"type":[true,"', 1)
    assert compare(browse, as_numbers.encode()) in (CHANGED, NOT_OURS)


HOSTILE = {
    "a megabyte of brackets": b"[" * 1_000_000,
    "nested objects": b'{"id":' * 100_000,
    "a number without end": b'{"id": ' + b"9" * 190_000 + b"}",
    "an id that nests": b'{"id": ' + b"[" * 900 + b"]" * 900 + b"}",
    "no text": bytes(range(256)) * 700,
    "UTF-16": '{"id": "x"}'.encode("utf-16"),
    "half a character": b'{"id": "\\ud800"}',
    "a zero byte": b'{"id": "a\\u0000b"}',
    "a list": b"[]",
    "null": b"null",
    "no id": b"{}",
    "an address of ours without end": b'{"id": "' + b"http://127.0.0.1:8000/credentials/" * 5_000 + b'"}',
    "infinity": b'{"id": Infinity}',
    "one byte": b"{",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_is_answered_at_once(browse, awarded, what):
    start = time.monotonic()
    assert compare(browse, HOSTILE[what]) == NOT_OURS
    assert time.monotonic() - start < 3


def test_a_file_that_is_ours_and_then_some_is_not_ours(browse, awarded):
    signed = awarded[1].signed
    assert compare(browse, (signed + " " * 300_000).encode()) in (CHANGED, NOT_OURS)
    assert compare(browse, (signed + "x").encode()) == NOT_OURS


def test_an_empty_file_is_a_sentence(browse):
    page = browse().post("/verify", {"q": ""}, files={"file": ("", b"", "application/json")})
    assert page.status == 422
