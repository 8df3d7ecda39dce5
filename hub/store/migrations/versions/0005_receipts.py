"""What each tool call changed, and whose leave it had."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("steps", sa.Column("effect", sa.Text, nullable=False, server_default=""))
    op.add_column("steps", sa.Column("pause", sa.Text, nullable=True))
    op.add_column("steps", sa.Column("unsure", sa.Boolean, nullable=False, server_default=sa.false()))
