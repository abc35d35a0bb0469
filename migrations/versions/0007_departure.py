"""Departures: what is handed over, who is asked whether they still work there, who answers for what."""

import sqlalchemy as sa
from alembic import op


revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

ANSWERED_FOR = ('brief', 'case_study', 'introduction')


def upgrade() -> None:
    op.create_table('departure',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('employment_id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('ending', sa.Enum('left', 'removed', 'hired_by_client', 'domain_failed', name='ending', native_enum=False, length=40), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by', sa.Integer(), nullable=True),
    sa.Column('client_name', sa.String(length=120), nullable=False),
    sa.Column('contact', sa.String(length=254), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answer', sa.Enum('yes', 'no', name='answer', native_enum=False, length=40), nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('handover_due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('handed_over_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('escalated_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['by'], ['person.id'], name=op.f('fk_departure_by_person')),
    sa.ForeignKeyConstraint(['employment_id'], ['employment.id'], name=op.f('fk_departure_employment_id_employment')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_departure_organisation_id_organisation')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_departure_person_id_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_departure')),
    sa.UniqueConstraint('employment_id', name=op.f('uq_departure_employment_id')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_departure_token_hash'))
    )
    with op.batch_alter_table('departure', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_departure_handover_due_at'), ['handover_due_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_departure_organisation_id'), ['organisation_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_departure_person_id'), ['person_id'], unique=False)

    op.create_table('mailbox_check',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('employment_id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('why', sa.Enum('period', 'domain', name='why', native_enum=False, length=40), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('status', sa.Enum('asked', 'owners_asked', 'stays', 'ended', 'dropped', name='checkstatus', native_enum=False, length=40), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answered_by', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['answered_by'], ['person.id'], name=op.f('fk_mailbox_check_answered_by_person')),
    sa.ForeignKeyConstraint(['employment_id'], ['employment.id'], name=op.f('fk_mailbox_check_employment_id_employment')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_mailbox_check_organisation_id_organisation')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mailbox_check')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_mailbox_check_token_hash'))
    )
    with op.batch_alter_table('mailbox_check', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_mailbox_check_due_at'), ['due_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_mailbox_check_employment_id'), ['employment_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_mailbox_check_organisation_id'), ['organisation_id'], unique=False)
        batch_op.create_index('uq_mailbox_check_open', ['employment_id'], unique=True, sqlite_where=sa.text("status IN ('asked', 'owners_asked')"), postgresql_where=sa.text("status IN ('asked', 'owners_asked')"))

    op.create_table('handover',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('departure_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('subject_id', sa.Integer(), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('path', sa.String(length=200), nullable=False),
    sa.Column('right', sa.String(length=40), nullable=False),
    sa.Column('assigned_to', sa.Integer(), nullable=True),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['assigned_to'], ['person.id'], name=op.f('fk_handover_assigned_to_person')),
    sa.ForeignKeyConstraint(['departure_id'], ['departure.id'], name=op.f('fk_handover_departure_id_departure')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_handover')),
    sa.UniqueConstraint('departure_id', 'kind', 'subject_id', name=op.f('uq_handover_departure_id_kind_subject_id'))
    )
    with op.batch_alter_table('handover', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_handover_departure_id'), ['departure_id'], unique=False)

    for table in ANSWERED_FOR:
        # Not in batch mode: SQLite would rebuild a table that others point at.
        op.execute(
            f'ALTER TABLE {table} ADD COLUMN responsible_id INTEGER '
            f'CONSTRAINT fk_{table}_responsible_id_person REFERENCES person (id)'
        )
        op.create_index(op.f(f'ix_{table}_responsible_id'), table, ['responsible_id'], unique=False)
    # Who wrote it or said yes; if they do not work there any more, the owner who is there longest.
    op.execute('UPDATE brief SET responsible_id = created_by')
    op.execute('UPDATE case_study SET responsible_id = created_by')
    op.execute(
        "UPDATE introduction SET responsible_id = (SELECT max(history.actor_id) FROM history "
        "WHERE history.subject_kind = 'introduction' AND history.subject_id = introduction.id "
        "AND history.verb = 'introduction: accept')"
    )
    for table in ANSWERED_FOR:
        op.execute(
            f"UPDATE {table} SET responsible_id = (SELECT employment.person_id FROM employment "
            "JOIN employment_role ON employment_role.employment_id = employment.id "
            f"WHERE employment.organisation_id = {table}.organisation_id AND employment.status = 'confirmed' "
            "AND employment_role.role = 'owner' AND employment_role.until IS NULL "
            "ORDER BY employment.id LIMIT 1) "
            "WHERE responsible_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM employment "
            f"WHERE employment.organisation_id = {table}.organisation_id AND employment.status = 'confirmed' "
            f"AND employment.person_id = {table}.responsible_id)"
        )


def downgrade() -> None:
    for table in ANSWERED_FOR:
        op.drop_index(op.f(f'ix_{table}_responsible_id'), table)
        op.execute(f'ALTER TABLE {table} DROP COLUMN responsible_id')

    with op.batch_alter_table('handover', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_handover_departure_id'))

    op.drop_table('handover')
    with op.batch_alter_table('mailbox_check', schema=None) as batch_op:
        batch_op.drop_index('uq_mailbox_check_open', sqlite_where=sa.text("status IN ('asked', 'owners_asked')"), postgresql_where=sa.text("status IN ('asked', 'owners_asked')"))
        batch_op.drop_index(batch_op.f('ix_mailbox_check_organisation_id'))
        batch_op.drop_index(batch_op.f('ix_mailbox_check_employment_id'))
        batch_op.drop_index(batch_op.f('ix_mailbox_check_due_at'))

    op.drop_table('mailbox_check')
    with op.batch_alter_table('departure', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_departure_person_id'))
        batch_op.drop_index(batch_op.f('ix_departure_organisation_id'))
        batch_op.drop_index(batch_op.f('ix_departure_handover_due_at'))

    op.drop_table('departure')
