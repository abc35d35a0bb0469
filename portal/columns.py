"""Column helpers that both databases understand."""

from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Enum, MetaData
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {  # before any table, so that migrations can name what they drop
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

metadata: MetaData = SQLModel.metadata


def text_enum(kind: type[StrEnum]) -> Enum:
    """A text column that holds the members' values; new members need no migration."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=False,
        length=40,
        values_callable=lambda e: [m.value for m in e],
    )


def enum_field(kind: type[StrEnum], **options: Any) -> Any:
    return Field(sa_type=text_enum(kind), **options)


def json_field(default_factory: type | None = None, **options: Any) -> Any:
    """A JSON column. Assign a new value to change it: one changed in place is not saved."""
    if default_factory is not None:
        options["default_factory"] = default_factory
    return Field(sa_type=JSON, **options)
