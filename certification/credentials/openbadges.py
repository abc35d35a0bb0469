"""Open Badges 3.0 credentials: what they say, and their two signed forms."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from joserfc import jws
from joserfc.jwk import RSAKey

from certification.credentials.contexts import (
    OPEN_BADGES,
    OPEN_BADGES_EXTENSIONS,
    UNSIGNABLE,
    VC_V2,
    ContextError,
    UnsignableError,
    canonical,
)
from certification.credentials.keys import Key, base58_decode, base58_encode, timestamp
from certification.credentials.status_list import status_entry

SCHEMA = "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ob_v3p0_achievementcredential_schema.json"


@dataclass(frozen=True)
class Issuer:
    did: str
    name: str
    url: str


@dataclass(frozen=True)
class Result:
    """One outcome with its scale. Numbers are written as strings: floats are not signed alike everywhere."""

    key: str  # the fragment that ties the result to its description: "score", "level"
    name: str
    value: str
    kind: Literal["Percent", "PerformanceLevel", "RawScore", "ScaledScore", "Result"] = "RawScore"
    lowest: str | None = None
    highest: str | None = None
    required: str | None = None
    allowed: tuple[str, ...] = ()  # lowest first


@dataclass(frozen=True)
class Achievement:
    """What was achieved, at one version. `id` is its public address."""

    id: str
    name: str
    description: str
    criteria: str  # Markdown
    kind: Literal["Certificate", "Certification", "License", "Membership"] = "Certificate"
    language: str = "zh-CN"
    english_name: str | None = None


@dataclass(frozen=True)
class Person:
    """A nameless holder: a random id, and the e-mail hash by which the holder can prove it is theirs."""

    holder: UUID
    email: str  # hashed as given; put it in one letter case first
    salt: str  # published beside the hash; a fresh one a credential


@dataclass(frozen=True)
class Organisation:
    url: str
    names: tuple[str, ...]  # in clear, one or more languages


@dataclass(frozen=True)
class Award:
    """Everything a credential says."""

    id: str
    number: str
    issuer: Issuer
    achievement: Achievement
    recipient: Person | Organisation
    awarded: datetime
    valid_from: datetime
    valid_until: datetime | None
    status_list: str
    status_index: int
    results: tuple[Result, ...] = ()


def clean(text: str) -> str:
    """Without the characters that only some verifiers accept in a signature; tab and newline stay."""
    return UNSIGNABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def build(award: Award) -> dict[str, Any]:
    """The unsigned OpenBadgeCredential.

    The published schema takes plain strings only, no language maps: names are in the achievement's language,
    the English one is beside it as a `related` achievement and in the credential's own display name.
    """
    names = [award.achievement.name, award.achievement.english_name]
    document = {
        "@context": [VC_V2, OPEN_BADGES, OPEN_BADGES_EXTENSIONS],  # the third defines credentialSchema's type
        "id": award.id,
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": " / ".join(name for name in names if name),
        "issuer": {
            "id": award.issuer.did,
            "type": ["Profile"],
            "name": award.issuer.name,
            "url": award.issuer.url,
        },
        "awardedDate": timestamp(award.awarded),
        "validFrom": timestamp(award.valid_from),
        "validUntil": timestamp(award.valid_until) if award.valid_until else None,
        "credentialSubject": {
            **_recipient(award.recipient),
            "type": ["AchievementSubject"],
            "licenseNumber": award.number,
            "result": _results(award.achievement, award.results),
            "achievement": _achievement(award.achievement, award.results),
        },
        "credentialStatus": status_entry(award.status_list, award.status_index),
        "credentialSchema": [{"id": SCHEMA, "type": "1EdTechJsonSchemaValidator2019"}],
    }
    cleaned: dict[str, Any] = _tidy(document)
    return cleaned


def renewed(
    document: Mapping[str, Any],
    *,
    id_: str,
    issuer: Issuer,
    valid_from: datetime,
    status_list: str,
    status_index: int,
    achievement: Achievement | None = None,
    results: Sequence[Result] = (),
) -> dict[str, Any]:
    """The same award as a new unsigned credential; with `achievement`, in its present words.

    Addresses of ours follow when the host has changed.
    """
    old_base, base = (address.rpartition("/credentials/")[0] for address in (document["id"], id_))
    unsigned = {name: value for name, value in document.items() if name != "proof"}
    new: dict[str, Any] = _readdressed(unsigned, f"{old_base}/", f"{base}/")
    new |= {
        "id": id_,
        "issuer": {**new["issuer"], "id": issuer.did, "name": issuer.name, "url": issuer.url},
        "validFrom": timestamp(valid_from),
        "credentialStatus": status_entry(status_list, status_index),
    }
    if achievement:
        new["name"] = " / ".join(name for name in (achievement.name, achievement.english_name) if name)
        subject = {**new["credentialSubject"], "achievement": _achievement(achievement, results)}
        if results:
            subject["result"] = _results(achievement, results)
        new["credentialSubject"] = subject
    cleaned: dict[str, Any] = _tidy(new)
    return cleaned


def _readdressed(value: Any, old: str, new: str) -> Any:
    if isinstance(value, str):
        return new + value.removeprefix(old) if value.startswith(old) else value
    if isinstance(value, list):
        return [_readdressed(inner, old, new) for inner in value]
    if isinstance(value, dict):
        return {name: _readdressed(inner, old, new) for name, inner in value.items()}
    return value


def _results(achievement: Achievement, results: Sequence[Result]) -> list[dict[str, Any]]:
    return [
        {
            "type": ["Result"],
            "resultDescription": f"{achievement.id}#{result.key}",
            "value": result.value,
        }
        for result in results
    ]


def _recipient(recipient: Person | Organisation) -> dict[str, Any]:
    if isinstance(recipient, Person):
        salt = clean(recipient.salt)
        digest = sha256((clean(recipient.email) + salt).encode()).hexdigest()
        mail = {"type": "IdentityObject", "identityType": "emailAddress", "hashed": True}
        return {
            "id": f"urn:uuid:{recipient.holder}",
            "identifier": [{**mail, "identityHash": f"sha256${digest}", "salt": salt}],
        }
    parts = urlsplit(recipient.url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError(f"an organisation is named by its web address, not {recipient.url!r}")
    name = {"type": "IdentityObject", "identityType": "name", "hashed": False}
    return {"id": recipient.url, "identifier": [{**name, "identityHash": text} for text in recipient.names]}


def _achievement(achievement: Achievement, results: Sequence[Result]) -> dict[str, Any]:
    english = {"id": f"{achievement.id}#en", "type": ["Related"], "inLanguage": "en"}
    return {
        "id": achievement.id,
        "type": ["Achievement"],
        "achievementType": achievement.kind,
        "name": achievement.name,
        "description": achievement.description,
        "inLanguage": achievement.language,
        "criteria": {"narrative": achievement.criteria},
        "related": [{**english, "name": achievement.english_name}] if achievement.english_name else None,
        "resultDescription": [
            {
                "id": f"{achievement.id}#{result.key}",
                "type": ["ResultDescription"],
                "name": result.name,
                "resultType": result.kind,
                "valueMin": result.lowest,
                "valueMax": result.highest,
                "requiredValue": result.required,
                "allowedValue": list(result.allowed),
            }
            for result in results
        ],
    }


def _tidy(value: Any) -> Any:
    """Every string cleaned; what is absent or an empty list left out, as it could not be signed."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_tidy(inner) for inner in value]
    if isinstance(value, dict):
        return {name: _tidy(inner) for name, inner in value.items() if inner is not None and inner != []}
    return value


def sign_data_integrity(
    document: Mapping[str, Any], key: Key, verification_method: str, created: datetime
) -> bytes:
    """The document with an `eddsa-rdfc-2022` proof, as the bytes to store and to serve.

    `verification_method` is the DID URL of the key. Raises UnsignableError or ContextError when the
    signature would not cover the whole document.
    """
    if "proof" in document:
        raise ValueError("the document has a proof already")
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-rdfc-2022",
        "created": timestamp(created),
        "verificationMethod": verification_method,
        "proofPurpose": "assertionMethod",
    }
    signature = key.ed25519().sign(_hash_data(document, proof))
    # An array: the published schema refuses a single object.
    signed = {**document, "proof": [{**proof, "proofValue": "z" + base58_encode(signature)}]}
    return json.dumps(signed, ensure_ascii=False, separators=(",", ":")).encode()


def verify_data_integrity(
    document: Mapping[str, Any], public_key: Ed25519PublicKey, verification_method: str
) -> bool:
    """Whether the one proof was made with this key under this name. For what we issued, never for strangers'.

    It says nothing of dates or status.
    """
    unsigned = dict(document)
    match unsigned.pop("proof", None):
        case [dict() as proof]:
            proof = dict(proof)
        case _:
            return False
    value = proof.pop("proofValue", None)
    if (
        proof.get("type") != "DataIntegrityProof"
        or proof.get("cryptosuite") != "eddsa-rdfc-2022"
        or proof.get("proofPurpose") != "assertionMethod"
        or proof.get("verificationMethod") != verification_method
        or not isinstance(value, str)
        or not value.startswith("z")
    ):
        return False
    try:
        public_key.verify(base58_decode(value[1:]), _hash_data(unsigned, proof))
    except (InvalidSignature, UnsignableError, ContextError, ValueError):
        return False
    return True


def _hash_data(unsigned: Mapping[str, Any], proof: Mapping[str, Any]) -> bytes:
    """vc-di-eddsa §3.2.4: hash of the proof options (in the document's context), then of the document."""
    options = json.dumps({**proof, "@context": unsigned["@context"]})
    return _hash_of_options(options) + sha256(canonical(dict(unsigned)).encode()).digest()


@lru_cache(maxsize=16)
def _hash_of_options(options: str) -> bytes:
    """Many credentials signed at one moment share them."""
    return sha256(canonical(json.loads(options)).encode()).digest()


def sign_jwt(document: Mapping[str, Any], key: Key, kid: str) -> str:
    """The same credential as VC-JWT (RS256), proof left out. `kid` is the address of the published JWK."""
    payload = {name: value for name, value in document.items() if name != "proof"}
    payload |= {
        "iss": document["issuer"]["id"],
        "jti": document["id"],
        "sub": document["credentialSubject"]["id"],
    }
    payload["nbf"] = _seconds(document["validFrom"])
    if "validUntil" in document:
        payload["exp"] = _seconds(document["validUntil"])
    # An embedded jwk or any other header would prove nothing about the issuer: exactly these three.
    header = {"alg": "RS256", "kid": kid, "typ": "JWT"}
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    return jws.serialize_compact(header, text, RSAKey.import_key(key.rsa()), algorithms=["RS256"])


def _seconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp())


def says_the_same(stored: bytes, presented: bytes) -> bool:
    """Whether a presented file is the stored credential, spacing and order of members aside.

    Compares and never canonicalises, so it is safe on a stranger's file.
    """
    if stored == presented:
        return True
    if len(presented) > 4 * len(stored):  # generous for indentation and \\u escapes
        return False
    try:
        return _plain(stored) == _plain(presented)
    except (ValueError, RecursionError):
        return False


def _plain(data: bytes) -> str:
    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(found := dict(pairs)) != len(pairs):
            raise ValueError("a member is named twice")  # readers differ on which one counts
        return found

    # As text, because Python holds 1 == 1.0 == True.
    return json.dumps(json.loads(data, object_pairs_hook=members), sort_keys=True)
