"""Which reminder of its end a certificate's holder got last."""

import sqlalchemy as sa
from alembic import op


revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('credential', sa.Column('reminded_d', sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column('credential', 'reminded_d')
