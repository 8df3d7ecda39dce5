"""How tenants' pages look, and the host names they're reached by."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    texts = ("tenant", "name", "accent", "accent_dark", "logo", "logo_type")
    op.create_table(
        "brands",
        *(sa.Column(name, sa.Text, nullable=False) for name in texts),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant"),
    )
    op.create_table(
        "host_names",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index("host_names_of_tenant", "host_names", ["tenant", "name"])
