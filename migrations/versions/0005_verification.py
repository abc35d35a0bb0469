"""Verification: automatic checks, answers item by item, reminders, proved domains."""

import sqlalchemy as sa
from alembic import op


revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What is rebuilt on SQLite is rebuilt before anything points at it.
    with op.batch_alter_table('finding', schema=None) as batch_op:
        batch_op.alter_column('by', existing_type=sa.Integer(), nullable=True)

    with op.batch_alter_table('verification', schema=None) as batch_op:
        batch_op.add_column(sa.Column('handed_in_by', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('round', sa.Integer(), nullable=False, server_default='1'))
        batch_op.add_column(sa.Column('checks_due_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('check_attempts', sa.Integer(), nullable=False, server_default='0'))
    op.execute(
        "UPDATE verification SET handed_in_by = (SELECT uploaded_by FROM stored_file WHERE stored_file.id = licence_id)"
    )
    with op.batch_alter_table('verification', schema=None) as batch_op:
        batch_op.alter_column('handed_in_by', existing_type=sa.Integer(), nullable=False)
        batch_op.alter_column('round', existing_type=sa.Integer(), server_default=None)
        batch_op.alter_column('check_attempts', existing_type=sa.Integer(), server_default=None)
        batch_op.create_index(batch_op.f('ix_verification_checks_due_at'), ['checks_due_at'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_verification_handed_in_by_person'), 'person', ['handed_in_by'], ['id'])

    op.create_table('organisation_domain',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('domain', sa.String(length=253), nullable=False),
    sa.Column('method', sa.Enum('dns', 'mail', name='method', native_enum=False, length=40), nullable=False),
    sa.Column('token', sa.String(length=64), nullable=False),
    sa.Column('mailbox', sa.String(length=254), nullable=False),
    sa.Column('claimed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('checked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('proved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('lost_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_organisation_domain_organisation_id_organisation')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_organisation_domain')),
    sa.UniqueConstraint('organisation_id', 'domain', name=op.f('uq_organisation_domain_organisation_id_domain'))
    )
    with op.batch_alter_table('organisation_domain', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_organisation_domain_domain'), ['domain'], unique=False)
        batch_op.create_index(batch_op.f('ix_organisation_domain_due_at'), ['due_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_organisation_domain_organisation_id'), ['organisation_id'], unique=False)
        batch_op.create_index('uq_organisation_domain_proved', ['domain'], unique=True, sqlite_where=sa.text('proved_at IS NOT NULL AND lost_at IS NULL'), postgresql_where=sa.text('proved_at IS NOT NULL AND lost_at IS NULL'))

    op.create_table('verification_reminder',
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('days', sa.Integer(), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_verification_reminder_organisation_id_organisation')),
    sa.PrimaryKeyConstraint('organisation_id', 'days', name=op.f('pk_verification_reminder'))
    )
    op.create_table('verification_answer',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('verification_id', sa.Integer(), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('item', sa.String(length=40), nullable=False),
    sa.Column('text', sa.String(length=2000), nullable=False),
    sa.Column('file_id', sa.Integer(), nullable=True),
    sa.Column('by', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['by'], ['person.id'], name=op.f('fk_verification_answer_by_person')),
    sa.ForeignKeyConstraint(['file_id'], ['stored_file.id'], name=op.f('fk_verification_answer_file_id_stored_file')),
    sa.ForeignKeyConstraint(['verification_id'], ['verification.id'], name=op.f('fk_verification_answer_verification_id_verification')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_verification_answer')),
    sa.UniqueConstraint('verification_id', 'round', 'item', name=op.f('uq_verification_answer_verification_id_round_item'))
    )
    with op.batch_alter_table('verification_answer', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_verification_answer_verification_id'), ['verification_id'], unique=False)

    op.create_table('verification_check',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('verification_id', sa.Integer(), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=40), nullable=False),
    sa.Column('verdict', sa.Enum('pass', 'fail', 'unknown', name='verdict', native_enum=False, length=40), nullable=False),
    sa.Column('detail', sa.JSON(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['verification_id'], ['verification.id'], name=op.f('fk_verification_check_verification_id_verification')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_verification_check')),
    sa.UniqueConstraint('verification_id', 'round', 'key', name=op.f('uq_verification_check_verification_id_round_key'))
    )
    with op.batch_alter_table('verification_check', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_verification_check_verification_id'), ['verification_id'], unique=False)

    op.execute(
        'INSERT INTO verification_answer (verification_id, round, item, text, file_id, "by", at) '
        "SELECT id, 1, 'licence', note, licence_id, handed_in_by, handed_in_at FROM verification"
    )


def downgrade() -> None:
    with op.batch_alter_table('verification_check', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_verification_check_verification_id'))

    op.drop_table('verification_check')
    with op.batch_alter_table('verification_answer', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_verification_answer_verification_id'))

    op.drop_table('verification_answer')
    op.drop_table('verification_reminder')
    with op.batch_alter_table('organisation_domain', schema=None) as batch_op:
        batch_op.drop_index('uq_organisation_domain_proved', sqlite_where=sa.text('proved_at IS NOT NULL AND lost_at IS NULL'), postgresql_where=sa.text('proved_at IS NOT NULL AND lost_at IS NULL'))
        batch_op.drop_index(batch_op.f('ix_organisation_domain_organisation_id'))
        batch_op.drop_index(batch_op.f('ix_organisation_domain_due_at'))
        batch_op.drop_index(batch_op.f('ix_organisation_domain_domain'))

    op.drop_table('organisation_domain')

    with op.batch_alter_table('verification', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_verification_handed_in_by_person'), type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_verification_checks_due_at'))
        batch_op.drop_column('check_attempts')
        batch_op.drop_column('checks_due_at')
        batch_op.drop_column('round')
        batch_op.drop_column('handed_in_by')

    op.execute(
        'UPDATE finding SET "by" = (SELECT submitted_by FROM submission WHERE submission.id = submission_id) '
        'WHERE "by" IS NULL'
    )
    with op.batch_alter_table('finding', schema=None) as batch_op:
        batch_op.alter_column('by', existing_type=sa.Integer(), nullable=False)
