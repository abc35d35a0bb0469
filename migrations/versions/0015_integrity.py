"""Fixed parallel forms; times of answers; files of sittings with a signal."""

import sqlalchemy as sa
from alembic import op


revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('paper_form',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('exam_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('question_ids', sa.JSON(), nullable=False),
    sa.Column('information', sa.JSON(), nullable=False),
    sa.Column('status', sa.Enum('wanted', 'failed', 'draft', 'in_use', 'retired', name='formstatus', native_enum=False, length=40), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('made_by', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['exam_id'], ['exam.id'], name=op.f('fk_paper_form_exam_id_exam')),
    sa.ForeignKeyConstraint(['made_by'], ['person.id'], name=op.f('fk_paper_form_made_by_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_paper_form')),
    sa.UniqueConstraint('exam_id', 'number', name=op.f('uq_paper_form_exam_id_number'))
    )
    op.create_index(op.f('ix_paper_form_exam_id'), 'paper_form', ['exam_id'])

    op.create_table('integrity_file',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('sitting_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('speed', 'similarity', 'exposure', 'canary', name='kind', native_enum=False, length=40), nullable=False),
    sa.Column('figures', sa.JSON(), nullable=False),
    sa.Column('status', sa.Enum('open', 'asked', 'heard', 'closed', name='filestatus', native_enum=False, length=40), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('proposed_by', sa.Integer(), nullable=True),
    sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('proposal', sa.String(length=500), nullable=False),
    sa.Column('answer_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('statement', sa.Text(), nullable=False),
    sa.Column('stated_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decision', sa.Enum('none', 'cleared', 'voided', name='decision', native_enum=False, length=40), nullable=False),
    sa.Column('decided_by', sa.Integer(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.ForeignKeyConstraint(['decided_by'], ['person.id'], name=op.f('fk_integrity_file_decided_by_person')),
    sa.ForeignKeyConstraint(['proposed_by'], ['person.id'], name=op.f('fk_integrity_file_proposed_by_person')),
    sa.ForeignKeyConstraint(['sitting_id'], ['sitting.id'], name=op.f('fk_integrity_file_sitting_id_sitting')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_integrity_file')),
    sa.UniqueConstraint('sitting_id', 'kind', name=op.f('uq_integrity_file_sitting_id_kind'))
    )
    op.create_index(op.f('ix_integrity_file_sitting_id'), 'integrity_file', ['sitting_id'])
    op.create_index(op.f('ix_integrity_file_status'), 'integrity_file', ['status'])

    op.create_table('sitting_away',
    sa.Column('sitting_id', sa.Integer(), nullable=False),
    sa.Column('times', sa.Integer(), nullable=False),
    sa.Column('seconds', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['sitting_id'], ['sitting.id'], name=op.f('fk_sitting_away_sitting_id_sitting')),
    sa.PrimaryKeyConstraint('sitting_id', name=op.f('pk_sitting_away'))
    )

    op.add_column('exam', sa.Column('uses_forms', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column('answer', sa.Column('first_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('answer', sa.Column('changes', sa.Integer(), nullable=False, server_default='0'))


def downgrade() -> None:
    op.drop_column('answer', 'changes')
    op.drop_column('answer', 'first_at')
    op.drop_column('exam', 'uses_forms')
    for table in ('sitting_away', 'integrity_file', 'paper_form'):
        op.drop_table(table)
