"""Tool calls that wait for leave, tasks that read strangers' words, packages on their way in and in use."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


ASKED = sa.text("state = 'asked'")


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null)


def _number(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=null)


def upgrade() -> None:
    op.add_column("packages", _text("next", null=True))
    op.create_table(
        "installations",
        *map(_text, ("id", "tenant", "by", "source", "grants", "state")),
        _text("package", null=True),
        *map(_text, ("digest", "found", "error")),
        *map(_number, ("created_at", "updated_at")),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("installations_of_tenant", "installations", ["tenant", "id"])
    op.create_table(
        "pins",
        *map(_text, ("tenant", "task", "package", "version", "digest")),
        _number("created_at"),
        sa.PrimaryKeyConstraint("task", "package"),
    )
    op.create_index("pins_of_tenant", "pins", ["tenant", "task"])
    op.create_table(
        "pauses",
        *map(_text, ("id", "tenant", "person", "task", "turn", "kind", "tool", "arguments", "digest", "key", "why")),
        _text("state"),
        *map(_number, ("created_at", "expires_at")),
        _number("decided_at", null=True),
        _text("decided_by", null=True),
        _text("to", null=True),
        *map(_text, ("snapshot", "answer")),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("pauses_of_task", "pauses", ["task", "id"])
    op.create_index("pauses_of_person", "pauses", ["tenant", "person", "id"])
    op.create_index("pauses_asked", "pauses", ["expires_at", "id"], sqlite_where=ASKED, postgresql_where=ASKED)
    op.create_table(
        "taints",
        *map(_text, ("tenant", "task", "source", "detail")),
        _number("created_at"),
        sa.PrimaryKeyConstraint("task", "source"),
    )
