"""Drafts of the rules and their back-tests; versions keep their text and who agreed."""

import sqlalchemy as sa
from alembic import op


revision = '0022'
down_revision = '0021'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('programme_version', sa.Column('text', sa.Text(), nullable=False, server_default=''))
    op.execute('ALTER TABLE programme_version ADD COLUMN second_by INTEGER CONSTRAINT fk_programme_version_second_by_person REFERENCES person (id)')
    op.create_table('programme_draft',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('base_id', sa.Integer(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('status', sa.Enum('draft', 'in_review', 'published', 'withdrawn', name='draftstatus', native_enum=False, length=40), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('effective_on', sa.Date(), nullable=True),
    sa.Column('opened_by', sa.Integer(), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('submitted_by', sa.Integer(), nullable=True),
    sa.Column('decided_by', sa.Integer(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['base_id'], ['programme_version.id'], name=op.f('fk_programme_draft_base_id_programme_version')),
    sa.ForeignKeyConstraint(['decided_by'], ['person.id'], name=op.f('fk_programme_draft_decided_by_person')),
    sa.ForeignKeyConstraint(['opened_by'], ['person.id'], name=op.f('fk_programme_draft_opened_by_person')),
    sa.ForeignKeyConstraint(['submitted_by'], ['person.id'], name=op.f('fk_programme_draft_submitted_by_person')),
    sa.ForeignKeyConstraint(['version_id'], ['programme_version.id'], name=op.f('fk_programme_draft_version_id_programme_version')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_programme_draft'))
    )
    op.create_index(op.f('ix_programme_draft_status'), 'programme_draft', ['status'])
    op.create_table('backtest',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('draft_id', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('content', sa.JSON(), nullable=False),
    sa.Column('version_id', sa.Integer(), nullable=False),
    sa.Column('status', sa.Enum('running', 'done', 'stopped', name='backteststatus', native_enum=False, length=40), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('asked_by', sa.Integer(), nullable=False),
    sa.Column('touched_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('done', sa.Integer(), nullable=False),
    sa.Column('total', sa.Integer(), nullable=False),
    sa.Column('last_id', sa.Integer(), nullable=False),
    sa.Column('result', sa.JSON(), nullable=False),
    sa.Column('told_id', sa.Integer(), nullable=False),
    sa.Column('told_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['asked_by'], ['person.id'], name=op.f('fk_backtest_asked_by_person')),
    sa.ForeignKeyConstraint(['draft_id'], ['programme_draft.id'], name=op.f('fk_backtest_draft_id_programme_draft')),
    sa.ForeignKeyConstraint(['version_id'], ['programme_version.id'], name=op.f('fk_backtest_version_id_programme_version')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_backtest'))
    )
    op.create_index(op.f('ix_backtest_draft_id'), 'backtest', ['draft_id'])
    op.create_index(op.f('ix_backtest_status'), 'backtest', ['status'])
    op.create_table('backtest_line',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('backtest_id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('family', sa.Enum('operator', 'isv', name='family', native_enum=False, length=40), nullable=False),
    sa.Column('province', sa.String(length=40), nullable=False),
    sa.Column('size', sa.String(length=10), nullable=False),
    sa.Column('held', sa.Integer(), nullable=False),
    sa.Column('before', sa.Enum('rise', 'fall', 'grace', 'same', name='outcome', native_enum=False, length=40), nullable=False),
    sa.Column('after', sa.Enum('rise', 'fall', 'grace', 'same', name='outcome', native_enum=False, length=40), nullable=False),
    sa.Column('moves', sa.Boolean(), nullable=False),
    sa.Column('difference', sa.Float(), nullable=False),
    sa.Column('moments', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['backtest_id'], ['backtest.id'], name=op.f('fk_backtest_line_backtest_id_backtest')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_backtest_line_organisation_id_organisation')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_backtest_line')),
    sa.UniqueConstraint('backtest_id', 'organisation_id', 'family', name=op.f('uq_backtest_line_backtest_id_organisation_id_family'))
    )
    op.create_index(op.f('ix_backtest_line_organisation_id'), 'backtest_line', ['organisation_id'])


def downgrade() -> None:
    op.drop_table('backtest_line')
    op.drop_table('backtest')
    op.drop_table('programme_draft')
    op.execute('ALTER TABLE programme_version DROP COLUMN second_by')
    op.drop_column('programme_version', 'text')
