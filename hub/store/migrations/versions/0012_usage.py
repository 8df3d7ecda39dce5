"""What was taken, by whom and when; keys with a pace and a successor of their own; tenants that leave."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    names = [sa.Column(name, sa.Text, nullable=False) for name in ("tenant", "day", "person", "key", "agent")]
    counts = ("messages", "turns", "tokens_in", "tokens_out", "money", "bytes")
    op.create_table(
        "taken",
        *names,
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in counts),
        sa.PrimaryKeyConstraint("tenant", "day", "person", "key", "agent"),
    )
    op.create_index("taken_by_person", "taken", ["tenant", "person", "day"])
    by_key = sa.text("key <> ''")
    op.create_index("taken_by_key", "taken", ["tenant", "key", "day"], sqlite_where=by_key, postgresql_where=by_key)
    op.add_column("messages", sa.Column("key", sa.Text, nullable=True))
    op.add_column("steps", sa.Column("money", sa.Float, nullable=False, server_default="0"))
    op.add_column("keys", sa.Column("requests", sa.Integer, nullable=True))
    op.add_column("keys", sa.Column("stands_for", sa.Text, nullable=True))
    op.add_column("tenants", sa.Column("leaving_at", sa.BigInteger, nullable=True))
    leaving = sa.text("leaving_at IS NOT NULL")
    op.create_index("tenants_leaving", "tenants", ["id"], sqlite_where=leaving, postgresql_where=leaving)
