"""Credentials, keys and status lists, held against the W3C vector and two verifiers that are not ours."""

import base64
import copy
import gzip
import json
import shutil
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import KeySet
from openbadgeslib.errors import LibOpenBadgesException
from openbadgeslib.ob3 import OB3LdpVerifier, OB3Verifier

from certification.credentials import contexts, keys, openbadges, status_list
from certification.credentials.keys import Key, KeyUse

BASE = "https://yuqiao.example"
FROM = datetime(2025, 3, 1, 8, tzinfo=UTC)
UNTIL = datetime(2099, 3, 1, 8, tzinfo=UTC)  # openbadgeslib reads the real clock
INDEX = 94_567
EMAIL = "ada@example.org"

VC_CHECK = Path(__file__).resolve().parents[2].parent / "shared/tools/vc-check"


@dataclass(frozen=True)
class Signer:
    """The keys of one issuer under one address, and what it publishes there."""

    base: str
    credential: Key
    status: Key
    jwt: Key

    @property
    def did(self) -> str:
        return keys.did_web(self.base)

    def method(self, key: Key) -> str:
        return f"{self.did}#{key.id}"

    def sign(self, document: dict[str, Any]) -> bytes:
        return openbadges.sign_data_integrity(
            document, self.credential, self.method(self.credential), created=FROM
        )

    def token(self, document: dict[str, Any]) -> str:
        return openbadges.sign_jwt(document, self.jwt, keys.key_url(self.base, self.jwt.id))

    def published(self, revoked: set[int] | None = None) -> dict[str, bytes]:
        all_keys = [self.credential, self.status, self.jwt]
        unsigned = status_list.status_list_credential(
            f"{self.base}/status/1", self.did, revoked or set(), FROM
        )
        signed = openbadges.sign_data_integrity(unsigned, self.status, self.method(self.status), FROM)
        return {
            "/.well-known/did.json": json.dumps(keys.did_document(self.base, all_keys)).encode(),
            "/.well-known/jwks.json": json.dumps(keys.jwks(self.base, all_keys)).encode(),
            f"/keys/{self.jwt.id}": json.dumps(keys.public_jwk(self.base, self.jwt)).encode(),
            "/status/1": signed,
        }


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    folder = tmp_path_factory.mktemp("keys") / "new"
    return Signer(BASE, *(keys.create_key(folder, use, FROM) for use in KeyUse))


def person(base: str = BASE) -> openbadges.Award:
    return openbadges.Award(
        id=f"{base}/credentials/7f0e4b0e-0f64-4f0e-9f43-1d4f3a3b8c01",
        number="YQ-2025-000123",
        issuer=openbadges.Issuer(keys.did_web(base), "域桥认证中心", base),
        achievement=openbadges.Achievement(
            id=f"{base}/achievements/implementer-2/v3",
            name="中级实施工程师",
            description="能独立完成一个标准项目的实施与交付。",
            criteria="理论考试 **72 分**以上，并通过实操评审。\n\nScore 72 or more; practical review.",
            english_name="Implementation Engineer, Intermediate",
        ),
        recipient=openbadges.Person(UUID("6f2e33e5-7a29-4155-840a-59483ba10164"), EMAIL, "s4lt-9c"),
        awarded=FROM,
        valid_from=FROM,
        valid_until=UNTIL,
        status_list=f"{base}/status/1",
        status_index=INDEX,
        results=(openbadges.Result("score", "考试成绩 / Exam score", "87", "Percent", "0", "100", "72"),),
    )


def organisation(base: str = BASE) -> openbadges.Award:
    levels = tuple("12345")
    return replace(
        person(base),
        id=f"{base}/credentials/7f0e4b0e-0f64-4f0e-9f43-1d4f3a3b8c02",
        number="YQ-ORG-2025-0042",
        achievement=openbadges.Achievement(
            id=f"{base}/achievements/partner-level/v1",
            name="认证服务商等级",
            description="按最近四个季度的事实计算的服务商等级。",
            criteria="见等级规则第一版。",
            kind="Certification",
            english_name="Certified Partner Level",
        ),
        recipient=openbadges.Organisation(
            "https://www.dongfang-it.example", ("东方信息技术有限公司", "Dongfang IT")
        ),
        results=(
            openbadges.Result("level", "等级 / Level", "4", "PerformanceLevel", allowed=levels),
            openbadges.Result("score", "得分 / Score", "81.25", "RawScore", "0", "100"),
        ),
    )


AWARDS: dict[str, Callable[[str], openbadges.Award]] = {"person": person, "organisation": organisation}


def award(kind: str, base: str = BASE) -> openbadges.Award:
    return AWARDS[kind](base)


# What a credential says


def test_a_person_is_a_random_id_and_a_salted_hash() -> None:
    document = openbadges.build(person())
    subject = document["credentialSubject"]
    assert subject["id"] == "urn:uuid:6f2e33e5-7a29-4155-840a-59483ba10164"
    assert subject["identifier"] == [
        {
            "type": "IdentityObject",
            "identityType": "emailAddress",
            "hashed": True,
            "identityHash": "sha256$" + sha256(b"ada@example.orgs4lt-9c").hexdigest(),
            "salt": "s4lt-9c",
        }
    ]
    assert EMAIL not in json.dumps(document)
    assert document["name"] == "中级实施工程师 / Implementation Engineer, Intermediate"
    assert subject["achievement"]["name"] == "中级实施工程师"
    assert subject["achievement"]["achievementType"] == "Certificate"
    assert subject["achievement"]["related"][0]["name"] == "Implementation Engineer, Intermediate"


def test_an_organisation_is_its_address_and_its_names() -> None:
    subject = openbadges.build(organisation())["credentialSubject"]
    assert subject["id"] == "https://www.dongfang-it.example"
    assert [i["identityHash"] for i in subject["identifier"]] == ["东方信息技术有限公司", "Dongfang IT"]
    assert [r["value"] for r in subject["result"]] == ["4", "81.25"]
    described = {d["id"]: d for d in subject["achievement"]["resultDescription"]}
    assert set(described) == {r["resultDescription"] for r in subject["result"]}
    level = described[f"{BASE}/achievements/partner-level/v1#level"]
    assert level["allowedValue"] == ["1", "2", "3", "4", "5"]
    assert "valueMin" not in level


@pytest.mark.parametrize("url", ["urn:uuid:1", "javascript:alert(1)", "www.example.org", "https://", ""])
def test_an_organisation_without_a_web_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="web address"):
        openbadges.build(replace(organisation(), recipient=openbadges.Organisation(url, ("x",))))


def test_an_address_cannot_smuggle_statements_into_the_signed_form(signer: Signer) -> None:
    url = "https://a.example/> <https://schema.org/name> <https://b.example/"
    document = openbadges.build(replace(organisation(), recipient=openbadges.Organisation(url, ("x",))))
    with pytest.raises(contexts.UnsignableError):
        signer.sign(document)


def test_times_are_whole_seconds_of_utc_and_never_naive() -> None:
    shanghai = datetime(2025, 3, 1, 16, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=8)))
    assert openbadges.build(replace(person(), valid_from=shanghai))["validFrom"] == "2025-03-01T08:00:00Z"
    with pytest.raises(ValueError, match="time zone"):
        openbadges.build(replace(person(), valid_from=datetime(2025, 3, 1)))  # noqa: DTZ001


def test_without_an_end_there_is_no_validuntil_and_no_exp(signer: Signer) -> None:
    document = openbadges.build(replace(person(), valid_until=None))
    assert "validUntil" not in document
    assert "exp" not in _part(signer.token(document), 1)


# The Data Integrity proof


def test_the_w3c_vector_comes_out_byte_for_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    """Data Integrity EdDSA Cryptosuites v1.0, appendix B.1, with its published throw-away key."""
    url = "https://www.w3.org/ns/credentials/examples/v2"
    examples = {"@context": {"@vocab": "https://www.w3.org/ns/credentials/examples#"}}
    pinned = contexts.context
    monkeypatch.setattr(contexts, "context", lambda asked: examples if asked == url else pinned(asked))
    secret = keys.base58_decode("3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq")[2:]
    key = Key("key-2023-02", ed25519.Ed25519PrivateKey.from_private_bytes(secret))
    assert key.multibase == "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
    document = {
        "@context": [contexts.VC_V2, url],
        "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
        "type": ["VerifiableCredential", "AlumniCredential"],
        "name": "Alumni Credential",
        "description": "A minimum viable example of an Alumni Credential.",
        "issuer": "https://vc.example/issuers/5678",
        "validFrom": "2023-01-01T00:00:00Z",
        "credentialSubject": {"id": "did:example:abcdefgh", "alumniOf": "The School of Examples"},
    }
    method = f"did:key:{key.multibase}#{key.multibase}"
    created = datetime(2023, 2, 24, 23, 36, 38, tzinfo=UTC)
    signed = json.loads(openbadges.sign_data_integrity(document, key, method, created))
    assert signed["proof"][0]["proofValue"] == (
        "z2YwC8z3ap7yx1nZYCg4L3j3ApHsF8kgPdSb5xoS1VR7vPG3F561B52hYnQF9iseabecm3ijx4K1FBTQsCZahKZme"
    )


def _set(*path: str | int, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = to

    return change


TAMPERINGS = {
    "name": _set("name", to="高级实施工程师"),
    "validUntil": _set("validUntil", to="2199-03-01T08:00:00Z"),
    "validFrom": _set("validFrom", to="2024-03-01T08:00:00Z"),
    "issuer": _set("issuer", "id", to="did:web:evil.example"),
    "holder": _set("credentialSubject", "id", to="urn:uuid:00000000-0000-4000-8000-000000000000"),
    "salt": _set("credentialSubject", "identifier", 0, "salt", to="other"),
    "hashed": _set("credentialSubject", "identifier", 0, "hashed", to=False),
    "score": _set("credentialSubject", "result", 0, "value", to="100"),
    "number": _set("credentialSubject", "licenseNumber", to="YQ-2025-000001"),
    "criteria": _set("credentialSubject", "achievement", "criteria", "narrative", to="Nothing."),
    "english name": _set("credentialSubject", "achievement", "related", 0, "name", to="Architect"),
    "status index": _set("credentialStatus", "statusListIndex", to="1"),
    "schema": _set("credentialSchema", 0, "id", to="https://evil.example/schema.json"),
    "created": _set("proof", 0, "created", to="2026-03-01T08:00:00Z"),
    "purpose": _set("proof", 0, "proofPurpose", to="authentication"),
    "suite": _set("proof", 0, "cryptosuite", to="eddsa-jcs-2022"),
    "method": _set("proof", 0, "verificationMethod", to="did:web:evil.example#key-2025-03"),
    "signature": _set("proof", 0, "proofValue", to="z" + "2" * 88),
    "not base58": _set("proof", 0, "proofValue", to="z0OIl"),
    "no proof": _set("proof", to=[]),
    "unsigned claim": _set("credentialSubject", "rank", to="first"),
    "unsigned null": _set("evidence", to=None),
    "unpinned context": _set("@context", 1, to="https://purl.imsglobal.org/spec/ob/v3p0/context.json"),
    "inline context": _set("@context", 2, to={"name": "https://evil.example/name"}),
}


@pytest.mark.parametrize("kind", AWARDS)
def test_signed_bytes_verify_with_the_public_key(signer: Signer, kind: str) -> None:
    document = json.loads(signer.sign(openbadges.build(award(kind))))
    public, method = signer.credential.ed25519().public_key(), signer.method(signer.credential)
    assert openbadges.verify_data_integrity(document, public, method)
    assert isinstance(document["proof"], list)
    assert isinstance(document["credentialStatus"], dict)
    other = signer.status.ed25519().public_key()
    assert not openbadges.verify_data_integrity(document, other, method)
    assert not openbadges.verify_data_integrity(document, public, signer.method(signer.status))


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_any_change_breaks_the_proof(signer: Signer, tampering: str) -> None:
    document = json.loads(signer.sign(openbadges.build(person())))
    before = copy.deepcopy(document)
    TAMPERINGS[tampering](document)
    assert document != before
    public, method = signer.credential.ed25519().public_key(), signer.method(signer.credential)
    assert openbadges.verify_data_integrity(before, public, method)
    assert not openbadges.verify_data_integrity(document, public, method)


@pytest.mark.parametrize(
    "change",
    [
        _set("rank", to="first"),
        _set("credentialSubject", "rank", to="first"),
        _set("type", 1, to="SomethingBadge"),
        _set("credentialSubject", "id", to="no-iri"),
        _set("credentialSubject", "creditsEarned", to=1e-7),
        _set("credentialSubject", "creditsEarned", to=3),
        _set("description", to=None),
        _set("name", to="bell\x07"),
    ],
)
def test_what_a_signature_would_not_cover_is_never_signed(
    signer: Signer, change: Callable[[dict[str, Any]], None]
) -> None:
    document = openbadges.build(person())
    signer.sign(document)
    change(document)
    with pytest.raises(contexts.UnsignableError):
        signer.sign(document)


def test_a_signed_document_is_not_signed_again(signer: Signer) -> None:
    with pytest.raises(ValueError, match="proof already"):
        signer.sign(json.loads(signer.sign(openbadges.build(person()))))


def dirty() -> openbadges.Award:
    """Every character below space, DEL, C1, and what has no place in XML or UTF-8, in every text we take."""
    dirt = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0), 0xFFFE, 0xFFFF, 0xD800])) + '"\\'
    base = person()
    return replace(
        base,
        number="YQ-1" + dirt,
        issuer=replace(base.issuer, name=dirt + "域桥"),
        achievement=replace(base.achievement, name="证书🎓" + dirt, criteria=dirt, english_name="A" + dirt),
        recipient=openbadges.Person(UUID(int=1), EMAIL + "\x00", "sa\x7flt"),
        results=(openbadges.Result("score", dirt, "8\x087"),),
    )


def test_control_characters_are_stripped_on_the_way_in(signer: Signer) -> None:
    document = openbadges.build(dirty())
    assert document["credentialSubject"]["result"][0]["value"] == "87"
    assert document["credentialSubject"]["licenseNumber"] == 'YQ-1\t\n\n"\\'
    hashed = document["credentialSubject"]["identifier"][0]
    assert hashed["salt"] == "salt"
    assert hashed["identityHash"] == "sha256$" + sha256(b"ada@example.orgsalt").hexdigest()
    assert openbadges.verify_data_integrity(
        json.loads(signer.sign(document)),
        signer.credential.ed25519().public_key(),
        signer.method(signer.credential),
    )


@given(st.text())
def test_cleaning_twice_changes_nothing_and_leaves_printable_text_alone(text: str) -> None:
    cleaned = openbadges.clean(text)
    assert openbadges.clean(cleaned) == cleaned
    assert cleaned.encode().decode() == cleaned
    assert not set(cleaned) & {chr(c) for c in (*range(9), 0x0B, 0x0C, 0x0D, *range(0x0E, 0x20), 0x7F)}
    if text.isprintable():
        assert cleaned == text


def test_many_threads_get_the_same_canonical_form() -> None:
    document = openbadges.build(organisation())
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: contexts.canonical(document), range(32)))) == 1


def test_a_presented_file_is_compared_and_not_canonicalised(signer: Signer) -> None:
    stored = signer.sign(openbadges.build(person()))
    document = json.loads(stored)
    assert openbadges.says_the_same(stored, stored)
    assert openbadges.says_the_same(stored, json.dumps(document, indent=1).encode())
    assert openbadges.says_the_same(stored, json.dumps(dict(reversed(document.items()))).encode())
    assert not openbadges.says_the_same(stored, stored.replace(b'"87"', b'"97"'))
    assert not openbadges.says_the_same(stored, stored.replace(b"true", b"1"))
    assert not openbadges.says_the_same(stored, b'{"name":"x",' + stored[1:])
    assert not openbadges.says_the_same(stored, b"[" * 1000)
    assert not openbadges.says_the_same(stored, b"\xff\xfe")
    assert not openbadges.says_the_same(stored, stored + b" " * 1_000_000)


# Contexts


def test_a_changed_context_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = contexts._folder()
    for name, _ in contexts.PINNED.values():
        shutil.copy(folder / name, tmp_path)
    monkeypatch.setattr(contexts, "_folder", lambda: tmp_path)
    unpinned = contexts.context.__wrapped__
    assert "@context" in unpinned(contexts.OPEN_BADGES)
    changed = tmp_path / contexts.PINNED[contexts.OPEN_BADGES][0]
    changed.write_bytes(changed.read_bytes() + b"\n")
    with pytest.raises(contexts.ContextError, match="not the pinned one"):
        unpinned(contexts.OPEN_BADGES)


@pytest.mark.parametrize(
    "url",
    ["https://purl.imsglobal.org/spec/ob/v3p0/context.json", "https://evil.example/", "file:///etc/passwd"],
)
def test_an_unknown_context_raises_and_is_not_fetched(url: str) -> None:
    document = {"@context": [contexts.VC_V2, url], "type": ["VerifiableCredential"]}
    with pytest.raises(contexts.ContextError, match="not a pinned"):
        contexts.canonical(document)


# VC-JWT


def _part(token: str, number: int) -> dict[str, Any]:
    text = token.split(".")[number]
    part: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return part


@pytest.mark.parametrize("kind", AWARDS)
def test_the_jwt_verifies_against_the_published_jwks(signer: Signer, kind: str) -> None:
    document = openbadges.build(award(kind))
    token = signer.token(json.loads(signer.sign(document)))
    assert _part(token, 0) == {
        "alg": "RS256",
        "kid": f"{BASE}/keys/jwt-2025-03",
        "typ": "JWT",
    }
    key_set = KeySet.import_key_set(json.loads(signer.published()["/.well-known/jwks.json"]))
    payload = json.loads(jws.deserialize_compact(token, key_set, algorithms=["RS256"]).payload)
    claims = {name: payload.pop(name) for name in ("iss", "sub", "jti", "nbf", "exp")}
    assert payload == document
    assert claims == {
        "iss": "did:web:yuqiao.example",
        "sub": document["credentialSubject"]["id"],
        "jti": document["id"],
        "nbf": int(FROM.timestamp()),
        "exp": int(UNTIL.timestamp()),
    }


def test_an_ed25519_key_does_not_sign_tokens_nor_rsa_proofs(signer: Signer) -> None:
    document = openbadges.build(person())
    with pytest.raises(TypeError):
        openbadges.sign_jwt(document, signer.credential, "kid")
    with pytest.raises(TypeError):
        openbadges.sign_data_integrity(document, signer.jwt, signer.method(signer.jwt), FROM)


# Status list


def test_bits_are_counted_from_the_left() -> None:
    encoded = status_list.encode({0, 9, status_list.BITS - 1})
    assert encoded.startswith("u")
    assert "=" not in encoded
    raw = gzip.decompress(base64.urlsafe_b64decode(encoded[1:] + "=" * (-len(encoded[1:]) % 4)))
    assert len(raw) * 8 == 131_072
    assert (raw[0], raw[1], raw[-1]) == (0b1000_0000, 0b0100_0000, 0b0000_0001)
    assert sum(map(int.bit_count, raw)) == 3


@given(st.frozensets(st.integers(0, status_list.BITS - 1), max_size=200))
@settings(deadline=None, max_examples=30)
def test_a_status_list_comes_back_as_it_went(indexes: frozenset[int]) -> None:
    assert status_list.decode(status_list.encode(indexes)) == indexes


@pytest.mark.parametrize("index", [-1, status_list.BITS])
def test_an_index_outside_the_list_is_refused(index: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        status_list.encode({index})
    with pytest.raises(ValueError, match="outside"):
        status_list.status_entry(f"{BASE}/status/1", index)


@pytest.mark.parametrize("size", [status_list.BITS // 8 - 1, status_list.BITS // 8 + 1, 1 << 24])
def test_a_list_of_another_size_is_refused(size: int) -> None:
    encoded = "u" + base64.urlsafe_b64encode(gzip.compress(bytes(size))).decode().rstrip("=")
    with pytest.raises(ValueError, match="length"):
        status_list.decode(encoded)


def test_an_index_is_never_given_twice() -> None:
    last = 4711
    taken = set(range(status_list.BITS)) - {last}
    assert status_list.random_free_index(taken) == last
    with pytest.raises(status_list.StatusListFullError):
        status_list.random_free_index(taken | {last})
    assert len({status_list.random_free_index(()) for _ in range(20)}) > 15


# Keys and the DID document


@pytest.mark.parametrize(
    ("url", "did"),
    [
        ("https://yuqiao.example", "did:web:yuqiao.example"),
        ("https://Yuqiao.Example:443/", "did:web:yuqiao.example"),
        ("https://yuqiao.example:8443", "did:web:yuqiao.example%3A8443"),
        ("http://127.0.0.1:8000", "did:web:127.0.0.1%3A8000"),
        ("https://域桥.example", "did:web:xn--cjs879a.example"),
    ],
)
def test_did_web(url: str, did: str) -> None:
    assert keys.did_web(url) == did


@pytest.mark.parametrize(
    "url",
    ["yuqiao.example", "ftp://a.example", "https://a.example/portal", "https://u@a.example", "http://[::1]"],
)
def test_an_address_that_did_web_cannot_name_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="host"):
        keys.did_web(url)


def test_the_did_document_names_every_key_and_no_private_part(signer: Signer) -> None:
    document = keys.did_document(BASE, [signer.credential, signer.status, signer.jwt])
    did = "did:web:yuqiao.example"
    ids = [f"{did}#key-2025-03", f"{did}#status-2025-03", f"{did}#jwt-2025-03"]
    assert document["id"] == did
    assert [m["id"] for m in document["verificationMethod"]] == ids
    assert document["assertionMethod"] == ids
    assert {m["controller"] for m in document["verificationMethod"]} == {did}
    first, _, last = document["verificationMethod"]
    assert (first["type"], first["publicKeyMultibase"][:4]) == ("Multikey", "z6Mk")
    raw = signer.credential.ed25519().public_key().public_bytes_raw()
    assert keys.base58_decode(first["publicKeyMultibase"][1:]) == b"\xed\x01" + raw
    assert last["type"] == "JsonWebKey"
    assert set(last["publicKeyJwk"]) == {"kty", "n", "e", "alg", "use"}
    assert all(set(jwk) <= {"kty", "crv", "x", "n", "e", "alg", "use", "kid"} for jwk in _jwks(signer))
    assert "revoked" not in json.dumps(document)


def _jwks(signer: Signer) -> list[dict[str, str]]:
    return keys.jwks(BASE, [signer.credential, signer.status, signer.jwt])["keys"]


def test_a_revoked_key_stays_listed_and_may_assert_nothing(signer: Signer) -> None:
    when = datetime(2025, 6, 1, tzinfo=UTC)
    document = keys.did_document(BASE, [signer.credential, signer.status], {signer.credential.id: when})
    assert document["verificationMethod"][0]["revoked"] == "2025-06-01T00:00:00Z"
    assert document["assertionMethod"] == ["did:web:yuqiao.example#status-2025-03"]


def test_keys_live_in_files_of_their_owner(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    made = [keys.create_key(folder, use, FROM) for use in KeyUse]
    made.append(keys.create_key(folder, KeyUse.CREDENTIAL, FROM, serial=2))
    assert sorted(p.name for p in folder.iterdir()) == [
        "jwt-2025-03.pem",
        "key-2025-03-2.pem",
        "key-2025-03.pem",
        "status-2025-03.pem",
    ]
    assert {stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (folder / "notes.txt").touch()
    assert {k.id: k.jwk for k in keys.load_keys(folder)} == {k.id: k.jwk for k in made}
    assert made[2].rsa().key_size >= 2048
    assert "PrivateKey" not in repr(made[0])


def test_an_existing_key_is_never_replaced(tmp_path: Path) -> None:
    keys.create_key(tmp_path, KeyUse.CREDENTIAL, FROM)
    before = (tmp_path / "key-2025-03.pem").read_bytes()
    with pytest.raises(FileExistsError):
        keys.create_key(tmp_path, KeyUse.CREDENTIAL, FROM)
    assert (tmp_path / "key-2025-03.pem").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    keys.create_key(tmp_path, KeyUse.STATUS_LIST, FROM)
    path = tmp_path / "status-2025-03.pem"
    path.chmod(0o640)
    with pytest.raises(PermissionError):
        keys.load_key(path)
    path.chmod(0o400)
    assert keys.load_key(path).use is KeyUse.STATUS_LIST


def test_a_key_must_fit_its_name(tmp_path: Path) -> None:
    small = rsa.generate_private_key(65537, 1024)  # noqa: S505
    edwards = ed25519.Ed25519PrivateKey.generate()
    misplaced: dict[str, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey] = {
        "jwt-2025-03": small,
        "jwt-2025-04": edwards,
        "key-2025-03": small,
    }
    for name, private in misplaced.items():
        path = tmp_path / f"{name}.pem"
        path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        path.chmod(0o600)
        with pytest.raises(ValueError, match="must hold"):
            keys.load_key(path)


@given(st.binary(max_size=70))
def test_base58_comes_back_as_it_went(data: bytes) -> None:
    assert keys.base58_decode(keys.base58_encode(data)) == data


# A second verifier: openbadgeslib, offline. It knows status lists signed as JWT only, so the list's own proof
# is left to vc-check below.


def _download(published: dict[str, bytes]) -> Callable[[str], bytes]:
    def fetch(url: str) -> bytes:
        assert url.startswith(BASE)
        return published[url.removeprefix(BASE)]

    return fetch


@pytest.mark.parametrize("kind", AWARDS)
def test_openbadgeslib_accepts_what_we_sign(signer: Signer, kind: str) -> None:
    document = openbadges.build(award(kind))
    fetch = _download(signer.published())
    subject = document["credentialSubject"]["id"]
    found = OB3LdpVerifier.for_issuer_did(signer.did).verify(
        signer.sign(document),
        expected_recipient=subject,
        download=fetch,
        check_status=True,
        verify_status_list=False,
    )
    assert found.achievement.name == document["credentialSubject"]["achievement"]["name"]
    public = signer.jwt.rsa().public_key()
    assert OB3Verifier(public).verify(signer.token(document), expected_recipient=subject).id == document["id"]


def test_openbadgeslib_refuses_the_revoked_and_the_changed(signer: Signer) -> None:
    signed = signer.sign(openbadges.build(person()))
    verifier = OB3LdpVerifier.for_issuer_did(signer.did)
    with pytest.raises(LibOpenBadgesException, match="revocation"):
        verifier.verify(
            signed, download=_download(signer.published({INDEX})), check_status=True, verify_status_list=False
        )
    with pytest.raises(LibOpenBadgesException):
        verifier.verify(signed.replace(b'"87"', b'"97"'), download=_download(signer.published()))


# The verifier outside: vc-check, in JavaScript


@pytest.fixture(scope="session")
def vc_check(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (VC_CHECK / "check.mjs").exists():
        pytest.skip("vc-check is not beside this checkout")
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"vc-check needs {program}")
    folder = tmp_path_factory.mktemp("vc") / "vc-check"
    shutil.copytree(VC_CHECK, folder, ignore=shutil.ignore_patterns("node_modules", "fixtures"))
    subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=folder, check=True, capture_output=True)
    return folder


Checker = Callable[..., tuple[bool, list[str]]]


@pytest.fixture
def check(vc_check: Path, tmp_path: Path) -> Checker:
    """Put the issuer's documents into a folder, check one credential there: valid or not, and what failed."""

    def run(signer: Signer, credential: bytes, *, revoked: set[int] | None = None) -> tuple[bool, list[str]]:
        for path, data in signer.published(revoked).items():
            file = tmp_path / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        target = tmp_path / "credential"
        target.write_bytes(credential)
        return _node(vc_check, "--map", f"{BASE}={tmp_path}", "--issuer", signer.did, str(target))

    return run


def _node(vc_check: Path, *arguments: str) -> tuple[bool, list[str]]:
    command = ["node", str(vc_check / "check.mjs"), "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    report = json.loads(done.stdout)
    assert (done.returncode == 0) == report["valid"]
    wrong = [f"{r['check']}: {r['text']}" for r in report["report"] if r["verdict"] in ("FAIL", "WARN")]
    return report["valid"], wrong


def _both_forms(signer: Signer, document: dict[str, Any]) -> list[bytes]:
    return [signer.sign(document), signer.token(document).encode()]


@pytest.mark.parametrize("kind", AWARDS)
def test_vc_check_finds_nothing_wrong(check: Checker, signer: Signer, kind: str) -> None:
    for credential in _both_forms(signer, openbadges.build(award(kind))):
        assert check(signer, credential) == (True, [])


def test_vc_check_agrees_on_text_that_was_full_of_control_characters(check: Checker, signer: Signer) -> None:
    for credential in _both_forms(signer, openbadges.build(dirty())):
        assert check(signer, credential) == (True, [])


@pytest.mark.parametrize("kind", AWARDS)
def test_vc_check_sees_a_changed_name(check: Checker, signer: Signer, kind: str) -> None:
    document = openbadges.build(award(kind))
    name = document["name"]
    signed = signer.sign(document)
    forged = signed.replace(json.dumps(name, ensure_ascii=False).encode(), '"冒名证书"'.encode())
    assert forged != signed
    valid, wrong = check(signer, forged)
    assert not valid
    assert [w.split(":")[0] for w in wrong] == ["proof"]

    header, _, signature = signer.token(document).split(".")
    body = base64.urlsafe_b64encode(json.dumps({**_part(signer.token(document), 1), "name": "x"}).encode())
    valid, wrong = check(signer, f"{header}.{body.decode().rstrip('=')}.{signature}".encode())
    assert not valid
    assert [w.split(":")[0] for w in wrong] == ["proof"]


@pytest.mark.parametrize("kind", AWARDS)
def test_vc_check_sees_the_revoked_bit_and_only_that_one(check: Checker, signer: Signer, kind: str) -> None:
    for credential in _both_forms(signer, openbadges.build(award(kind))):
        assert check(signer, credential, revoked={INDEX - 1, INDEX + 1}) == (True, [])
        assert check(signer, credential, revoked={INDEX}) == (False, ["status revocation: REVOKED"])


@pytest.fixture
def served(signer: Signer) -> Iterator[tuple[Signer, dict[str, tuple[str, bytes]]]]:
    """The same keys as an issuer at a development address, served over plain HTTP."""
    answers: dict[str, tuple[str, bytes]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, body = answers.get(self.path, ("text/plain", b""))
            self.send_response(200 if self.path in answers else 404)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        local = replace(signer, base=f"http://127.0.0.1:{server.server_port}")
        answers.update({path: ("application/json", data) for path, data in local.published().items()})
        yield local, answers
        server.shutdown()


@pytest.mark.parametrize("kind", AWARDS)
def test_vc_check_reads_a_development_server(
    vc_check: Path, served: tuple[Signer, dict[str, tuple[str, bytes]]], kind: str
) -> None:
    local, answers = served
    assert local.did.startswith("did:web:127.0.0.1%3A")
    document = openbadges.build(award(kind, local.base))
    path = document["id"].removeprefix(local.base)
    answers[path] = ("application/vc", local.sign(document))
    assert _node(vc_check, document["id"]) == (True, [])
    answers[path] = ("application/vc+jwt", local.token(document).encode())
    assert _node(vc_check, document["id"]) == (True, [])
