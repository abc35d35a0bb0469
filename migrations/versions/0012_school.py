"""Training tasks and whose they are; placement tests and the modules that they shortened."""

import sqlalchemy as sa
from alembic import op


revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('task',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('subject', sa.String(length=20), nullable=False),
    sa.Column('title', sa.String(length=120), nullable=False),
    sa.Column('done_when', sa.String(length=300), nullable=False),
    sa.Column('note', sa.String(length=500), nullable=False),
    sa.Column('mandatory', sa.Boolean(), nullable=False),
    sa.Column('audience', sa.String(length=40), nullable=False),
    sa.Column('role', sa.String(length=40), nullable=True),
    sa.Column('from_staff', sa.Boolean(), nullable=False),
    sa.Column('due', sa.DateTime(timezone=True), nullable=False),
    sa.Column('issued_by', sa.Integer(), nullable=True),
    sa.Column('responsible_id', sa.Integer(), nullable=True),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['issued_by'], ['person.id'], name=op.f('fk_task_issued_by_person')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_task_organisation_id_organisation')),
    sa.ForeignKeyConstraint(['responsible_id'], ['person.id'], name=op.f('fk_task_responsible_id_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_task'))
    )
    op.create_index(op.f('ix_task_organisation_id'), 'task', ['organisation_id'], unique=False)

    op.create_table('assignment',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('task_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('status', sa.String(length=40), nullable=False),
    sa.Column('assigned_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due', sa.DateTime(timezone=True), nullable=False),
    sa.Column('told', sa.String(length=40), nullable=False),
    sa.Column('tell_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('said', sa.String(length=500), nullable=False),
    sa.Column('said_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('how', sa.String(length=40), nullable=True),
    sa.Column('confirmed_by', sa.Integer(), nullable=True),
    sa.Column('answer', sa.String(length=300), nullable=False),
    sa.ForeignKeyConstraint(['confirmed_by'], ['person.id'], name=op.f('fk_assignment_confirmed_by_person')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_assignment_person_id_person')),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], name=op.f('fk_assignment_task_id_task')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_assignment')),
    sa.UniqueConstraint('task_id', 'person_id', name=op.f('uq_assignment_task_id_person_id'))
    )
    for column in ('task_id', 'person_id', 'status', 'tell_at'):
        op.create_index(op.f(f'ix_assignment_{column}'), 'assignment', [column], unique=False)

    op.create_table('placement',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('track', sa.String(length=10), nullable=False),
    sa.Column('background', sa.String(length=20), nullable=False),
    sa.Column('seed', sa.Integer(), nullable=False),
    sa.Column('drawn', sa.JSON(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answers', sa.JSON(), nullable=False),
    sa.Column('right', sa.Integer(), nullable=False),
    sa.Column('shortened', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_placement_person_id_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_placement'))
    )
    op.create_index(op.f('ix_placement_person_id'), 'placement', ['person_id'], unique=False)

    op.add_column('module_progress', sa.Column('shortened_at', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column('module_progress', 'shortened_at')
    op.drop_table('placement')
    op.drop_table('assignment')
    op.drop_table('task')
