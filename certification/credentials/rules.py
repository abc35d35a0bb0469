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
    (CredentialStatus.SUSPENDED, "reinstate"): CredentialStatus.SUPERSEDED,  # by a new one of the same number
}

# Its bit in the status list is set: outside verifiers call it revoked.
BIT_SET = (CredentialStatus.SUPERSEDED, CredentialStatus.SUSPENDED, CredentialStatus.REVOKED)


def reads_as(status: str, valid_until: datetime, at: datetime, *, on_probation: bool = False) -> str:
    """What its page says: valid, probation (a level that is being put right), expired, or its status."""
    if status == CredentialStatus.ACTIVE:
        return "expired" if at >= valid_until else "probation" if on_probation else "valid"
    return str(status)


def masked(name: str) -> str:
    """The first character (or first word of a Latin name) and as many circles as are hidden."""
    if name and ord(name[0]) < 0x2E80:
        first, *rest = name.split()
        return " ".join([first, *(part[0] + "." for part in rest)])
    return name[:1] + "○" * max(1, len(name) - 1)


def keeps_number(old_status: str, old_code: str, old_award: datetime, code: str, award: datetime) -> bool:
    """Whether a new credential stands for the same certificate as a suspended one: a reinstatement."""
    return old_status == CredentialStatus.SUSPENDED and (old_code, old_award) == (code, award)
