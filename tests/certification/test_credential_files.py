"""PDF, PNG and SVG with the credential inside, the live badge, and what the open addresses promise every reader."""

import base64
import json
import re
import time
import xml.etree.ElementTree as ET
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openbadgeslib.ob3 import OB3LdpVerifier
from openbadgeslib.ob3.verifier import OB3Verifier
from sqlmodel import select

from certification.credentials import actions, baking, keyring, picture
from certification.credentials.keys import KeyUse, create_key
from certification.credentials.models import Credential
from certification.credentials.openbadges import sign_data_integrity, sign_jwt
from certification.standing.actions import grant_level, move_level
from certification.standing.rules import Family, LevelStatus
from portal import clock
from portal.settings import Settings
from tests.factories import make_organisation, make_person

LONG = "中国（上海）自由贸易试验区临港新片区云展私域运营与数字化会员服务科技集团股份有限公司华东第一分公司"
DRAWN = ("pdf", "png", "svg")


@pytest.fixture
def awarded(session):
    keyring.ensure_keys(clock.now())
    person = make_person(session, "司徒映真")
    credential = actions.award_certificate(
        session, person.id, "P1", source=("test", 1), by=None, now=clock.now()
    )
    session.flush()
    return person, credential


@pytest.fixture
def level(session):
    keyring.ensure_keys(clock.now())
    organisation = make_organisation(session, "Yunzhan")
    organisation.legal_name = LONG
    level = grant_level(session, organisation.id, Family.OPERATOR, 4, "", by=None, now=clock.now())
    session.flush()
    row = session.exec(select(Credential).where(Credential.organisation_id == organisation.id)).one()
    return organisation, level, row


def sheet(**values) -> picture.Sheet:
    return picture.Sheet(
        **{
            "title_zh": "私域运营服务商，4星卓越",
            "title_en": "Private-domain operator, 4 stars, Excellent",
            "short_zh": "私域运营服务商",
            "short_en": "Private-domain operator",
            "holder": LONG,
            "number": "YQ-OP-2026-0042",
            "awarded": "2026-11-22",
            "valid_until": "2027-11-22",
            "since": "2026-11-22",
            "stars": 4,
            "scope": "代运营；美妆个护",
            "version": "2026.3",
            "address": "https://yuqiao.example/credentials/0b0c9f6e",
            "state": "valid",
        }
        | values
    )


# ——— What is inside ———


@pytest.mark.parametrize("suffix", DRAWN)
def test_the_signed_file_is_inside(browse, awarded, level, suffix):
    client = browse().client
    for credential in (awarded[1], level[2]):
        answer = client.get(f"/credentials/{credential.uuid}.{suffix}")
        assert answer.headers["content-type"].startswith(
            {"pdf": "application/pdf", "png": "image/png", "svg": "image/svg+xml"}[suffix]
        )
        assert f'filename="{credential.number}.{suffix}"' in answer.headers["content-disposition"]
        assert baking.unbake(answer.content) == credential.signed
        if suffix == "pdf":
            assert b"pdfaid" in answer.content
            assert re.search(rb"/AFRelationship\s*/Data", answer.content)


def test_another_library_takes_it_out_and_agrees(browse, session, awarded):
    credential = awarded[1]
    client = browse().client
    svg = client.get(f"/credentials/{credential.uuid}.svg").content
    png = client.get(f"/credentials/{credential.uuid}.png").content
    for taken in (OB3Verifier.extract_token_from_svg(svg), OB3Verifier.extract_token_from_png(png)):
        assert taken == credential.signed
        did = client.get("/.well-known/did.json").content
        found = OB3LdpVerifier.for_issuer_did("did:web:127.0.0.1%3A8000").verify(
            taken.encode(), download=lambda _url, did=did: did
        )
        assert (
            found.achievement.name
            == json.loads(credential.signed)["credentialSubject"]["achievement"]["name"]
        )


@given(st.text(max_size=60) | st.sampled_from(["]]>", "<![CDATA[", "a]]>b]]]]>", "&amp;"]))
def test_what_is_baked_comes_out_as_it_went_in(text):
    signed = json.dumps({"name": text})
    assert baking.unbake(baking.bake_svg('<svg a="1"><path/></svg>', signed).encode()) == signed
    header = baking.PNG + b"\0\0\0\rIHDR" + b"\0" * 17
    assert baking.unbake(baking.bake_png(header + b"\0\0\0\0IEND\0\0\0\0", signed)) == signed


@pytest.mark.parametrize(
    "content",
    [
        baking.PNG,
        baking.PNG + b"\xff\xff\xff\xff" * 40,
        b"<svg/>",
        b"<svg><openbadges:credential",
        b"<svg><openbadges:credential>" + b"x" * 900_000,
        b"%PDF-1.7",
        b"%PDF-1.7 obj << /Type/EmbeddedFile /Length 9999999999 >> stream",
        b"%PDF-1.7 obj << /Type/EmbeddedFile /Length 4 /Filter/FlateDecode >> stream\nabcd",
        b"\xff\xfe",
        b"x" * 300_000,
    ],
)
def test_nothing_comes_out_of_what_holds_nothing(content):
    with pytest.raises(ValueError):  # noqa: PT011  whatever is wrong with it
        baking.unbake(content)


# ——— What is on it ———


@pytest.mark.parametrize("state", picture.STATES)
def test_every_state_is_drawn(state):
    signed = '{"id": "x"}'
    for one in (sheet(state=state), sheet(state=state, stars=0, scope="", holder="司○○○")):
        assert picture.pdf(one, signed).startswith(b"%PDF-")
        assert picture.png(one).startswith(baking.PNG)
        for drawn in (picture.svg(one), picture.live(one, "zh"), picture.live(one, "en")):
            ET.fromstring(drawn)  # noqa: S314  of our own making
        stamped = state in picture.STAMPS
        assert (f">{picture.STATES[state][0]}</text>" in picture.svg(one)) is stamped
        assert picture.STATES[state][0] in picture.live(one, "zh")
        assert picture.STATES[state][1] in picture.live(one, "en")


def test_the_states_differ_on_paper():
    assert (
        len({picture.pdf(sheet(state=state), "{}") for state in picture.STATES}) == 5
    )  # remediation isn't stamped


def test_the_code_on_paper_is_large_enough():
    source = (picture.FOLDER / "certificate.typ").read_text(encoding="utf-8")
    [millimetres] = re.findall(r"sys\.inputs\.qr\).*width: (\d+)mm", source)
    modules = 33 + 2 * 2  # of an address as long as ours, and its quiet zone
    assert int(millimetres) * 33 / modules > 25


@given(
    st.text("域桥私运营abc XYZ，。（）-", min_size=1, max_size=80),
    st.sampled_from([13.0, 17.0, 24.0]),
    st.sampled_from([2, 3, 99]),
)
def test_lines_are_never_too_long(text, ems, most):
    lines = picture.wrapped(text, ems, most)
    assert len(lines) <= most
    if most == 99:
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    longest = max(picture.width(word) for word in picture._words(text))
    assert all(picture.width(line) <= max(ems, longest) for line in lines)


def test_text_is_never_markup(browse, session, level):
    organisation, _, row = level
    organisation.legal_name = '<script>alert(1)</script>&"'
    session.commit()
    client = browse().client
    for path in (f"/credentials/{row.uuid}.svg", f"/badges/{row.uuid}.svg"):
        text = client.get(path).text
        assert "<script" not in text
        ET.fromstring(text)  # noqa: S314
    assert client.get(f"/credentials/{row.uuid}.pdf").status_code == 200


def test_only_its_holder_reads_a_hidden_name(browse, session, awarded):
    person, credential = awarded
    stranger, holder = browse().client, browse(person).client
    path, badge = f"/credentials/{credential.uuid}.svg", f"/badges/{credential.uuid}.svg"
    assert ("司徒映真" in stranger.get(path).text, "司○○○" in stranger.get(path).text) == (False, True)
    own = holder.get(path)
    assert ("司徒映真" in own.text, own.headers["cache-control"]) == (True, "private, no-store")
    for client in (stranger, holder):
        assert "司徒映真" not in client.get(badge).text  # the same for everybody, as everybody keeps it
    pdfs = [client.get(path.replace("svg", "pdf")).content for client in (stranger, holder)]
    assert pdfs[0] != pdfs[1]
    actions.show_name(session, credential, True, by=person.id, now=clock.now())
    session.commit()
    assert "司徒映真" in stranger.get(path).text
    assert holder.get(path).headers["cache-control"] == "public, max-age=60"


# ——— The live badge ———


def test_the_badge_says_how_a_level_stands(browse, session, level):
    _, held, row = level
    client = browse().client

    def said() -> str:
        answer = client.get(f"/badges/{row.uuid}.svg?lang=zh")
        assert answer.headers["cache-control"] == "public, max-age=60"
        return ET.fromstring(answer.text)[0].text.rpartition(", ")[2]  # noqa: S314

    assert said() == "有效"
    held.status = LevelStatus.AT_RISK
    session.commit()
    assert said() == "有效"
    held.status = LevelStatus.PROBATION
    session.commit()
    assert said() == "整改中"
    page = browse().get(f"/credentials/{row.uuid}")
    assert "Valid, in remediation." in page.text
    held.status, until = LevelStatus.ACTIVE, row.valid_until
    row.valid_until = clock.now() - timedelta(seconds=1)
    session.commit()
    assert said() == "已过期"
    row.valid_until = until
    move_level(session, held, "suspend", "looked into", by=None, now=clock.now())
    session.commit()
    assert said() == "已暂停"
    move_level(session, held, "reinstate", "cleared", by=None, now=clock.now())
    session.commit()
    assert said() == "有效"  # of the one that took its place
    move_level(session, held, "revoke", "forged", by=None, now=clock.now())
    session.commit()
    assert said() == "已撤销"


@pytest.mark.parametrize("name", ["{uuid}", "{uuid}.png", "{uuid}.svg.svg", "nowhere.svg", ".svg"])
def test_no_such_badge(browse, awarded, name):
    assert browse().client.get(f"/badges/{name.format(uuid=awarded[1].uuid)}").status_code == 404


def test_what_to_paste(browse, session, awarded, level):
    person, credential = awarded
    page = browse(person).get(f"/my/certificates/{credential.uuid}/embed")
    snippets = [area.text for area in page.tree.iter("textarea")]
    assert len(snippets) == 2
    for snippet in snippets:
        link = ET.fromstring(snippet.replace("></a>", "/></a>"))  # noqa: S314
        assert link.get("href") == f"http://127.0.0.1:8000/credentials/{credential.uuid}"
        assert link[0].get("src").startswith(f"http://127.0.0.1:8000/badges/{credential.uuid}.svg")
    assert browse(make_person(session)).get(f"/my/certificates/{credential.uuid}/embed").status == 404
    assert browse(person).get(f"/my/certificates/{level[2].uuid}/embed").status == 404
    assert browse(person).get("/my/certificates/nowhere/embed").status == 404


# ——— The open addresses ———


def addresses(credential: Credential) -> list[str]:
    kid = keyring.keys()[0].id
    return [
        "/.well-known/did.json",
        "/.well-known/jwks.json",
        f"/keys/{kid}",
        "/issuer",
        f"/achievements/{credential.code}-{credential.programme_version}",
        f"/status/{credential.status_list}",
        f"/badges/{credential.uuid}.svg",
        *(f"/credentials/{credential.uuid}.{suffix}" for suffix in ("json", "jwt", *DRAWN)),
    ]


def test_they_are_open_cached_and_without_cookies(browse, awarded):
    client = browse().client
    for path in addresses(awarded[1]):
        answer = client.get(path, headers={"accept": "*/*"})
        assert answer.status_code == 200, path
        assert answer.headers["access-control-allow-origin"] == "*", path
        assert "set-cookie" not in answer.headers, path
        again = client.get(path, headers={"accept": "*/*", "if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b""), path
        assert again.headers["etag"] == answer.headers["etag"]
        assert "set-cookie" not in again.headers
        other = client.get(path, headers={"accept": "*/*", "if-none-match": '"x"'})
        assert (other.status_code, other.content) == (200, answer.content), path
        age = int(answer.headers["cache-control"].rpartition("=")[2])
        assert age <= (60 if path.startswith(("/status", "/badges", "/credentials")) else 300)


def test_a_strangers_page_sets_no_cookie(browse, awarded):
    person, credential = awarded
    path = f"/credentials/{credential.uuid}"
    assert "set-cookie" not in browse().client.get(path).headers
    holder = browse(person)
    holder.post(f"/my/certificates/{credential.uuid}/name", {"show": "yes"})
    assert "access-control-allow-origin" not in holder.client.get(path).headers


def test_a_revocation_changes_every_tag(browse, session, awarded):
    credential = awarded[1]
    client = browse().client
    paths = [f"/status/{credential.status_list}", f"/badges/{credential.uuid}.svg"]
    paths += [f"/credentials/{credential.uuid}.{suffix}" for suffix in DRAWN]
    before = [client.get(path).headers["etag"] for path in paths]
    actions.revoke(session, credential, "copied", by=None, now=clock.now())
    session.commit()
    after = [
        client.get(path, headers={"if-none-match": tag}) for path, tag in zip(paths, before, strict=True)
    ]
    assert [answer.status_code for answer in after] == [200] * len(paths)


def test_the_list_is_signed_anew_each_day(browse, session, awarded, monkeypatch):
    client, now = browse().client, clock.now()
    path = f"/status/{awarded[1].status_list}"
    first = client.get(path).json()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=1))
    second = client.get(path).json()
    assert first["validFrom"] < second["validFrom"] < first["validUntil"] < second["validUntil"]


def test_an_earlier_address_still_answers_for_what_was_issued_under_it(browse, session, awarded, monkeypatch):
    credential = awarded[1]
    moved = Settings(_env_file=None, public_url="https://new.example", former_urls="http://127.0.0.1:8000")
    for module in ("keyring", "open_pages"):
        monkeypatch.setattr(f"certification.credentials.{module}.settings", lambda: moved)
    client, old = browse().client, {"host": "127.0.0.1:8000"}
    document = json.loads(credential.signed)
    issuer = document["issuer"]["id"]
    assert client.get("/.well-known/did.json", headers=old).json()["id"] == issuer
    assert client.get("/.well-known/did.json").json()["id"] == "did:web:new.example"
    bits = client.get(f"/status/{credential.status_list}", headers=old).json()
    assert (bits["id"], bits["issuer"]) == (document["credentialStatus"]["statusListCredential"], issuer)
    assert client.get(f"/status/{credential.status_list}").json()["issuer"] == "did:web:new.example"
    head = client.get(f"/credentials/{credential.uuid}.jwt").text.split(".")[0]
    kid = json.loads(base64.urlsafe_b64decode(head + "=="))["kid"]
    assert kid.startswith("http://127.0.0.1:8000/keys/")
    assert client.get(kid.removeprefix("http://127.0.0.1:8000"), headers=old).json()["kid"] == kid


@pytest.mark.parametrize(
    "urls", ["old.example", "ftp://a.example", "https://a.example/x", "https://a.example,x"]
)
def test_a_former_address_is_an_address(urls):
    settings = Settings(_env_file=None, former_urls=urls, secret_key="", database_url="")
    with pytest.raises(RuntimeError, match="FORMER_URLS"):
        settings.require_complete()


# ——— /verify ———

VERDICTS = {
    "same": "This file is the one we issued.",
    "changed": "This file was changed after we issued it.",
    "unknown": "We have not issued this file.",
    "forged": "This file says that we issued it. We have not: no key of ours signed it.",
    "unlisted": "A key of ours signed this file, but the register does not know it.",
}


def verdict(browse, content: bytes | str, name: str = "credential") -> str:
    data = content.encode() if isinstance(content, str) else content
    page = browse().post("/verify", {"q": ""}, files={"file": (name, data, "application/octet-stream")})
    [strong] = page.tree.xpath("//*[contains(@class,'notice')]//strong")
    return {text: word for word, text in VERDICTS.items()}[" ".join(strong.text_content().split())]


@pytest.mark.parametrize("suffix", ["json", "jwt", *DRAWN])
def test_every_kind_of_file_is_recognised(browse, awarded, suffix):
    content = browse().client.get(f"/credentials/{awarded[1].uuid}.{suffix}").content
    assert verdict(browse, content) == "same"


def test_a_token_or_a_file_can_be_pasted(browse, awarded):
    client = browse().client
    for suffix in ("jwt", "json"):
        text = client.get(f"/credentials/{awarded[1].uuid}.{suffix}").text
        page = browse().post("/verify", {"q": f"  {text} "})
        assert VERDICTS["same"] in page.text


def test_a_changed_token_is_changed(browse, awarded):
    head, body, signature = browse().client.get(f"/credentials/{awarded[1].uuid}.jwt").text.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["validUntil"] = "2099-01-01T00:00:00Z"
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    assert verdict(browse, f"{head}.{forged}.{signature}") == "changed"
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    assert verdict(browse, f"{none}.{forged}.{signature}") == "changed"


def test_files_that_say_they_are_ours(browse, session, awarded, tmp_path):
    """Not in the register: signed by a key of ours, by another key, by nobody, or a bomb."""
    document = json.loads(awarded[1].signed)
    document["id"] = "http://127.0.0.1:8000/credentials/00000000-0000-4000-8000-000000000000"
    unsigned = {name: value for name, value in document.items() if name != "proof"}
    now = clock.now()
    ours = keyring.current(session, KeyUse.CREDENTIAL, now)
    theirs = create_key(tmp_path, KeyUse.CREDENTIAL, now)
    assert verdict(browse, sign_data_integrity(unsigned, ours, keyring.method(ours), now)) == "unlisted"
    assert verdict(browse, sign_data_integrity(unsigned, theirs, keyring.method(ours), now)) == "forged"
    assert verdict(browse, json.dumps(document)) == "forged"
    assert verdict(browse, json.dumps(unsigned)) == "forged"
    jwt = keyring.current(session, KeyUse.JWT, now)
    assert verdict(browse, sign_jwt(unsigned, jwt, f"http://127.0.0.1:8000/keys/{jwt.id}")) == "unlisted"
    assert verdict(browse, sign_jwt(unsigned, jwt, "https://evil.example/keys/1")) == "forged"
    assert verdict(browse, json.dumps(unsigned | {"issuer": "did:web:elsewhere.example"})) == "unknown"


def test_a_bomb_is_stopped_by_its_limits(browse, awarded):
    """A graph of blank nodes, each like the others, that would be worked on for hours."""
    document = json.loads(awarded[1].signed)
    document["id"] = "http://127.0.0.1:8000/credentials/00000000-0000-4000-8000-000000000000"
    everybody = [{"id": f"_:b{n}", "type": ["Profile"]} for n in range(12)]
    blanks = [one | {"parentOrg": [other for other in everybody if other != one]} for one in everybody]
    document["credentialSubject"]["achievement"]["creator"] = blanks
    began = time.monotonic()
    assert verdict(browse, json.dumps(document)) == "forged"
    assert 1 < time.monotonic() - began < 30
