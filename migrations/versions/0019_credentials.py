"""Signing keys and their days; credentials that keep their number; many of them issued again."""

import sqlalchemy as sa
from alembic import op


revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None

IN_FORCE = sa.text("status IN ('active', 'suspended')")


def upgrade() -> None:
    op.create_table('signing_key',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('use', sa.Enum('key', 'status', 'jwt', name='keyuse', native_enum=False, length=40), nullable=False),
    sa.Column('jwk', sa.JSON(), nullable=False),
    sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('signs_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_signing_key')),
    sa.UniqueConstraint('name', name=op.f('uq_signing_key_name'))
    )
    op.create_table('reissue',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('key_id', sa.String(length=40), nullable=False),
    sa.Column('code', sa.String(length=40), nullable=False),
    sa.Column('up_to_id', sa.Integer(), nullable=False),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('touched_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('done', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reissue'))
    )
    op.create_index(op.f('ix_reissue_finished_at'), 'reissue', ['finished_at'])

    # SQLite can drop a constraint only by making the table anew; no other table names this one.
    with op.batch_alter_table('credential') as batch_op:
        batch_op.drop_constraint(op.f('uq_credential_number'), type_='unique')
    op.create_index(op.f('ix_credential_number'), 'credential', ['number'])
    op.create_index('uq_credential_number_in_force', 'credential', ['number'], unique=True, sqlite_where=IN_FORCE, postgresql_where=IN_FORCE)


def downgrade() -> None:
    """Of several with one number the newest keeps it, as numbers were unique."""
    op.drop_index('uq_credential_number_in_force', 'credential')
    op.drop_index(op.f('ix_credential_number'), 'credential')
    op.execute("UPDATE credential SET number = NULL WHERE id NOT IN (SELECT max(id) FROM credential GROUP BY number)")
    with op.batch_alter_table('credential') as batch_op:
        batch_op.create_unique_constraint(op.f('uq_credential_number'), ['number'])
    op.drop_table('reissue')
    op.drop_table('signing_key')
