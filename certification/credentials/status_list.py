"""Bitstring Status List (W3C, v1.0): one bit a credential, set once it is revoked."""

import base64
import gzip
import secrets
import zlib
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from certification.credentials.contexts import VC_V2
from certification.credentials.keys import timestamp

BITS = 131_072  # the smallest list the specification allows, so that no reader learns whom it asks about


class StatusListFullError(Exception):
    """Every index has been given out; a new list is needed."""


def encode(indexes: Iterable[int]) -> str:
    """The list as `encodedList`: index 0 leftmost; gzip, then multibase base64url, no padding."""
    bits = bytearray(BITS // 8)
    for index in indexes:
        if not 0 <= index < BITS:
            raise ValueError(f"status index {index} is outside the list")
        bits[index >> 3] |= 0x80 >> (index & 7)
    packed = gzip.compress(bytes(bits), mtime=0)  # no clock in it: the same bits give the same text
    return "u" + base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def decode(encoded: str) -> frozenset[int]:
    """The indexes whose bit is set. Raises ValueError for anything but a list of exactly BITS bits."""
    if not encoded.startswith("u"):
        raise ValueError("encodedList is not multibase base64url")
    packed = base64.urlsafe_b64decode(encoded[1:] + "=" * (-len(encoded[1:]) % 4))
    try:
        bits = zlib.decompressobj(wbits=31).decompress(packed, BITS // 8 + 1)
    except zlib.error as error:
        raise ValueError("encodedList is not gzip") from error
    if len(bits) != BITS // 8:
        raise ValueError("encodedList has another length")
    return frozenset(i for i in range(BITS) if bits[i >> 3] & (0x80 >> (i & 7)))


def random_free_index(taken: Collection[int]) -> int:
    """An index never given out before. Random, so that an index tells nothing about when or to whom."""
    used = frozenset(taken)
    if len(used) >= BITS:
        raise StatusListFullError
    while (index := secrets.randbelow(BITS)) in used:
        pass
    return index


def status_entry(list_url: str, index: int) -> dict[str, str]:
    """The `credentialStatus` of a credential: one object, as Open Badges 3.0 allows only one."""
    if not 0 <= index < BITS:
        raise ValueError(f"status index {index} is outside the list")
    return {
        "id": f"{list_url}#{index}",
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": str(index),
        "statusListCredential": list_url,
    }


def status_list_credential(
    list_url: str,
    issuer: str,
    revoked: Iterable[int],
    valid_from: datetime,
    valid_until: datetime | None = None,
) -> dict[str, Any]:
    """The unsigned list credential. `issuer` must be the DID of the credentials that point to it."""
    return {
        "@context": [VC_V2],
        "id": list_url,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer,
        "validFrom": timestamp(valid_from),
        **({"validUntil": timestamp(valid_until)} if valid_until else {}),
        "credentialSubject": {
            "id": f"{list_url}#list",
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "encodedList": encode(revoked),
        },
    }
