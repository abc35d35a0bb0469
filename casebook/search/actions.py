"""Put a text into the index and take it out, in the transaction in which it changed."""

from sqlalchemy import text
from sqlmodel import Session

from casebook.search.models import SearchDocument
from casebook.search.queries import document
from casebook.search.rules import stored_terms


def index(session: Session, kind: str, subject_id: int, title: str, body: str, *, stamp: str = "") -> None:
    """(Re)index one text. The words of its title count twice."""
    words = stored_terms(title) * 2 + stored_terms(body)
    row = document(session, kind, subject_id)
    if row is None:
        row = SearchDocument(kind=kind, subject_id=subject_id, title=title[:200], terms="", length=0)
        session.add(row)
        session.flush()
    before, after = row.terms, " ".join(words)
    row.title, row.stamp = title[:200], stamp
    if before != after:
        _leave(session, row)
        row.terms, row.length = after, len(words)
        session.flush()
        _enter(session, row)
        _count(session, kind, set(before.split()), set(words))


def remove(session: Session, kind: str, subject_id: int) -> None:
    row = document(session, kind, subject_id)
    if row is not None:
        _leave(session, row)
        _count(session, kind, set(row.terms.split()), set())
        session.delete(row)
        session.flush()


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def _leave(session: Session, row: SearchDocument) -> None:
    if _is_postgresql(session):
        session.connection().execute(text("DELETE FROM search_index WHERE document_id = :id"), {"id": row.id})
    elif row.terms:  # a contentless FTS5 table is told what it is to forget
        session.connection().execute(
            text("INSERT INTO search_index (search_index, rowid, terms) VALUES ('delete', :id, :terms)"),
            {"id": row.id, "terms": row.terms},
        )


def _enter(session: Session, row: SearchDocument) -> None:
    if not row.terms:
        return
    if _is_postgresql(session):
        # A literal of lexemes: PostgreSQL's own parser, which knows no Chinese, never runs.
        lexemes = " ".join(f"'{term}':{min(n, 16_383)}" for n, term in enumerate(row.terms.split(" "), 1))
        session.connection().execute(
            text("INSERT INTO search_index (document_id, lexemes) VALUES (:id, CAST(:lexemes AS tsvector))"),
            {"id": row.id, "lexemes": lexemes},
        )
    else:
        session.connection().execute(
            text("INSERT INTO search_index (rowid, terms) VALUES (:id, :terms)"),
            {"id": row.id, "terms": row.terms},
        )


_CHANGE = text(
    "INSERT INTO search_term (kind, term, documents) VALUES (:kind, :term, 1) "
    "ON CONFLICT (kind, term) DO UPDATE SET documents = search_term.documents + :change"
)
_FORGET = text("DELETE FROM search_term WHERE kind = :kind AND term = :term AND documents <= 0")


def _count(session: Session, kind: str, before: set[str], after: set[str]) -> None:
    """Keep the number of texts that hold each term.

    In the order of the terms, so that two writers never wait for each other.
    """
    changes = dict.fromkeys(after - before, 1) | dict.fromkeys(before - after, -1)
    rows = [{"kind": kind, "term": term, "change": change} for term, change in sorted(changes.items())]
    gone = [{"kind": kind, "term": term} for term in sorted(before - after)]
    if rows:
        session.connection().execute(_CHANGE, rows)
    if gone:
        session.connection().execute(_FORGET, gone)
