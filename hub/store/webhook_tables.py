"""The tables of what other systems are told, and where they tell us; made as those of tables.py."""

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, Table, UniqueConstraint, literal_column
from sqlalchemy.sql.elements import ColumnElement

from hub.records import Inclusion, WebhookEvent
from hub.store.columns import a_float, a_name, a_text, a_time, an_int, packed
from hub.store.tabling import an_index, metadata

ON: ColumnElement[bool] = literal_column("off_at IS NULL")
webhooks = Table(
    "webhooks",
    metadata,
    a_text("id"),
    a_text("tenant"),
    a_text("by"),
    a_text("url"),
    packed("events", tuple[WebhookEvent, ...]),
    packed("include", tuple[Inclusion, ...]),
    a_text("description"),
    a_text("task", null=True),
    a_name("chat", null=True),
    a_text("secret"),
    a_text("old_secret"),
    a_time("old_until", null=True),
    a_time("created_at"),
    a_time("failing_since", null=True),
    a_time("off_at", null=True),
    a_text("off_why"),
    an_int("revision"),
    PrimaryKeyConstraint("id"),
    an_index("webhooks_of_tenant", "tenant", "id"),
    an_index("webhooks_on", "id", where=ON),
)

cursors = Table(
    "webhook_cursors",
    metadata,
    a_text("webhook"),
    a_text("tenant"),
    Column("seq", BigInteger, nullable=False),
    PrimaryKeyConstraint("webhook"),
)

WAITING_HOOK: ColumnElement[bool] = literal_column("state = 'waiting'")
deliveries = Table(
    "webhook_deliveries",
    metadata,
    a_text("id"),
    a_text("tenant"),
    a_text("webhook"),
    a_text("event"),
    Column("seq", BigInteger, nullable=True),
    a_text("person"),
    a_text("message", null=True),
    a_text("task", null=True),
    a_text("turn", null=True),
    a_text("became", null=True),
    a_time("happened_at"),
    a_text("state"),
    a_time("created_at"),
    a_time("due_at"),
    an_int("attempts"),
    a_time("sent_at", null=True),
    a_float("ms"),
    Column("status", BigInteger, nullable=True),
    a_text("answer"),
    a_text("error"),
    PrimaryKeyConstraint("id"),
    Index("webhook_deliveries_by_event", "webhook", "seq", unique=True),
    an_index("webhook_deliveries_of_hook", "webhook", "id"),
    an_index("webhook_deliveries_waiting", "webhook", "id", where=WAITING_HOOK),
    an_index("webhook_deliveries_in_state", "webhook", "state", "id"),
    an_index("webhook_deliveries_of_person", "tenant", "person", "id"),
    an_index("webhook_deliveries_by_age", "created_at"),
)

inlets = Table(
    "inlets",
    metadata,
    a_text("id"),
    a_text("tenant"),
    a_text("person"),
    a_text("name"),
    a_text("source"),
    a_text("proof"),
    a_text("hash"),
    a_text("secret"),
    a_text("template"),
    a_name("chat"),
    a_text("agent", null=True),
    a_text("task"),
    an_int("per_minute"),
    a_time("created_at"),
    a_time("off_at", null=True),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("hash"),
    an_index("inlets_of_tenant", "tenant", "id"),
)
