"""Versions of lessons."""

import sqlalchemy as sa
from alembic import op


revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('lesson_version',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('module', sa.String(length=20), nullable=False),
    sa.Column('number', sa.Integer(), nullable=True),
    sa.Column('status', sa.Enum('draft', 'in_review', 'published', 'withdrawn', name='status', native_enum=False, length=40), nullable=False),
    sa.Column('zh', sa.Text(), nullable=False),
    sa.Column('en', sa.Text(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('changed', sa.JSON(), nullable=False),
    sa.Column('shipped', sa.Integer(), nullable=True),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('writers', sa.JSON(), nullable=False),
    sa.Column('written_by', sa.Integer(), nullable=True),
    sa.Column('written_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('published_by', sa.Integer(), nullable=True),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.ForeignKeyConstraint(['published_by'], ['person.id'], name=op.f('fk_lesson_version_published_by_person')),
    sa.ForeignKeyConstraint(['written_by'], ['person.id'], name=op.f('fk_lesson_version_written_by_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lesson_version')),
    sa.UniqueConstraint('module', 'number', name=op.f('uq_lesson_version_module_number'))
    )
    op.create_index(op.f('ix_lesson_version_status'), 'lesson_version', ['status'])


def downgrade() -> None:
    op.drop_table('lesson_version')
