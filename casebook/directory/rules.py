"""How a capability is shown to be more than a word."""

from collections.abc import Collection, Iterable
from datetime import timedelta
from enum import StrEnum

from portal.refusal import mark


class Proof(StrEnum):
    CASE = "case"  # used in a published case
    CERTIFIED = "certified"  # somebody there holds a certificate that covers it
    DECLARED = "declared"  # its own statement


PROOF_NAMES = {
    Proof.CASE: mark("shown by cases"),
    Proof.CERTIFIED: mark("certified"),
    Proof.DECLARED: mark("own statement"),
}
_ORDER = list(Proof)

# Personal certificates that cover each group of capabilities.
COVERED_BY = {
    "insight": {"P2", "P3"},
    "strategy": {"P2", "P3"},
    "content": {"P1", "P2"},
    "results": {"P1", "P2"},
    "tools": {"T1", "T2"},
    "systems": {"T1", "T2"},
}

OUTCOMES_WITHIN = timedelta(days=365)
REVIEWS_WITHIN = timedelta(days=548)  # 18 months


def proof_of(
    capability: str, group: str | None, *, shown: Collection[str], certificates: Collection[str]
) -> Proof:
    """`shown`: capabilities of its published cases; `certificates`: codes its people hold now."""
    if capability in shown:
        return Proof.CASE
    return Proof.CERTIFIED if COVERED_BY.get(group or "", set()) & set(certificates) else Proof.DECLARED


def by_proof(found: Iterable[tuple[str, Proof]]) -> list[tuple[str, Proof]]:
    """What is best proven first; otherwise as the organisation ordered them."""
    return sorted(found, key=lambda pair: _ORDER.index(pair[1]))
