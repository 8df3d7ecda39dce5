"""Tenants, how their own software calls their people, and keys that only some agents may be wished for with."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tenants",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("suspended_at", sa.BigInteger, nullable=True),
        sa.Column("quotas", sa.Text, nullable=False),
        sa.Column("agents", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.add_column("keys", sa.Column("agents", sa.Text, nullable=False, server_default="[]"))
    op.add_column("persons", sa.Column("external", sa.Text, nullable=True))
    op.create_index("persons_by_external", "persons", ["tenant", "external"], unique=True)
