"""Questions of every kind with their states; long answers, their files and marks; more time."""

import sqlalchemy as sa
from alembic import op


revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None

ASKED = sa.text("status IN ('pilot', 'in_use')")
WRITTEN = sa.text("status IN ('draft', 'in_review')")
OPEN = sa.text("status = 'open'")
IN_USE = sa.text('NOT retired')


def question_columns() -> list[sa.Column]:
    return [
        sa.Column('version', sa.Integer(), nullable=False, server_default='1'),
        sa.Column('prompts', sa.JSON(), nullable=False, server_default='[]'),
        sa.Column('accept', sa.JSON(), nullable=False, server_default='[]'),
        sa.Column('case', sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column('rubric', sa.JSON(), nullable=False, server_default='[]'),
        sa.Column('points', sa.Integer(), nullable=False, server_default='1'),
        sa.Column('markup', sa.String(length=10), nullable=False, server_default='plain'),
        sa.Column('pictures', sa.JSON(), nullable=False, server_default='{}'),
        sa.Column('enemies', sa.JSON(), nullable=False, server_default='[]'),
        sa.Column('tags', sa.JSON(), nullable=False, server_default='[]'),
        sa.Column('status', sa.String(length=40), nullable=False, server_default='in_use'),
    ]


def upgrade() -> None:
    op.create_table('picture',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('media_type', sa.String(length=40), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_picture')),
    sa.UniqueConstraint('sha256', name=op.f('uq_picture_sha256'))
    )
    op.create_table('bank_upload',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('bank_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('uploaded_by', sa.Integer(), nullable=False),
    sa.Column('uploaded_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['bank_id'], ['bank.id'], name=op.f('fk_bank_upload_bank_id_bank')),
    sa.ForeignKeyConstraint(['uploaded_by'], ['person.id'], name=op.f('fk_bank_upload_uploaded_by_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bank_upload'))
    )
    with op.batch_alter_table('bank_upload', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_bank_upload_bank_id'), ['bank_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_bank_upload_uploaded_by'), ['uploaded_by'], unique=False)

    op.create_table('accommodation',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('factor', sa.Float(), nullable=False),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('given_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('given_by', sa.Integer(), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['given_by'], ['person.id'], name=op.f('fk_accommodation_given_by_person')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_accommodation_person_id_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_accommodation'))
    )
    with op.batch_alter_table('accommodation', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_accommodation_person_id'), ['person_id'], unique=False)

    op.create_table('answer_file',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('answer_id', sa.Integer(), nullable=False),
    sa.Column('file_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['answer_id'], ['answer.id'], name=op.f('fk_answer_file_answer_id_answer')),
    sa.ForeignKeyConstraint(['file_id'], ['stored_file.id'], name=op.f('fk_answer_file_file_id_stored_file')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_answer_file')),
    sa.UniqueConstraint('answer_id', 'file_id', name=op.f('uq_answer_file_answer_id_file_id'))
    )
    with op.batch_alter_table('answer_file', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_answer_file_answer_id'), ['answer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_answer_file_file_id'), ['file_id'], unique=False)

    op.create_table('mark',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('answer_id', sa.Integer(), nullable=False),
    sa.Column('marked_by', sa.Integer(), nullable=False),
    sa.Column('points', sa.JSON(), nullable=False),
    sa.Column('note', sa.String(length=2000), nullable=False),
    sa.Column('marked_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['answer_id'], ['answer.id'], name=op.f('fk_mark_answer_id_answer')),
    sa.ForeignKeyConstraint(['marked_by'], ['person.id'], name=op.f('fk_mark_marked_by_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mark')),
    sa.UniqueConstraint('answer_id', 'marked_by', name=op.f('uq_mark_answer_id_marked_by'))
    )
    with op.batch_alter_table('mark', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_mark_answer_id'), ['answer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_mark_marked_by'), ['marked_by'], unique=False)


    op.add_column('answer', sa.Column('text', sa.Text(), nullable=False, server_default=''))
    op.add_column('exam', sa.Column('part', sa.String(length=40), nullable=False, server_default='written'))
    op.add_column('exam', sa.Column('pilots', sa.Integer(), nullable=False, server_default='0'))

    for column in question_columns():
        op.add_column('question', column)
    # A foreign key that comes with its column: SQLite can't add one afterwards without a new table.
    op.execute('ALTER TABLE question ADD COLUMN written_by INTEGER CONSTRAINT fk_question_written_by_person REFERENCES person (id)')
    op.execute("UPDATE question SET status = 'retired' WHERE retired")
    op.execute(
        "UPDATE question SET version = (SELECT count(*) FROM question AS earlier WHERE earlier.bank_id = question.bank_id"
        " AND earlier.code = question.code AND earlier.id <= question.id)"
    )
    op.drop_index('uq_question_in_use', 'question')
    op.drop_column('question', 'retired')
    op.create_index('uq_question_asked', 'question', ['bank_id', 'code'], unique=True, sqlite_where=ASKED, postgresql_where=ASKED)
    op.create_index('uq_question_written', 'question', ['bank_id', 'code'], unique=True, sqlite_where=WRITTEN, postgresql_where=WRITTEN)

    op.add_column('sitting', sa.Column('part', sa.String(length=40), nullable=False, server_default='written'))
    op.add_column('sitting', sa.Column('drawn', sa.JSON(), nullable=False, server_default='{}'))
    op.add_column('sitting', sa.Column('points', sa.Integer(), nullable=True))
    op.drop_index('uq_sitting_open_person', 'sitting')
    op.create_index('uq_sitting_open_person_part', 'sitting', ['person_id', 'part'], unique=True, sqlite_where=OPEN, postgresql_where=OPEN)


def downgrade() -> None:
    op.drop_index('uq_sitting_open_person_part', 'sitting')
    op.create_index('uq_sitting_open_person', 'sitting', ['person_id'], unique=True, sqlite_where=OPEN, postgresql_where=OPEN)
    for name in ('points', 'drawn', 'part'):
        op.drop_column('sitting', name)

    op.drop_index('uq_question_written', 'question')
    op.drop_index('uq_question_asked', 'question')
    op.add_column('question', sa.Column('retired', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE question SET retired = (status NOT IN ('pilot', 'in_use'))")
    op.create_index('uq_question_in_use', 'question', ['bank_id', 'code'], unique=True, sqlite_where=IN_USE, postgresql_where=IN_USE)
    op.execute('ALTER TABLE question DROP COLUMN written_by')
    for column in reversed(question_columns()):
        op.drop_column('question', column.name)

    op.drop_column('exam', 'pilots')
    op.drop_column('exam', 'part')
    op.drop_column('answer', 'text')
    for table in ('bank_upload', 'mark', 'answer_file', 'accommodation', 'picture'):
        op.drop_table(table)
