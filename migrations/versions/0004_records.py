"""The record as a hash chain, who opened which file, notices."""

import hashlib
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

FIXED = (
    'id, seq, at, actor_id, subject_kind, subject_id, organisation_id, verb, "before", "after", reason, '
    "personal_digest, previous, hash"
)
# Allowed on a chained row: its personal part goes, and the salt with it. Nothing else.
CHAINED = "OLD.seq IS NOT NULL"
KEEPS_PERSONAL = f"{CHAINED} AND (COALESCE(CAST(NEW.personal AS TEXT), 'null') <> 'null' OR NEW.salt IS NOT NULL)"
SQLITE = [
    f"CREATE TRIGGER history_{name} BEFORE {what} ON history WHEN {when} "
    "BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END"
    for name, what, when in (
        ("fixed", f"UPDATE OF {FIXED}", CHAINED),
        ("erased", "UPDATE OF personal, salt", KEEPS_PERSONAL),
        ("kept", "DELETE", CHAINED),
    )
]
POSTGRESQL = [
    "CREATE FUNCTION history_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'the record is append-only'; END $$",
    *(
        f"CREATE TRIGGER history_{name} BEFORE {what} ON history {each} EXECUTE FUNCTION history_refuse()"
        for name, what, each in (
            ("fixed", f"UPDATE OF {FIXED}", f"FOR EACH ROW WHEN ({CHAINED})"),
            ("erased", "UPDATE OF personal, salt", f"FOR EACH ROW WHEN ({KEEPS_PERSONAL})"),
            ("kept", "DELETE", f"FOR EACH ROW WHEN ({CHAINED})"),
            ("emptied", "TRUNCATE", "FOR EACH STATEMENT"),
        )
    ),
]


def create_history_triggers(execute: Callable[[str], object], dialect: str) -> None:
    """SQLite forgets them when the table is made anew by a batch migration: whoever does that calls this again."""
    for statement in POSTGRESQL if dialect == "postgresql" else SQLITE:
        execute(statement)


# ——— The chain as it was made in this version ———

# Of which rows names and addresses of people are taken out of `after`.
PERSONAL = {"employment": ("person", "email"), "case": ("email", "name", "role")}


def canonical(value: Any) -> bytes:
    return json.dumps(
        json.loads(json.dumps(value)), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()


def chain_what_is_there(connection: sa.Connection) -> None:
    columns = (
        *(sa.column(name, sa.Integer) for name in ("id", "actor_id", "subject_id", "organisation_id", "seq")),
        *(sa.column(name, sa.String) for name in ("subject_kind", "verb", "reason", "salt", "personal_digest")),
        *(sa.column(name, sa.String) for name in ("previous", "hash")),
        *(sa.column(name, sa.JSON) for name in ("before", "after", "personal")),
        sa.column("at", sa.DateTime(timezone=True)),
    )
    history = sa.table("history", *columns)
    previous, seq = "0" * 64, 0
    for row in connection.execute(sa.select(history).order_by(history.c.id)).mappings().all():
        seq += 1
        at: datetime = row["at"]
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)  # SQLite keeps UTC without saying so
        after, personal, salt, digest = row["after"], None, None, None
        keys = [k for k in PERSONAL.get(row["subject_kind"], ()) if k in (after or {})]
        if keys:
            personal = {k: after[k] for k in keys}
            after = {k: v for k, v in after.items() if k not in keys}
            salt = secrets.token_hex(16)
            digest = hashlib.sha256(salt.encode() + canonical(personal)).hexdigest()
        hashed = {
            name: row[name]
            for name in ("id", "actor_id", "subject_kind", "subject_id", "organisation_id", "verb", "before", "reason")
        } | {"at": at.isoformat(), "after": after, "personal_digest": digest, "seq": seq, "previous": previous}
        its_hash = hashlib.sha256(canonical(hashed)).hexdigest()
        connection.execute(
            sa.update(history)
            .where(history.c.id == row["id"])
            .values(
                after=after,
                personal=personal,
                salt=salt,
                personal_digest=digest,
                seq=seq,
                previous=previous,
                hash=its_hash,
            )
        )
        previous = its_hash
    op.execute(
        sa.table("history_end", sa.column("id"), sa.column("seq"), sa.column("hash"))
        .insert()
        .values(id=1, seq=seq, hash=previous)
    )


def upgrade() -> None:
    op.create_table('history_end',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_history_end'))
    )
    op.create_table('history_head',
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('exported_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('day', name=op.f('pk_history_head'))
    )
    op.add_column('history', sa.Column('personal', sa.JSON(), nullable=True))
    op.add_column('history', sa.Column('salt', sa.String(length=32), nullable=True))
    op.add_column('history', sa.Column('personal_digest', sa.String(length=64), nullable=True))
    op.add_column('history', sa.Column('seq', sa.Integer(), nullable=True))
    op.add_column('history', sa.Column('previous', sa.String(length=64), nullable=True))
    op.add_column('history', sa.Column('hash', sa.String(length=64), nullable=True))
    op.create_index(op.f('ix_history_seq'), 'history', ['seq'], unique=True)
    chain_what_is_there(op.get_bind())
    create_history_triggers(op.execute, op.get_bind().dialect.name)

    op.create_table('file_access',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('file_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('purpose', sa.Enum('own', 'review', 'unsaid', name='purpose', native_enum=False, length=40), nullable=False),
    sa.ForeignKeyConstraint(['file_id'], ['stored_file.id'], name=op.f('fk_file_access_file_id_stored_file')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_file_access_person_id_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_file_access'))
    )
    op.create_index(op.f('ix_file_access_file_id'), 'file_access', ['file_id'], unique=False)
    op.create_index(op.f('ix_file_access_person_id'), 'file_access', ['person_id'], unique=False)
    # Openings were rows of the record until now; those rows stay there too.
    op.execute(
        "INSERT INTO file_access (file_id, person_id, at, purpose) "
        "SELECT subject_id, actor_id, at, 'unsaid' FROM history WHERE verb = 'file opened' AND subject_kind = 'file' "
        "AND actor_id IS NOT NULL AND subject_id IN (SELECT id FROM stored_file) ORDER BY id"
    )

    op.create_table('notice',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=60), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('text', sa.String(), nullable=False),
    sa.Column('path', sa.String(length=300), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('read_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_notice_person_id_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notice'))
    )
    op.create_index('ix_notice_person_unread', 'notice', ['person_id', 'read_at'], unique=False)
    op.create_table('notice_choice',
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=60), nullable=False),
    sa.Column('by_mail', sa.Boolean(), nullable=False),
    sa.Column('in_portal', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_notice_choice_person_id_person')),
    sa.PrimaryKeyConstraint('person_id', 'kind', name=op.f('pk_notice_choice'))
    )
    op.create_table('tip',
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('looked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_tip_person_id_person')),
    sa.PrimaryKeyConstraint('person_id', name=op.f('pk_tip'))
    )
    op.add_column('mail', sa.Column('unsubscribe_path', sa.String(length=200), nullable=True))


def downgrade() -> None:
    op.drop_column('mail', 'unsubscribe_path')
    op.drop_table('tip')
    op.drop_table('notice_choice')
    op.drop_index('ix_notice_person_unread', table_name='notice')
    op.drop_table('notice')
    op.drop_index(op.f('ix_file_access_person_id'), table_name='file_access')
    op.drop_index(op.f('ix_file_access_file_id'), table_name='file_access')
    op.drop_table('file_access')
    postgresql = op.get_bind().dialect.name == 'postgresql'
    for name in ('fixed', 'erased', 'kept', *(('emptied',) if postgresql else ())):
        op.execute(f"DROP TRIGGER history_{name}{' ON history' if postgresql else ''}")
    if postgresql:
        op.execute("DROP FUNCTION history_refuse()")
    put_personal_back(op.get_bind())
    op.drop_index(op.f('ix_history_seq'), table_name='history')
    for column in ('hash', 'previous', 'seq', 'personal_digest', 'salt', 'personal'):
        op.drop_column('history', column)
    op.drop_table('history_head')
    op.drop_table('history_end')


def put_personal_back(connection: sa.Connection) -> None:
    history = sa.table("history", sa.column("id"), sa.column("after", sa.JSON), sa.column("personal", sa.JSON))
    for row in connection.execute(sa.select(history)).all():
        if row.personal:
            connection.execute(
                sa.update(history).where(history.c.id == row.id).values(after={**(row.after or {}), **row.personal})
            )
