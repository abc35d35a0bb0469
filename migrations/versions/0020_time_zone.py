"""The time zone that a person reads in."""

import sqlalchemy as sa
from alembic import op


revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('person', sa.Column('time_zone', sa.String(length=40), nullable=False, server_default='Asia/Shanghai'))


def downgrade() -> None:
    op.drop_column('person', 'time_zone')
