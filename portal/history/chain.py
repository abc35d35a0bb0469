"""The record as a hash chain: how a row is hashed, and how the first row that does not hold is found.

    hash = SHA-256( canonical JSON of {id, seq, at, actor_id, subject_kind, subject_id, organisation_id, verb,
                                       before, after, reason, personal_digest, previous} )
    previous = the hash of the row with the number before; 64 zeros for row 1
    personal_digest = SHA-256( salt + canonical JSON of `personal` ), or null when the row has nothing personal

Canonical JSON: UTF-8, keys sorted, no spaces, nothing escaped that need not be; times in UTC as ISO 8601.
Numbers `seq` have no gaps and follow the order of the commits.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

ROOT = "0" * 64


@dataclass(frozen=True)
class Link:
    """A row of the record with all that is hashed, in the order of the table."""

    id: int
    at: datetime
    actor_id: int | None
    subject_kind: str
    subject_id: int
    organisation_id: int | None
    verb: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str
    personal: dict[str, Any] | None
    salt: str | None
    personal_digest: str | None
    seq: int | None
    previous: str | None
    hash: str | None


@dataclass(frozen=True)
class End:
    """A place in the chain: the number of a row, and its hash."""

    seq: int
    hash: str


@dataclass(frozen=True)
class Fault:
    seq: int  # the first row that does not hold
    what: str
    id: int | None = None


def canonical(value: Any) -> bytes:
    return json.dumps(
        json.loads(json.dumps(value)), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()


def digest_of(personal: Mapping[str, Any], salt: str) -> str:
    return hashlib.sha256(salt.encode() + canonical(personal)).hexdigest()


def hash_of(link: Link, seq: int, previous: str) -> str:
    """The hash that this row has as number `seq` after `previous`."""
    hashed = asdict(link) | {"seq": seq, "previous": previous, "at": link.at.astimezone(UTC).isoformat()}
    for left_out in ("hash", "personal", "salt"):
        del hashed[left_out]
    return hashlib.sha256(canonical(hashed)).hexdigest()


def first_fault(links: Iterable[Link], end: End, heads: Iterable[End] = ()) -> Fault | None:
    """The first row that was changed, taken out or put in: by the chain itself, by the row that says where it
    ends, and by heads kept elsewhere. `links` in the order of their numbers, those without a number last.
    """
    kept = sorted([*heads, *([end] if end.seq else [])], key=lambda head: head.seq)
    previous, number = ROOT, 0
    for link in links:
        number += 1
        fault = _fault(link, number, previous) or ("was put in behind the end" if number > end.seq else "")
        previous = link.hash or ""
        while kept and kept[0].seq <= number:
            if kept.pop(0).hash != previous:
                fault = fault or "is not the one that was kept as the head"
        if fault:
            return Fault(number, fault, link.id)
    return Fault(number + 1, "is missing") if kept else None


def _fault(link: Link, number: int, previous: str) -> str:
    if link.seq is None:
        return "was put in without a number"
    if link.seq != number:
        return "is missing" if link.seq > number else "has a number that was given already"
    if link.previous != previous:
        return "does not follow the row before it"
    if link.personal and (
        not link.personal_digest or digest_of(link.personal, link.salt or "") != link.personal_digest
    ):
        return "was changed in its personal part"
    if link.hash != hash_of(link, number, previous):
        return "was changed"
    return ""
