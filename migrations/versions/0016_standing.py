"""Levels with a clock for each thing that is not met; facts that know when their end was written down."""

import sqlalchemy as sa
from alembic import op


revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('fact', sa.Column('end_recorded_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('fact', sa.Column('until_before', sa.DateTime(timezone=True), nullable=True))
    op.create_table('ledger_change',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_ledger_change_organisation_id_organisation')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_change'))
    )
    op.create_index(op.f('ix_ledger_change_organisation_id'), 'ledger_change', ['organisation_id'])
    op.add_column('level', sa.Column('clocks', sa.JSON(), nullable=False, server_default='[]'))
    op.add_column('level', sa.Column('look_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('level', sa.Column('reminded_d', sa.Integer(), nullable=True))
    op.create_index(op.f('ix_level_look_at'), 'level', ['look_at'])

    # A level in good standing is a fact from now on.
    op.execute("""
        INSERT INTO fact (kind, organisation_id, value, true_from, recorded_at, source_kind, source_id, retraction_reason)
        SELECT 'level', organisation_id, %s, awarded_at, awarded_at, 'level', id, ''
        FROM level WHERE status IN ('active', 'at_risk', 'probation')
    """ % ("json_build_object('family', family, 'stars', stars)" if op.get_bind().dialect.name == 'postgresql'
           else "json_object('family', family, 'stars', stars)"))


def downgrade() -> None:
    op.execute("DELETE FROM fact WHERE kind = 'level'")
    op.drop_index(op.f('ix_level_look_at'), 'level')
    op.drop_column('level', 'reminded_d')
    op.drop_column('level', 'look_at')
    op.drop_column('level', 'clocks')
    op.drop_index(op.f('ix_ledger_change_organisation_id'), 'ledger_change')
    op.drop_table('ledger_change')
    op.drop_column('fact', 'until_before')
    op.drop_column('fact', 'end_recorded_at')
