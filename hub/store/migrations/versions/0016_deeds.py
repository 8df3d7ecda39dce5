"""The audit log: what was done, chained by hashes, and how far it was pruned."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null)


def upgrade() -> None:
    op.create_table(
        "deeds",
        *(_text("tenant"), sa.Column("at", sa.BigInteger, nullable=False), _text("who", null=True), _text("way")),
        *(_text("key", null=True), _text("action"), _text("object"), _text("detail"), _text("digest")),
        *(sa.Column("seq", sa.BigInteger, nullable=False), _text("previous"), _text("hash")),
        sa.PrimaryKeyConstraint("tenant", "seq"),
    )
    op.create_index("deeds_by_time", "deeds", ["tenant", "at", "seq"])
    op.create_index("deeds_by_who", "deeds", ["tenant", "who", "seq"])
    op.create_index("deeds_by_action", "deeds", ["tenant", "action", "seq"])
    op.create_index("deeds_by_object", "deeds", ["tenant", "object", "seq"])
    for name in ("chains", "checkpoints"):
        pruned = [sa.Column("at", sa.BigInteger, nullable=False)] if name == "checkpoints" else []
        op.create_table(
            name,
            *(_text("tenant"), sa.Column("seq", sa.BigInteger, nullable=False), _text("hash")),
            *pruned,
            sa.PrimaryKeyConstraint("tenant"),
        )
