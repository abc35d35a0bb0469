"""The kinds of things that staff review; each feature's kind is added at the front door."""

from portal.review.rules import SubjectKind

KINDS: dict[str, SubjectKind] = {}


def add_kind(kind: SubjectKind) -> None:
    KINDS[kind.key] = kind


def kinds_for(roles: frozenset[str]) -> list[str]:
    """The kinds that somebody with these staff roles may decide."""
    return [kind.key for kind in KINDS.values() if kind.roles & roles]
