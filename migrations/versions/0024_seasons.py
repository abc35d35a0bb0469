"""Seasons with their phases and exceptions; nominations for awards, jurors' scores, objections."""

import sqlalchemy as sa
from alembic import op


revision = '0024'
down_revision = '0023'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('season',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=12), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('phases', sa.JSON(), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_season')),
    sa.UniqueConstraint('code', name=op.f('uq_season_code')),
    sa.UniqueConstraint('year', name=op.f('uq_season_year'))
    )
    op.create_index(op.f('ix_season_starts_at'), 'season', ['starts_at'])

    op.create_table('award_round',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('season_id', sa.Integer(), nullable=False),
    sa.Column('status', sa.String(length=40), nullable=False),
    sa.Column('shortlisted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('shortlisted_by', sa.Integer(), nullable=True),
    sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('proposed_by', sa.Integer(), nullable=True),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('published_by', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['proposed_by'], ['person.id'], name=op.f('fk_award_round_proposed_by_person')),
    sa.ForeignKeyConstraint(['published_by'], ['person.id'], name=op.f('fk_award_round_published_by_person')),
    sa.ForeignKeyConstraint(['season_id'], ['season.id'], name=op.f('fk_award_round_season_id_season')),
    sa.ForeignKeyConstraint(['shortlisted_by'], ['person.id'], name=op.f('fk_award_round_shortlisted_by_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_award_round')),
    sa.UniqueConstraint('season_id', name=op.f('uq_award_round_season_id'))
    )
    op.create_table('season_exception',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('season_id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('form', sa.String(length=20), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reason', sa.String(length=300), nullable=False),
    sa.Column('given_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('given_by', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['given_by'], ['person.id'], name=op.f('fk_season_exception_given_by_person')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_season_exception_organisation_id_organisation')),
    sa.ForeignKeyConstraint(['season_id'], ['season.id'], name=op.f('fk_season_exception_season_id_season')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_season_exception'))
    )
    op.create_index(op.f('ix_season_exception_organisation_id'), 'season_exception', ['organisation_id'])
    op.create_index(op.f('ix_season_exception_season_id'), 'season_exception', ['season_id'])

    op.create_table('award_nomination',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('season_id', sa.Integer(), nullable=False),
    sa.Column('award', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=True),
    sa.Column('statement', sa.String(length=500), nullable=False),
    sa.Column('status', sa.String(length=40), nullable=False),
    sa.Column('nominated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('nominated_by', sa.Integer(), nullable=False),
    sa.Column('checked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('checked_by', sa.Integer(), nullable=True),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('parts', sa.JSON(), nullable=False),
    sa.Column('performance', sa.Float(), nullable=True),
    sa.Column('conduct', sa.Float(), nullable=True),
    sa.Column('merit', sa.Float(), nullable=True),
    sa.Column('jury', sa.Float(), nullable=True),
    sa.Column('total', sa.Float(), nullable=True),
    sa.Column('place', sa.Integer(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['case_id'], ['case_study.id'], name=op.f('fk_award_nomination_case_id_case_study')),
    sa.ForeignKeyConstraint(['checked_by'], ['person.id'], name=op.f('fk_award_nomination_checked_by_person')),
    sa.ForeignKeyConstraint(['nominated_by'], ['person.id'], name=op.f('fk_award_nomination_nominated_by_person')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_award_nomination_organisation_id_organisation')),
    sa.ForeignKeyConstraint(['season_id'], ['season.id'], name=op.f('fk_award_nomination_season_id_season')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_award_nomination')),
    sa.UniqueConstraint('season_id', 'award', 'organisation_id', name=op.f('uq_award_nomination_season_id_award_organisation_id'))
    )
    op.create_index(op.f('ix_award_nomination_case_id'), 'award_nomination', ['case_id'])
    op.create_index(op.f('ix_award_nomination_organisation_id'), 'award_nomination', ['organisation_id'])
    op.create_index(op.f('ix_award_nomination_season_id'), 'award_nomination', ['season_id'])
    op.create_index(op.f('ix_award_nomination_status'), 'award_nomination', ['status'])

    op.create_table('award_objection',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('nomination_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('text', sa.String(length=1000), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('upheld', sa.Boolean(), nullable=True),
    sa.Column('answer', sa.String(length=1000), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answered_by', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['answered_by'], ['person.id'], name=op.f('fk_award_objection_answered_by_person')),
    sa.ForeignKeyConstraint(['nomination_id'], ['award_nomination.id'], name=op.f('fk_award_objection_nomination_id_award_nomination')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_award_objection_person_id_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_award_objection'))
    )
    op.create_index(op.f('ix_award_objection_nomination_id'), 'award_objection', ['nomination_id'])

    op.create_table('award_score',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('nomination_id', sa.Integer(), nullable=False),
    sa.Column('juror_id', sa.Integer(), nullable=False),
    sa.Column('marks', sa.JSON(), nullable=False),
    sa.Column('points', sa.Float(), nullable=False),
    sa.Column('note', sa.String(length=500), nullable=False),
    sa.Column('scored_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['juror_id'], ['person.id'], name=op.f('fk_award_score_juror_id_person')),
    sa.ForeignKeyConstraint(['nomination_id'], ['award_nomination.id'], name=op.f('fk_award_score_nomination_id_award_nomination')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_award_score')),
    sa.UniqueConstraint('nomination_id', 'juror_id', name=op.f('uq_award_score_nomination_id_juror_id'))
    )
    op.create_index(op.f('ix_award_score_nomination_id'), 'award_score', ['nomination_id'])


def downgrade() -> None:
    for table in ('award_score', 'award_objection', 'award_nomination', 'season_exception', 'award_round', 'season'):
        op.drop_table(table)
