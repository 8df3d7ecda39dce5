"""What a timeline needs: when each step ended, which tasks were wrong or right, which tasks progress is told of."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("steps", sa.Column("ended_at", sa.BigInteger, nullable=True))
    told_of = sa.text("progress IS NOT NULL")
    op.create_index("tasks_told_of", "tasks", ["id"], sqlite_where=told_of, postgresql_where=told_of)
    op.create_index("corrections_of_wrong", "corrections", ["wrong", "id"])
    op.create_index("corrections_of_right", "corrections", ["right", "id"])
