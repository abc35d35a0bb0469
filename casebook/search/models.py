"""What can be searched: the terms of each text, and how many texts hold a term.

The index itself, `search_index`, is made by a migration of its own: an FTS5 table on SQLite,
a column of lexemes on PostgreSQL.
"""

from sqlalchemy import Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel


class SearchDocument(SQLModel, table=True):
    __tablename__ = "search_document"
    __table_args__ = (
        UniqueConstraint("kind", "subject_id"),
        Index("ix_search_document_kind_length", "kind", "length"),
    )
    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(max_length=40)
    subject_id: int
    title: str = Field(max_length=200)
    terms: str = Field(sa_type=Text)  # joined by spaces, in the order of the text
    length: int
    stamp: str = Field(
        default="", max_length=80
    )  # what the text was made from, so that a sweep sees what is stale


class SearchTerm(SQLModel, table=True):
    __tablename__ = "search_term"
    kind: str = Field(max_length=40, primary_key=True)
    term: str = Field(max_length=64, primary_key=True)
    documents: int
