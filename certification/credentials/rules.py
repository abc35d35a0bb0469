"""What a credential may become, and what a stranger reads of its holder."""

from datetime import datetime
from enum import StrEnum


class Holder(StrEnum):
    PERSON = "person"
    ORGANISATION = "organisation"


class CredentialStatus(StrEnum):
    ACTIVE = "active"
    SUPERSEDED = "superseded"  # a newer one stands in its place
    SUSPENDED = "suspended"
    REVOKED = "revoked"


MOVES = {
    (CredentialStatus.ACTIVE, "supersede"): CredentialStatus.SUPERSEDED,
    (CredentialStatus.ACTIVE, "suspend"): CredentialStatus.SUSPENDED,
    (CredentialStatus.ACTIVE, "revoke"): CredentialStatus.REVOKED,
    (CredentialStatus.SUSPENDED, "revoke"): CredentialStatus.REVOKED,
    (CredentialStatus.SUSPENDED, "supersede"): CredentialStatus.SUPERSEDED,
}

# Its bit in the status list is set: outside verifiers call it revoked.
BIT_SET = (CredentialStatus.SUPERSEDED, CredentialStatus.SUSPENDED, CredentialStatus.REVOKED)


def reads_as(status: str, valid_until: datetime, at: datetime) -> str:
    """What its page says: valid, expired, or its status."""
    if status == CredentialStatus.ACTIVE:
        return "valid" if at < valid_until else "expired"
    return str(status)


def masked(name: str) -> str:
    """The first character (or first word of a Latin name) and as many circles as are hidden."""
    if name and ord(name[0]) < 0x2E80:
        first, *rest = name.split()
        return " ".join([first, *(part[0] + "." for part in rest)])
    return name[:1] + "○" * max(1, len(name) - 1)
