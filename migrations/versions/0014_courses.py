"""Outside courses: packages, their unpacked files, attempts with what the parts report."""

import sqlalchemy as sa
from alembic import op


revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('course_package',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('identifier', sa.String(length=500), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('standard', sa.String(length=40), nullable=False),
    sa.Column('edition', sa.String(length=100), nullable=False),
    sa.Column('title', sa.JSON(), nullable=False),
    sa.Column('lines', sa.JSON(), nullable=False),
    sa.Column('parts', sa.JSON(), nullable=False),
    sa.Column('remarks', sa.JSON(), nullable=False),
    sa.Column('status', sa.String(length=40), nullable=False),
    sa.Column('file_id', sa.Integer(), nullable=False),
    sa.Column('uploaded_by', sa.Integer(), nullable=False),
    sa.Column('uploaded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['file_id'], ['stored_file.id'], name=op.f('fk_course_package_file_id_stored_file')),
    sa.ForeignKeyConstraint(['uploaded_by'], ['person.id'], name=op.f('fk_course_package_uploaded_by_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_course_package')),
    sa.UniqueConstraint('identifier', 'version', name=op.f('uq_course_package_identifier_version'))
    )
    with op.batch_alter_table('course_package', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_course_package_file_id'), ['file_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_course_package_uploaded_by'), ['uploaded_by'], unique=False)
        batch_op.create_index('uq_course_package_published', ['identifier'], unique=True, sqlite_where=sa.text("status = 'published'"), postgresql_where=sa.text("status = 'published'"))

    op.create_table('unpacked_file',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('archive_id', sa.Integer(), nullable=False),
    sa.Column('path', sa.String(length=300), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('media_type', sa.String(length=60), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['archive_id'], ['stored_file.id'], name=op.f('fk_unpacked_file_archive_id_stored_file')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_unpacked_file')),
    sa.UniqueConstraint('archive_id', 'path', name=op.f('uq_unpacked_file_archive_id_path'))
    )
    with op.batch_alter_table('unpacked_file', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_unpacked_file_archive_id'), ['archive_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_unpacked_file_sha256'), ['sha256'], unique=False)

    op.create_table('course_attempt',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('package_id', sa.Integer(), nullable=False),
    sa.Column('registration', sa.String(length=36), nullable=False),
    sa.Column('completion', sa.String(length=40), nullable=False),
    sa.Column('passed', sa.Boolean(), nullable=True),
    sa.Column('score', sa.Float(), nullable=True),
    sa.Column('seconds', sa.Float(), nullable=False),
    sa.Column('begun_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('completed_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['package_id'], ['course_package.id'], name=op.f('fk_course_attempt_package_id_course_package')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_course_attempt_person_id_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_course_attempt')),
    sa.UniqueConstraint('person_id', 'package_id', name=op.f('uq_course_attempt_person_id_package_id')),
    sa.UniqueConstraint('registration', name=op.f('uq_course_attempt_registration'))
    )
    with op.batch_alter_table('course_attempt', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_course_attempt_package_id'), ['package_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_course_attempt_person_id'), ['person_id'], unique=False)

    op.create_table('course_document',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('attempt_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('part', sa.String(length=500), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('media_type', sa.String(length=100), nullable=False),
    sa.Column('content', sa.Text(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['attempt_id'], ['course_attempt.id'], name=op.f('fk_course_document_attempt_id_course_attempt')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_course_document')),
    sa.UniqueConstraint('attempt_id', 'kind', 'part', 'name', name=op.f('uq_course_document_attempt_id_kind_part_name'))
    )
    with op.batch_alter_table('course_document', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_course_document_attempt_id'), ['attempt_id'], unique=False)

    op.create_table('course_launch',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('attempt_id', sa.Integer(), nullable=False),
    sa.Column('part', sa.String(length=500), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('session', sa.String(length=36), nullable=False),
    sa.Column('auth_hash', sa.String(length=64), nullable=False),
    sa.Column('saves', sa.Integer(), nullable=False),
    sa.Column('seconds', sa.Float(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('saves >= 0', name=op.f('ck_course_launch_saves')),
    sa.ForeignKeyConstraint(['attempt_id'], ['course_attempt.id'], name=op.f('fk_course_launch_attempt_id_course_attempt')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_course_launch')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_course_launch_token_hash'))
    )
    with op.batch_alter_table('course_launch', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_course_launch_attempt_id'), ['attempt_id'], unique=False)

    op.create_table('course_state',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('attempt_id', sa.Integer(), nullable=False),
    sa.Column('part', sa.String(length=500), nullable=False),
    sa.Column('reported', sa.JSON(), nullable=False),
    sa.Column('ended', sa.Boolean(), nullable=False),
    sa.Column('completion', sa.String(length=40), nullable=False),
    sa.Column('passed', sa.Boolean(), nullable=True),
    sa.Column('score', sa.Float(), nullable=True),
    sa.Column('seconds', sa.Float(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['attempt_id'], ['course_attempt.id'], name=op.f('fk_course_state_attempt_id_course_attempt')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_course_state')),
    sa.UniqueConstraint('attempt_id', 'part', name=op.f('uq_course_state_attempt_id_part'))
    )
    with op.batch_alter_table('course_state', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_course_state_attempt_id'), ['attempt_id'], unique=False)

    op.create_table('course_statement',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('attempt_id', sa.Integer(), nullable=False),
    sa.Column('part', sa.String(length=500), nullable=False),
    sa.Column('uuid', sa.String(length=36), nullable=False),
    sa.Column('verb', sa.String(length=200), nullable=False),
    sa.Column('defined', sa.Boolean(), nullable=False),
    sa.Column('statement', sa.JSON(), nullable=False),
    sa.Column('stored_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['attempt_id'], ['course_attempt.id'], name=op.f('fk_course_statement_attempt_id_course_attempt')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_course_statement')),
    sa.UniqueConstraint('attempt_id', 'uuid', name=op.f('uq_course_statement_attempt_id_uuid'))
    )
    with op.batch_alter_table('course_statement', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_course_statement_attempt_id'), ['attempt_id'], unique=False)



def downgrade() -> None:
    for table in ('course_statement', 'course_state', 'course_launch', 'course_document', 'course_attempt', 'course_package', 'unpacked_file'):
        op.drop_table(table)
