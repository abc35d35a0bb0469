"""Pass marks set by judges: sessions, ratings, and the cut that an exam goes by."""

import sqlalchemy as sa
from alembic import op


revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('standard',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('exam_id', sa.Integer(), nullable=False),
    sa.Column('title', sa.String(length=120), nullable=False),
    sa.Column('questions', sa.JSON(), nullable=False),
    sa.Column('status', sa.Enum('round_one', 'round_two', 'closed', 'adopted', 'replaced', 'dropped', name='standardstatus', native_enum=False, length=40), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('opened_by', sa.Integer(), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_by', sa.Integer(), nullable=True),
    sa.Column('cut_share', sa.Float(), nullable=True),
    sa.Column('cut_error', sa.Float(), nullable=True),
    sa.Column('judges', sa.Integer(), nullable=True),
    sa.Column('adopted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('adopted_by', sa.Integer(), nullable=True),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.ForeignKeyConstraint(['adopted_by'], ['person.id'], name=op.f('fk_standard_adopted_by_person')),
    sa.ForeignKeyConstraint(['closed_by'], ['person.id'], name=op.f('fk_standard_closed_by_person')),
    sa.ForeignKeyConstraint(['exam_id'], ['exam.id'], name=op.f('fk_standard_exam_id_exam')),
    sa.ForeignKeyConstraint(['opened_by'], ['person.id'], name=op.f('fk_standard_opened_by_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_standard'))
    )
    with op.batch_alter_table('standard', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_standard_exam_id'), ['exam_id'], unique=False)
        batch_op.create_index('uq_standard_adopted', ['exam_id'], unique=True, sqlite_where=sa.text("status = 'adopted'"), postgresql_where=sa.text("status = 'adopted'"))

    op.create_table('standard_rating',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('standard_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('question_id', sa.Integer(), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('chance', sa.Float(), nullable=False),
    sa.Column('note', sa.String(length=300), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('chance >= 0 AND chance <= 1', name=op.f('ck_standard_rating_chance')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_standard_rating_person_id_person')),
    sa.ForeignKeyConstraint(['question_id'], ['question.id'], name=op.f('fk_standard_rating_question_id_question')),
    sa.ForeignKeyConstraint(['standard_id'], ['standard.id'], name=op.f('fk_standard_rating_standard_id_standard')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_standard_rating')),
    sa.UniqueConstraint('standard_id', 'person_id', 'question_id', 'round', name=op.f('uq_standard_rating_standard_id_person_id_question_id_round'))
    )
    with op.batch_alter_table('standard_rating', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_standard_rating_person_id'), ['person_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_standard_rating_standard_id'), ['standard_id'], unique=False)

    op.add_column('exam', sa.Column('cut_share', sa.Float(), nullable=True))


def downgrade() -> None:
    op.drop_column('exam', 'cut_share')
    op.drop_table('standard_rating')
    op.drop_table('standard')
