"""The search index: an FTS5 table on SQLite, a column of lexemes on PostgreSQL."""

from collections.abc import Callable

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Terms are made in the application, joined by spaces, without any ASCII sign in them; `ascii` splits at those alone.
SQLITE = ["CREATE VIRTUAL TABLE search_index USING fts5(terms, content='', tokenize='ascii')"]
POSTGRESQL = [
    "CREATE TABLE search_index (document_id integer PRIMARY KEY REFERENCES search_document (id) ON DELETE CASCADE, lexemes tsvector NOT NULL)",
    "CREATE INDEX ix_search_index_lexemes ON search_index USING gin (lexemes)",
]


def create_search_tables(execute: Callable[[str], object], dialect: str) -> None:
    for statement in POSTGRESQL if dialect == "postgresql" else SQLITE:
        execute(statement)


def upgrade() -> None:
    create_search_tables(op.execute, op.get_bind().dialect.name)


def downgrade() -> None:
    op.execute("DROP TABLE search_index")
