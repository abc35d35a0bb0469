"""One search, two implementations: which texts hold the terms is asked of the database, the order is ours."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import text
from sqlmodel import Session, col, func, select

from casebook.search.models import SearchDocument, SearchTerm
from casebook.search.rules import CANDIDATES, bm25, is_prefix, rarest, runs


def document(session: Session, kind: str, subject_id: int) -> SearchDocument | None:
    return session.exec(
        select(SearchDocument)
        .where(SearchDocument.kind == kind, SearchDocument.subject_id == subject_id)
        .with_for_update()
    ).first()


def stamps(session: Session, kind: str) -> dict[int, str]:
    """What each indexed text was made from."""
    return dict(
        session.exec(
            select(SearchDocument.subject_id, SearchDocument.stamp).where(SearchDocument.kind == kind)
        ).all()
    )


def search(session: Session, kind: str, query: str, limit: int = CANDIDATES) -> list[int]:
    """Ids, best first: what holds every word, or when nothing does, what holds the rarest of its terms."""
    asked = runs(query)[:200]
    if not asked:
        return []
    words = sorted({term for run in asked for term in run})
    frequencies = dict(
        session.exec(
            select(SearchTerm.term, SearchTerm.documents).where(
                SearchTerm.kind == kind, col(SearchTerm.term).in_(words[:900])
            )
        ).all()
    )
    found = _candidates(session, kind, asked, every=True, limit=limit)
    if not found and frequencies:
        found = _candidates(session, kind, [[term] for term in rarest(frequencies)], every=False, limit=limit)
    if not found:
        return []
    documents, total = session.exec(
        select(func.count(), func.sum(SearchDocument.length)).where(SearchDocument.kind == kind)
    ).one()
    prefixes = tuple(run[0] for run in asked if is_prefix(run))
    scored = []
    for subject_id, joined, length in found:
        counts = Counter(joined.split(" "))
        for one in prefixes:
            counts[one] = sum(n for term, n in counts.items() if term.startswith(one))
        score = bm25(
            words,
            counts,
            length=length,
            frequencies=frequencies,
            documents=documents,
            mean_length=(total or 0) / documents,
        )
        scored.append((-score, subject_id))
    return [subject_id for _, subject_id in sorted(scored)[:limit]]


def _candidates(
    session: Session, kind: str, asked: Sequence[Sequence[str]], *, every: bool, limit: int
) -> list[tuple[int, str, int]]:
    """(subject, terms, length) of the newest texts that hold each stretch as a phrase, or any of them."""
    match = _POSTGRESQL if session.get_bind().dialect.name == "postgresql" else _SQLITE
    words = _tsquery(asked, every=every) if match is _POSTGRESQL else _fts5(asked, every=every)
    rows = session.connection().execute(
        text(match), {"kind": kind, "words": words, "limit": max(limit, CANDIDATES)}
    )
    return [(row[0], row[1], row[2]) for row in rows]


_SQLITE = """
    SELECT d.subject_id, d.terms, d.length FROM search_index i JOIN search_document d ON d.id = i.rowid
    WHERE search_index MATCH :words AND d.kind = :kind ORDER BY d.id DESC LIMIT :limit"""
_POSTGRESQL = """
    SELECT d.subject_id, d.terms, d.length FROM search_index i JOIN search_document d ON d.id = i.document_id
    WHERE i.lexemes @@ CAST(:words AS tsquery) AND d.kind = :kind ORDER BY d.id DESC LIMIT :limit"""


def _fts5(asked: Sequence[Sequence[str]], *, every: bool) -> str:
    """Terms hold letters and digits alone, so a quoted phrase can mean nothing else."""
    phrases = ('"' + " ".join(run) + '"' + ("*" if is_prefix(run) else "") for run in asked)
    return (" AND " if every else " OR ").join(phrases)


def _tsquery(asked: Sequence[Sequence[str]], *, every: bool) -> str:
    phrases = (
        "(" + " <-> ".join(f"'{term}'" + (":*" if is_prefix(run) else "") for term in run) + ")"
        for run in asked
    )
    return (" & " if every else " | ").join(phrases)
