"""People's pages, consents, codes and scans; copies of one's data and erasures."""

import sqlalchemy as sa
from alembic import op


revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('consent',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('use', sa.String(length=60), nullable=False),
    sa.Column('wording', sa.String(length=20), nullable=False),
    sa.Column('given_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_consent_person_id_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_consent'))
    )
    with op.batch_alter_table('consent', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_consent_person_id'), ['person_id'], unique=False)
        batch_op.create_index('uq_consent_given', ['person_id', 'use'], unique=True, sqlite_where=sa.text('withdrawn_at IS NULL'), postgresql_where=sa.text('withdrawn_at IS NULL'))

    op.create_table('erasure',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoke', sa.Boolean(), nullable=False),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('areas', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_erasure_person_id_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_erasure'))
    )
    with op.batch_alter_table('erasure', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_erasure_due_at'), ['due_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_erasure_person_id'), ['person_id'], unique=False)
        batch_op.create_index('uq_erasure_open', ['person_id'], unique=True, sqlite_where=sa.text('withdrawn_at IS NULL'), postgresql_where=sa.text('withdrawn_at IS NULL'))

    op.create_table('person_code',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('label', sa.String(length=40), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_person_code_person_id_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_person_code')),
    sa.UniqueConstraint('code', name=op.f('uq_person_code_code'))
    )
    with op.batch_alter_table('person_code', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_person_code_person_id'), ['person_id'], unique=False)

    op.create_table('code_attribution',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('subject_id', sa.Integer(), nullable=False),
    sa.Column('code_id', sa.Integer(), nullable=True),
    sa.Column('organisation_id', sa.Integer(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['code_id'], ['person_code.id'], name=op.f('fk_code_attribution_code_id_person_code')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_code_attribution_organisation_id_organisation')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_code_attribution')),
    sa.UniqueConstraint('kind', 'subject_id', name=op.f('uq_code_attribution_kind_subject_id'))
    )
    with op.batch_alter_table('code_attribution', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_code_attribution_code_id'), ['code_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_code_attribution_organisation_id'), ['organisation_id'], unique=False)

    op.create_table('code_scan',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code_id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('visitor', sa.String(length=64), nullable=False),
    sa.Column('repeated', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['code_id'], ['person_code.id'], name=op.f('fk_code_scan_code_id_person_code')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_code_scan_organisation_id_organisation')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_code_scan'))
    )
    with op.batch_alter_table('code_scan', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_code_scan_code_id'), ['code_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_code_scan_organisation_id'), ['organisation_id'], unique=False)

    op.create_table('person_export',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('file_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['file_id'], ['stored_file.id'], name=op.f('fk_person_export_file_id_stored_file')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_person_export_person_id_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_person_export'))
    )
    with op.batch_alter_table('person_export', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_person_export_expires_at'), ['expires_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_person_export_person_id'), ['person_id'], unique=False)
        batch_op.create_index('uq_person_export_asked', ['person_id'], unique=True, sqlite_where=sa.text('made_at IS NULL'), postgresql_where=sa.text('made_at IS NULL'))

    op.create_table('person_page',
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('slug', sa.String(length=20), nullable=False),
    sa.Column('nickname', sa.String(length=40), nullable=False),
    sa.Column('salutation', sa.String(length=4), nullable=False),
    sa.Column('headline', sa.String(length=120), nullable=False),
    sa.Column('does', sa.String(length=500), nullable=False),
    sa.Column('about', sa.String(length=500), nullable=False),
    sa.Column('languages', sa.JSON(), nullable=False),
    sa.Column('photo_id', sa.Integer(), nullable=True),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_person_page_person_id_person')),
    sa.ForeignKeyConstraint(['photo_id'], ['stored_file.id'], name=op.f('fk_person_page_photo_id_stored_file')),
    sa.PrimaryKeyConstraint('person_id', name=op.f('pk_person_page')),
    sa.UniqueConstraint('slug', name=op.f('uq_person_page_slug'))
    )


def downgrade() -> None:
    op.drop_table('person_page')
    with op.batch_alter_table('person_export', schema=None) as batch_op:
        batch_op.drop_index('uq_person_export_asked', sqlite_where=sa.text('made_at IS NULL'), postgresql_where=sa.text('made_at IS NULL'))
        batch_op.drop_index(batch_op.f('ix_person_export_person_id'))
        batch_op.drop_index(batch_op.f('ix_person_export_expires_at'))

    op.drop_table('person_export')
    with op.batch_alter_table('code_scan', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_code_scan_organisation_id'))
        batch_op.drop_index(batch_op.f('ix_code_scan_code_id'))

    op.drop_table('code_scan')
    with op.batch_alter_table('code_attribution', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_code_attribution_organisation_id'))
        batch_op.drop_index(batch_op.f('ix_code_attribution_code_id'))

    op.drop_table('code_attribution')
    with op.batch_alter_table('person_code', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_person_code_person_id'))

    op.drop_table('person_code')
    with op.batch_alter_table('erasure', schema=None) as batch_op:
        batch_op.drop_index('uq_erasure_open', sqlite_where=sa.text('withdrawn_at IS NULL'), postgresql_where=sa.text('withdrawn_at IS NULL'))
        batch_op.drop_index(batch_op.f('ix_erasure_person_id'))
        batch_op.drop_index(batch_op.f('ix_erasure_due_at'))

    op.drop_table('erasure')
    with op.batch_alter_table('consent', schema=None) as batch_op:
        batch_op.drop_index('uq_consent_given', sqlite_where=sa.text('withdrawn_at IS NULL'), postgresql_where=sa.text('withdrawn_at IS NULL'))
        batch_op.drop_index(batch_op.f('ix_consent_person_id'))

    op.drop_table('consent')
