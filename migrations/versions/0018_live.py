"""Live sessions with their seats; fostering cohorts and who applied."""

import sqlalchemy as sa
from alembic import op


revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('live_session',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('uid', sa.String(length=36), nullable=False),
    sa.Column('title_zh', sa.String(length=120), nullable=False),
    sa.Column('title_en', sa.String(length=120), nullable=False),
    sa.Column('about_zh', sa.String(length=1000), nullable=False),
    sa.Column('about_en', sa.String(length=1000), nullable=False),
    sa.Column('subject', sa.String(length=20), nullable=False),
    sa.Column('hours', sa.Float(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closes_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('place', sa.String(length=200), nullable=False),
    sa.Column('link', sa.String(length=500), nullable=False),
    sa.Column('capacity', sa.Integer(), nullable=False),
    sa.Column('status', sa.String(length=40), nullable=False),
    sa.Column('cancelled_for', sa.String(length=500), nullable=False),
    sa.Column('sequence', sa.Integer(), nullable=False),
    sa.Column('planned_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('planned_by', sa.Integer(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['planned_by'], ['person.id'], name=op.f('fk_live_session_planned_by_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_live_session')),
    sa.UniqueConstraint('uid', name=op.f('uq_live_session_uid'))
    )
    for column in ('starts_at', 'status'):
        op.create_index(op.f(f'ix_live_session_{column}'), 'live_session', [column])

    op.create_table('live_seat',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('session_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('status', sa.String(length=40), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seated_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reminded_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('attended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('how', sa.String(length=40), nullable=True),
    sa.Column('marked_by', sa.Integer(), nullable=True),
    sa.Column('reason', sa.String(length=300), nullable=False),
    sa.ForeignKeyConstraint(['marked_by'], ['person.id'], name=op.f('fk_live_seat_marked_by_person')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_live_seat_organisation_id_organisation')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_live_seat_person_id_person')),
    sa.ForeignKeyConstraint(['session_id'], ['live_session.id'], name=op.f('fk_live_seat_session_id_live_session')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_live_seat')),
    sa.UniqueConstraint('session_id', 'person_id', name=op.f('uq_live_seat_session_id_person_id'))
    )
    for column in ('session_id', 'person_id', 'organisation_id', 'status'):
        op.create_index(op.f(f'ix_live_seat_{column}'), 'live_seat', [column])

    op.create_table('cohort',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name_zh', sa.String(length=80), nullable=False),
    sa.Column('name_en', sa.String(length=80), nullable=False),
    sa.Column('offer_zh', sa.String(length=1000), nullable=False),
    sa.Column('offer_en', sa.String(length=1000), nullable=False),
    sa.Column('tracks', sa.JSON(), nullable=False),
    sa.Column('cap', sa.Integer(), nullable=False),
    sa.Column('apply_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('apply_until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('status', sa.String(length=40), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('made_by', sa.Integer(), nullable=False),
    sa.Column('chosen_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('chosen_by', sa.Integer(), nullable=True),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['chosen_by'], ['person.id'], name=op.f('fk_cohort_chosen_by_person')),
    sa.ForeignKeyConstraint(['made_by'], ['person.id'], name=op.f('fk_cohort_made_by_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cohort'))
    )
    op.create_index(op.f('ix_cohort_status'), 'cohort', ['status'])

    op.create_table('cohort_application',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('cohort_id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('status', sa.String(length=40), nullable=False),
    sa.Column('motivation', sa.String(length=300), nullable=False),
    sa.Column('audience', sa.String(length=40), nullable=False),
    sa.Column('role', sa.String(length=40), nullable=True),
    sa.Column('people', sa.JSON(), nullable=False),
    sa.Column('applied_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('applied_by', sa.Integer(), nullable=False),
    sa.Column('parts', sa.JSON(), nullable=False),
    sa.Column('score', sa.Float(), nullable=True),
    sa.Column('place', sa.Integer(), nullable=True),
    sa.Column('reason', sa.String(length=300), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('tasks', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['applied_by'], ['person.id'], name=op.f('fk_cohort_application_applied_by_person')),
    sa.ForeignKeyConstraint(['cohort_id'], ['cohort.id'], name=op.f('fk_cohort_application_cohort_id_cohort')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_cohort_application_organisation_id_organisation')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cohort_application')),
    sa.UniqueConstraint('cohort_id', 'organisation_id', name=op.f('uq_cohort_application_cohort_id_organisation_id'))
    )
    for column in ('cohort_id', 'organisation_id', 'status'):
        op.create_index(op.f(f'ix_cohort_application_{column}'), 'cohort_application', [column])


def downgrade() -> None:
    for table in ('cohort_application', 'cohort', 'live_seat', 'live_session'):
        op.drop_table(table)
