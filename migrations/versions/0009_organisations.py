"""Organisations: profile, links confirmed by both sides, mergers, leaving and exports."""

import sqlalchemy as sa
from alembic import op


revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('leaving',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('left_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('left_by', sa.Integer(), nullable=False),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('credit_code', sa.String(length=18), nullable=False),
    sa.Column('returned_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('successor_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['left_by'], ['person.id'], name=op.f('fk_leaving_left_by_person')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_leaving_organisation_id_organisation')),
    sa.ForeignKeyConstraint(['successor_id'], ['organisation.id'], name=op.f('fk_leaving_successor_id_organisation')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_leaving'))
    )
    with op.batch_alter_table('leaving', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_leaving_organisation_id'), ['organisation_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_leaving_successor_id'), ['successor_id'], unique=False)
        batch_op.create_index('uq_leaving_open', ['organisation_id'], unique=True, sqlite_where=sa.text('returned_at IS NULL AND successor_id IS NULL'), postgresql_where=sa.text('returned_at IS NULL AND successor_id IS NULL'))

    op.create_table('merger',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('from_id', sa.Integer(), nullable=False),
    sa.Column('into_id', sa.Integer(), nullable=False),
    sa.Column('status', sa.Enum('proposed', 'confirmed', 'declined', 'withdrawn', name='mergerstatus', native_enum=False, length=40), nullable=False),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('by_staff', sa.Boolean(), nullable=False),
    sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('proposed_by', sa.Integer(), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answered_by', sa.Integer(), nullable=True),
    sa.Column('moved', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['answered_by'], ['person.id'], name=op.f('fk_merger_answered_by_person')),
    sa.ForeignKeyConstraint(['from_id'], ['organisation.id'], name=op.f('fk_merger_from_id_organisation')),
    sa.ForeignKeyConstraint(['into_id'], ['organisation.id'], name=op.f('fk_merger_into_id_organisation')),
    sa.ForeignKeyConstraint(['proposed_by'], ['person.id'], name=op.f('fk_merger_proposed_by_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_merger'))
    )
    with op.batch_alter_table('merger', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_merger_from_id'), ['from_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_merger_into_id'), ['into_id'], unique=False)
        batch_op.create_index('uq_merger_confirmed', ['from_id'], unique=True, sqlite_where=sa.text("status = 'confirmed'"), postgresql_where=sa.text("status = 'confirmed'"))
        batch_op.create_index('uq_merger_proposed', ['from_id'], unique=True, sqlite_where=sa.text("status = 'proposed'"), postgresql_where=sa.text("status = 'proposed'"))

    op.create_table('organisation_link',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('child_id', sa.Integer(), nullable=False),
    sa.Column('parent_id', sa.Integer(), nullable=False),
    sa.Column('asked_by_id', sa.Integer(), nullable=False),
    sa.Column('status', sa.Enum('asked', 'confirmed', 'declined', 'withdrawn', 'ended', name='linkstatus', native_enum=False, length=40), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['asked_by_id'], ['organisation.id'], name=op.f('fk_organisation_link_asked_by_id_organisation')),
    sa.ForeignKeyConstraint(['child_id'], ['organisation.id'], name=op.f('fk_organisation_link_child_id_organisation')),
    sa.ForeignKeyConstraint(['parent_id'], ['organisation.id'], name=op.f('fk_organisation_link_parent_id_organisation')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_organisation_link'))
    )
    with op.batch_alter_table('organisation_link', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_organisation_link_child_id'), ['child_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_organisation_link_parent_id'), ['parent_id'], unique=False)
        batch_op.create_index('uq_organisation_link_asked', ['child_id', 'parent_id'], unique=True, sqlite_where=sa.text("status = 'asked'"), postgresql_where=sa.text("status = 'asked'"))
        batch_op.create_index('uq_organisation_link_parent', ['child_id'], unique=True, sqlite_where=sa.text("status = 'confirmed'"), postgresql_where=sa.text("status = 'confirmed'"))

    op.create_table('profile_change',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('before', sa.JSON(), nullable=False),
    sa.Column('after', sa.JSON(), nullable=False),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('asked_by', sa.Integer(), nullable=False),
    sa.Column('applied_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['asked_by'], ['person.id'], name=op.f('fk_profile_change_asked_by_person')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_profile_change_organisation_id_organisation')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_profile_change'))
    )
    with op.batch_alter_table('profile_change', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_profile_change_organisation_id'), ['organisation_id'], unique=False)

    op.create_table('organisation_export',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('status', sa.Enum('waiting', 'ready', 'failed', 'gone', name='exportstatus', native_enum=False, length=40), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('asked_by', sa.Integer(), nullable=False),
    sa.Column('claimed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('ready_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('file_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['asked_by'], ['person.id'], name=op.f('fk_organisation_export_asked_by_person')),
    sa.ForeignKeyConstraint(['file_id'], ['stored_file.id'], name=op.f('fk_organisation_export_file_id_stored_file')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_organisation_export_organisation_id_organisation')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_organisation_export'))
    )
    with op.batch_alter_table('organisation_export', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_organisation_export_expires_at'), ['expires_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_organisation_export_organisation_id'), ['organisation_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_organisation_export_status'), ['status'], unique=False)
        batch_op.create_index('uq_organisation_export_waiting', ['organisation_id'], unique=True, sqlite_where=sa.text("status = 'waiting'"), postgresql_where=sa.text("status = 'waiting'"))

    op.add_column('organisation', sa.Column('returned_at', sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table('storefront', schema=None) as batch_op:
        batch_op.add_column(sa.Column('nationwide', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('coverage', sa.JSON(), nullable=False, server_default='[]'))
        batch_op.add_column(sa.Column('service_days', sa.JSON(), nullable=False, server_default='[]'))
        batch_op.add_column(sa.Column('service_from', sa.String(length=5), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('service_until', sa.String(length=5), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('conflicts', sa.JSON(), nullable=False, server_default='[]'))
        batch_op.add_column(sa.Column('can_start', sa.Date(), nullable=True))
        batch_op.add_column(sa.Column('capacity_reminded_at', sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table('storefront', schema=None) as batch_op:
        batch_op.alter_column('nationwide', existing_type=sa.Boolean(), server_default=None)
        for name in ('coverage', 'service_days', 'conflicts'):
            batch_op.alter_column(name, existing_type=sa.JSON(), server_default=None)
        for name in ('service_from', 'service_until'):
            batch_op.alter_column(name, existing_type=sa.String(length=5), server_default=None)

    # A parent that is named today stands as confirmed.
    op.execute(
        "INSERT INTO organisation_link (child_id, parent_id, asked_by_id, status, asked_at, answered_at) "
        "SELECT id, parent_id, id, 'confirmed', created_at, created_at FROM organisation WHERE parent_id IS NOT NULL"
    )


def downgrade() -> None:
    with op.batch_alter_table('storefront', schema=None) as batch_op:
        batch_op.drop_column('capacity_reminded_at')
        batch_op.drop_column('can_start')
        batch_op.drop_column('conflicts')
        batch_op.drop_column('service_until')
        batch_op.drop_column('service_from')
        batch_op.drop_column('service_days')
        batch_op.drop_column('coverage')
        batch_op.drop_column('nationwide')

    op.drop_column('organisation', 'returned_at')  # not in a batch: too much points at this table to rebuild it

    with op.batch_alter_table('organisation_export', schema=None) as batch_op:
        batch_op.drop_index('uq_organisation_export_waiting', sqlite_where=sa.text("status = 'waiting'"), postgresql_where=sa.text("status = 'waiting'"))
        batch_op.drop_index(batch_op.f('ix_organisation_export_status'))
        batch_op.drop_index(batch_op.f('ix_organisation_export_organisation_id'))
        batch_op.drop_index(batch_op.f('ix_organisation_export_expires_at'))

    op.drop_table('organisation_export')
    with op.batch_alter_table('profile_change', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_profile_change_organisation_id'))

    op.drop_table('profile_change')
    with op.batch_alter_table('organisation_link', schema=None) as batch_op:
        batch_op.drop_index('uq_organisation_link_parent', sqlite_where=sa.text("status = 'confirmed'"), postgresql_where=sa.text("status = 'confirmed'"))
        batch_op.drop_index('uq_organisation_link_asked', sqlite_where=sa.text("status = 'asked'"), postgresql_where=sa.text("status = 'asked'"))
        batch_op.drop_index(batch_op.f('ix_organisation_link_parent_id'))
        batch_op.drop_index(batch_op.f('ix_organisation_link_child_id'))

    op.drop_table('organisation_link')
    with op.batch_alter_table('merger', schema=None) as batch_op:
        batch_op.drop_index('uq_merger_proposed', sqlite_where=sa.text("status = 'proposed'"), postgresql_where=sa.text("status = 'proposed'"))
        batch_op.drop_index('uq_merger_confirmed', sqlite_where=sa.text("status = 'confirmed'"), postgresql_where=sa.text("status = 'confirmed'"))
        batch_op.drop_index(batch_op.f('ix_merger_into_id'))
        batch_op.drop_index(batch_op.f('ix_merger_from_id'))

    op.drop_table('merger')
    with op.batch_alter_table('leaving', schema=None) as batch_op:
        batch_op.drop_index('uq_leaving_open', sqlite_where=sa.text('returned_at IS NULL AND successor_id IS NULL'), postgresql_where=sa.text('returned_at IS NULL AND successor_id IS NULL'))
        batch_op.drop_index(batch_op.f('ix_leaving_successor_id'))
        batch_op.drop_index(batch_op.f('ix_leaving_organisation_id'))

    op.drop_table('leaving')
