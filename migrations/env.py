"""Alembic: finds every `models` module itself."""

import importlib

from alembic import context
from sqlalchemy import text
from sqlmodel.sql.sqltypes import UTCDateTime

from portal import columns
from portal.context import sessions
from portal.settings import ROOT

for path in sorted(ROOT.glob("*/*/models.py")):
    importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


def render_item(kind: str, item: object, _context: object) -> str | bool:
    """SQLModel's own types are plain ones in a migration."""
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and type(item).__module__.startswith("sqlmodel."):
        return f"sa.String(length={item.length})" if getattr(item, "length", None) else "sa.String()"
    return False


def include_name(name: str | None, kind: str, _parents: object) -> bool:
    """The search index and its shadow tables are made by hand (0002); autogenerate leaves them alone."""
    return kind != "table" or not (name or "").startswith("search_index")


def run() -> None:
    bind = context.config.attributes.get("connection")
    engine = sessions().kw["bind"] if bind is None else None
    if bind is not None:
        migrate(bind)
        return
    with engine.connect() as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET lock_timeout = '10s'"))
        migrate(connection)


def migrate(connection: object) -> None:
    context.configure(
        connection=connection,
        target_metadata=columns.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        render_item=render_item,
        include_name=include_name,
        compare_type=True,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
