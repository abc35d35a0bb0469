"""What stars bring, with its account; complaints and sanctions."""

import sqlalchemy as sa
from alembic import op


revision = '0023'
down_revision = '0022'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('benefit_grant',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=40), nullable=False),
    sa.Column('period', sa.String(length=20), nullable=False),
    sa.Column('entitled', sa.Integer(), nullable=False),
    sa.Column('amount', sa.Integer(), nullable=False),
    sa.Column('taken', sa.Integer(), nullable=False),
    sa.Column('value', sa.String(length=60), nullable=False),
    sa.Column('stars', sa.Integer(), nullable=False),
    sa.Column('version', sa.String(length=20), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('frozen_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('deferred_from_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('taken >= 0 AND taken <= amount', name=op.f('ck_benefit_grant_balance')),
    sa.ForeignKeyConstraint(['deferred_from_id'], ['benefit_grant.id'], name=op.f('fk_benefit_grant_deferred_from_id_benefit_grant')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_benefit_grant_organisation_id_organisation')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_benefit_grant')),
    sa.UniqueConstraint('organisation_id', 'key', 'period', name=op.f('uq_benefit_grant_organisation_id_key_period'))
    )
    op.create_index(op.f('ix_benefit_grant_closed_at'), 'benefit_grant', ['closed_at'])
    op.create_index(op.f('ix_benefit_grant_ends_at'), 'benefit_grant', ['ends_at'])
    op.create_index(op.f('ix_benefit_grant_organisation_id'), 'benefit_grant', ['organisation_id'])

    op.create_table('sanction',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('measure', sa.Enum('suspend', 'reinstate', 'close', 'suspend_level', 'lift_level', 'revoke_level', name='measure', native_enum=False, length=40), nullable=False),
    sa.Column('family', sa.Enum('operator', 'isv', name='family', native_enum=False, length=40), nullable=True),
    sa.Column('stars', sa.Integer(), nullable=True),
    sa.Column('reason_class', sa.String(length=40), nullable=False),
    sa.Column('reason', sa.String(length=1000), nullable=False),
    sa.Column('status', sa.Enum('proposed', 'working', 'confirmed', 'rejected', 'withdrawn', 'lapsed', 'appealed', 'overturned', name='sanctionstatus', native_enum=False, length=40), nullable=False),
    sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('proposed_by', sa.Integer(), nullable=False),
    sa.Column('lapses_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by', sa.Integer(), nullable=True),
    sa.Column('word', sa.String(length=1000), nullable=False),
    sa.Column('appealed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('appealed_by', sa.Integer(), nullable=True),
    sa.Column('appeal', sa.Text(), nullable=False),
    sa.Column('appeal_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('appeal_decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('appeal_decided_by', sa.Integer(), nullable=True),
    sa.Column('appeal_reason', sa.String(length=1000), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['appeal_decided_by'], ['person.id'], name=op.f('fk_sanction_appeal_decided_by_person')),
    sa.ForeignKeyConstraint(['appealed_by'], ['person.id'], name=op.f('fk_sanction_appealed_by_person')),
    sa.ForeignKeyConstraint(['decided_by'], ['person.id'], name=op.f('fk_sanction_decided_by_person')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_sanction_organisation_id_organisation')),
    sa.ForeignKeyConstraint(['proposed_by'], ['person.id'], name=op.f('fk_sanction_proposed_by_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sanction'))
    )
    op.create_index(op.f('ix_sanction_lapses_at'), 'sanction', ['lapses_at'])
    op.create_index(op.f('ix_sanction_organisation_id'), 'sanction', ['organisation_id'])
    op.create_index(op.f('ix_sanction_status'), 'sanction', ['status'])

    op.create_table('benefit_use',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('grant_id', sa.Integer(), nullable=False),
    sa.Column('booking_id', sa.Integer(), nullable=True),
    sa.Column('entry', sa.Enum('granted', 'raised', 'shrunk', 'booked', 'used', 'cancelled', 'declined', 'returned', 'deferred', 'expired', name='entry', native_enum=False, length=40), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.Column('change', sa.Integer(), nullable=False),
    sa.Column('what', sa.String(length=200), nullable=False),
    sa.Column('wanted_on', sa.Date(), nullable=True),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by', sa.Integer(), nullable=True),
    sa.CheckConstraint('quantity > 0', name=op.f('ck_benefit_use_quantity')),
    sa.ForeignKeyConstraint(['booking_id'], ['benefit_use.id'], name=op.f('fk_benefit_use_booking_id_benefit_use')),
    sa.ForeignKeyConstraint(['by'], ['person.id'], name=op.f('fk_benefit_use_by_person')),
    sa.ForeignKeyConstraint(['grant_id'], ['benefit_grant.id'], name=op.f('fk_benefit_use_grant_id_benefit_grant')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_benefit_use'))
    )
    op.create_index(op.f('ix_benefit_use_booking_id'), 'benefit_use', ['booking_id'])
    op.create_index(op.f('ix_benefit_use_entry'), 'benefit_use', ['entry'])
    op.create_index(op.f('ix_benefit_use_grant_id'), 'benefit_use', ['grant_id'])

    op.create_table('complaint',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('complaint_minor', 'complaint_major', 'price_opacity', 'fake_review', 'forged_case', name='kind', native_enum=False, length=40), nullable=False),
    sa.Column('origin', sa.Enum('brand', 'person', 'staff', name='origin', native_enum=False, length=40), nullable=False),
    sa.Column('complainant', sa.String(length=120), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('file_id', sa.Integer(), nullable=True),
    sa.Column('status', sa.Enum('asked', 'heard', 'proposed', 'upheld', 'remedied', 'dismissed', 'appealed', 'overturned', name='status', native_enum=False, length=40), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('opened_by', sa.Integer(), nullable=False),
    sa.Column('answer_until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answered_by', sa.Integer(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by', sa.Integer(), nullable=True),
    sa.Column('reason', sa.String(length=1000), nullable=False),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('confirmed_by', sa.Integer(), nullable=True),
    sa.Column('remedied_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('remedied_by', sa.Integer(), nullable=True),
    sa.Column('remedy', sa.String(length=1000), nullable=False),
    sa.Column('appealed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('appealed_by', sa.Integer(), nullable=True),
    sa.Column('appeal', sa.Text(), nullable=False),
    sa.Column('appeal_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('appeal_decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('appeal_decided_by', sa.Integer(), nullable=True),
    sa.Column('appeal_reason', sa.String(length=1000), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['answered_by'], ['person.id'], name=op.f('fk_complaint_answered_by_person')),
    sa.ForeignKeyConstraint(['appeal_decided_by'], ['person.id'], name=op.f('fk_complaint_appeal_decided_by_person')),
    sa.ForeignKeyConstraint(['appealed_by'], ['person.id'], name=op.f('fk_complaint_appealed_by_person')),
    sa.ForeignKeyConstraint(['confirmed_by'], ['person.id'], name=op.f('fk_complaint_confirmed_by_person')),
    sa.ForeignKeyConstraint(['decided_by'], ['person.id'], name=op.f('fk_complaint_decided_by_person')),
    sa.ForeignKeyConstraint(['file_id'], ['stored_file.id'], name=op.f('fk_complaint_file_id_stored_file')),
    sa.ForeignKeyConstraint(['opened_by'], ['person.id'], name=op.f('fk_complaint_opened_by_person')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_complaint_organisation_id_organisation')),
    sa.ForeignKeyConstraint(['remedied_by'], ['person.id'], name=op.f('fk_complaint_remedied_by_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_complaint'))
    )
    op.create_index(op.f('ix_complaint_organisation_id'), 'complaint', ['organisation_id'])
    op.create_index(op.f('ix_complaint_status'), 'complaint', ['status'])


def downgrade() -> None:
    op.drop_table('complaint')
    op.drop_table('benefit_use')
    op.drop_table('sanction')
    op.drop_table('benefit_grant')
