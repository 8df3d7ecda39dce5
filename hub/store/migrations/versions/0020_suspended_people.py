"""People who are locked out for a while."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("persons", sa.Column("suspended_at", sa.BigInteger, nullable=True))
