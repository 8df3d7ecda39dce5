"""Webhooks, what's on its way to them, and where other systems write."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _maybe(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=True) for name in names]


def _numbers(*names: str, null: bool = False) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=null) for name in names]


def _index(name: str, table: str, *columns: str, where: str = "", unique: bool = False) -> None:
    only = sa.text(where) if where else None
    op.create_index(name, table, list(columns), unique=unique, sqlite_where=only, postgresql_where=only)


def upgrade() -> None:
    op.add_column("events", sa.Column("state", sa.Text, nullable=True))
    op.create_table(
        "webhooks",
        *_texts("id", "tenant", "by", "url", "events", "include", "description"),
        *_maybe("task", "chat"),
        *_texts("secret", "old_secret"),
        *_numbers("old_until", null=True),
        *_numbers("created_at"),
        *_numbers("failing_since", "off_at", null=True),
        *_texts("off_why"),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    _index("webhooks_of_tenant", "webhooks", "tenant", "id")
    _index("webhooks_on", "webhooks", "id", where="off_at IS NULL")
    op.create_table(
        "webhook_cursors", *_texts("webhook", "tenant"), *_numbers("seq"), sa.PrimaryKeyConstraint("webhook")
    )
    op.create_table(
        "webhook_deliveries",
        *_texts("id", "tenant", "webhook", "event"),
        *_numbers("seq", null=True),
        *_texts("person"),
        *_maybe("message", "task", "turn", "became"),
        *_numbers("happened_at"),
        *_texts("state"),
        *_numbers("created_at", "due_at"),
        sa.Column("attempts", sa.Integer, nullable=False),
        *_numbers("sent_at", null=True),
        sa.Column("ms", sa.Float, nullable=False),
        *_numbers("status", null=True),
        *_texts("answer", "error"),
        sa.PrimaryKeyConstraint("id"),
    )
    _index("webhook_deliveries_by_event", "webhook_deliveries", "webhook", "seq", unique=True)
    _index("webhook_deliveries_of_hook", "webhook_deliveries", "webhook", "id")
    _index("webhook_deliveries_waiting", "webhook_deliveries", "webhook", "id", where="state = 'waiting'")
    _index("webhook_deliveries_in_state", "webhook_deliveries", "webhook", "state", "id")
    _index("webhook_deliveries_of_person", "webhook_deliveries", "tenant", "person", "id")
    _index("webhook_deliveries_by_age", "webhook_deliveries", "created_at")
    op.create_table(
        "inlets",
        *_texts("id", "tenant", "person", "name", "source", "proof", "hash", "secret", "template", "chat"),
        *_maybe("agent"),
        *_texts("task"),
        sa.Column("per_minute", sa.Integer, nullable=False),
        *_numbers("created_at"),
        *_numbers("off_at", null=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
    )
    _index("inlets_of_tenant", "inlets", "tenant", "id")
