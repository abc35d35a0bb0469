"""Three questionnaires, evidence for a dimension, what was accepted of it."""

import sqlalchemy as sa
from alembic import op


revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None

OPEN = sa.text("status IN ('draft', 'sent', 'asked')")


def upgrade() -> None:
    op.add_column('assessment', sa.Column('instrument', sa.String(length=40), nullable=False, server_default='seven_onlines'))
    op.add_column('assessment', sa.Column('reminded_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f('ix_assessment_taken_at'), 'assessment', ['taken_at'], unique=False)
    op.create_table('maturity_proof',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('instrument', sa.String(length=40), nullable=False),
    sa.Column('dimension', sa.String(length=40), nullable=False),
    sa.Column('status', sa.String(length=40), nullable=False),
    sa.Column('claims', sa.JSON(), nullable=False),
    sa.Column('levels', sa.JSON(), nullable=False),
    sa.Column('reasons', sa.JSON(), nullable=False),
    sa.Column('score', sa.Float(), nullable=True),
    sa.Column('began_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('began_by', sa.Integer(), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('valid_until', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['began_by'], ['person.id'], name=op.f('fk_maturity_proof_began_by_person')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_maturity_proof_organisation_id_organisation')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_maturity_proof'))
    )
    op.create_index(op.f('ix_maturity_proof_organisation_id'), 'maturity_proof', ['organisation_id'], unique=False)
    op.create_index('uq_maturity_proof_open', 'maturity_proof', ['organisation_id', 'instrument', 'dimension'], unique=True, sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_table('maturity_evidence',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('proof_id', sa.Integer(), nullable=False),
    sa.Column('item', sa.String(length=50), nullable=False),
    sa.Column('file_id', sa.Integer(), nullable=True),
    sa.Column('note', sa.String(length=500), nullable=False),
    sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('removed_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['file_id'], ['stored_file.id'], name=op.f('fk_maturity_evidence_file_id_stored_file')),
    sa.ForeignKeyConstraint(['proof_id'], ['maturity_proof.id'], name=op.f('fk_maturity_evidence_proof_id_maturity_proof')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_maturity_evidence'))
    )
    op.create_index(op.f('ix_maturity_evidence_file_id'), 'maturity_evidence', ['file_id'], unique=False)
    op.create_index(op.f('ix_maturity_evidence_proof_id'), 'maturity_evidence', ['proof_id'], unique=False)


def downgrade() -> None:
    op.drop_table('maturity_evidence')
    op.drop_table('maturity_proof')
    op.drop_index(op.f('ix_assessment_taken_at'), table_name='assessment')
    op.execute("DELETE FROM assessment WHERE instrument <> 'seven_onlines'")
    op.drop_column('assessment', 'reminded_at')
    op.drop_column('assessment', 'instrument')
