"""One line of migrations that goes up, down and up again, and says what the models say."""

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect
from sqlmodel import Session

from portal import clock, columns
from portal.db import make_engine, make_sessions, transaction
from portal.programme.actions import load_default
from portal.settings import ROOT
from tests.factories import make_organisation
from tests.house.databases import fresh_url, in_force


@pytest.fixture(scope="module")
def empty() -> Engine:
    return make_engine(fresh_url("migrations"))


def config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    return config


def tables(engine: Engine) -> set[str]:
    return {t for t in inspect(engine).get_table_names() if t != "alembic_version"}


def test_there_is_one_head_and_no_gap():
    script = ScriptDirectory.from_config(config())
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1
    assert len(list(script.walk_revisions())) == len(list((ROOT / "migrations" / "versions").glob("*.py")))


def test_up_down_and_up_again(empty):
    with in_force(make_sessions(empty)):
        command.upgrade(config(), "head")
        first = tables(empty)
        assert {"person", "organisation", "fact", "credential", "case_study", "brief"} <= first
        command.downgrade(config(), "base")
        assert tables(empty) == set()
        command.upgrade(config(), "head")
    assert tables(empty) == first


def test_the_migrated_schema_takes_rows(empty):
    with in_force(make_sessions(empty)):
        command.upgrade(config(), "head")
        with transaction(make_sessions(empty)) as session:
            assert load_default(session, now=clock.now(), effective_from=clock.now())
            assert isinstance(session, Session)
            make_organisation(session)


def test_models_and_migrations_say_the_same(empty):
    """As `alembic check`."""
    with in_force(make_sessions(empty)):
        command.upgrade(config(), "head")
        command.check(config())
    with empty.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = [
            d
            for d in compare_metadata(context, columns.metadata)
            if not (isinstance(d, tuple) and getattr(d[1], "name", "").startswith("search_index"))
            and not (isinstance(d, tuple) and "search_index" in str(getattr(d[1], "table", "")))
        ]
    assert differences == []


def test_a_changed_model_would_be_noticed(empty, monkeypatch):
    from sqlalchemy import Column, Integer, MetaData, Table

    changed = MetaData(naming_convention=columns.metadata.naming_convention)
    for table in columns.metadata.tables.values():
        table.to_metadata(changed)
    Table("forgotten", changed, Column("id", Integer, primary_key=True))
    with in_force(make_sessions(empty)):
        command.upgrade(config(), "head")
        monkeypatch.setattr(columns, "metadata", changed)
        with pytest.raises(Exception, match="forgotten"):
            command.check(config())
