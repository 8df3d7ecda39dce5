"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _people()
    _messages()
    _tasks()
    _turns()
    _queues()
    _news()


def _people() -> None:
    op.create_table(
        "persons",
        _text("tenant"),
        _text("id"),
        _text("name"),
        _text("role"),
        _big("created_at"),
        sa.PrimaryKeyConstraint("tenant", "id"),
    )
    op.create_table(
        "links",
        _text("tenant"),
        _text("bridge"),
        _text("sender"),
        _text("person"),
        _big("created_at"),
        sa.PrimaryKeyConstraint("tenant", "bridge", "sender"),
    )
    op.create_table(
        "keys",
        _text("id"),
        _text("tenant"),
        _text("person"),
        _text("name"),
        _text("kind"),
        _text("hash"),
        _text("scopes"),
        _big("created_at"),
        _big("expires_at", null=True),
        _big("revoked_at", null=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
    )
    _index("keys_of_tenant", "keys", "tenant", "kind", "created_at")


def _messages() -> None:
    op.create_table(
        "messages",
        _text("id"),
        _text("tenant"),
        _text("bridge"),
        _text("chat"),
        _text("thread", null=True),
        _text("external_id"),
        _text("role"),
        _text("person"),
        _text("parts"),
        _text("state"),
        _big("created_at"),
        _text("reply_to", null=True),
        _text("answers", null=True),
        _text("task", null=True),
        _text("turn", null=True),
        _text("route", null=True),
        _text("wish", null=True),
        _text("agent", null=True),
        _text("choices"),
        _text("error", null=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant", "bridge", "chat", "external_id"),
    )
    _index("messages_answering", "messages", "answers", where="answers IS NOT NULL")
    _index("messages_of_chat", "messages", "tenant", "bridge", "chat", "id")
    _index("messages_of_task", "messages", "task", "id", where="task IS NOT NULL")
    _index("messages_of_turn", "messages", "turn", where="turn IS NOT NULL")
    op.create_table(
        "corrections",
        _text("id"),
        _text("tenant"),
        _text("message"),
        _text("wrong"),
        _text("right"),
        _text("route"),
        _big("created_at"),
        sa.PrimaryKeyConstraint("id"),
    )
    _index("corrections_of_tenant", "corrections", "tenant", "id")


def _tasks() -> None:
    op.create_table(
        "tasks",
        _text("id"),
        _text("tenant"),
        _text("person"),
        _int("number"),
        _text("bridge"),
        _text("chat"),
        _text("thread", null=True),
        _text("title"),
        _text("goal"),
        _text("agent"),
        _text("state"),
        _big("created_at"),
        _big("updated_at"),
        _text("kind"),
        _text("limits"),
        _text("used"),
        _big("due_at", null=True),
        _text("schedule", null=True),
        _text("verdict", null=True),
        _text("digest"),
        _text("digested", null=True),
        _int("revision"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant", "person", "number"),
    )
    _index(
        "tasks_due",
        "tasks",
        "due_at",
        "id",
        where="state IN ('submitted', 'working', 'input-required') AND due_at IS NOT NULL",
    )
    _index("tasks_of_chat", "tasks", "tenant", "bridge", "chat", "state", "id")
    _index("tasks_of_chat_changed", "tasks", "tenant", "bridge", "chat", "state", "updated_at", "id")
    _index("tasks_of_person", "tasks", "tenant", "person", "state", "id")
    _index("tasks_of_person_changed", "tasks", "tenant", "person", "state", "updated_at", "id")
    _index("tasks_of_tenant", "tasks", "tenant", "state", "id")
    _index("tasks_of_tenant_changed", "tasks", "tenant", "state", "updated_at", "id")


def _turns() -> None:
    op.create_table(
        "turns",
        _text("id"),
        _text("tenant"),
        _text("task"),
        _int("number"),
        _text("state"),
        _text("messages"),
        _big("started_at"),
        _big("ended_at", null=True),
        _text("answer"),
        _int("tokens_in"),
        _int("tokens_out"),
        _float("ms"),
        _text("verdict", null=True),
        _text("error", null=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("task", "number"),
    )
    op.create_table(
        "steps",
        _text("turn"),
        _int("number"),
        _text("kind"),
        _text("name"),
        _text("request"),
        _text("result"),
        _int("tokens_in"),
        _int("tokens_out"),
        _float("ms"),
        _bool("failed"),
        sa.PrimaryKeyConstraint("turn", "number"),
    )


def _queues() -> None:
    op.create_table(
        "entries",
        _text("id"),
        _text("tenant"),
        _text("queue"),
        _text("lane"),
        _text("message"),
        _text("state"),
        _big("created_at"),
        _big("due_at", null=True),
        _text("boot", null=True),
        _int("attempts"),
        _int("deaths"),
        _text("error", null=True),
        _int("revision"),
        _text("person", null=True),
        sa.PrimaryKeyConstraint("id"),
    )
    _index("entries_begun", "entries", "id", where="state = 'ready' AND boot IS NOT NULL")
    _index("entries_dead", "entries", "tenant", "id", where="state = 'dead'")
    _index("entries_held", "entries", "due_at", "id", where="state = 'held'")
    _index("entries_not_done", "entries", "queue", "state", where="state <> 'done'")
    _index("entries_of_message", "entries", "message", "queue", "id")
    _index("entries_ready", "entries", "lane", "id", where="state = 'ready'")
    _index("entries_ready_due", "entries", "due_at", where="state = 'ready' AND due_at IS NOT NULL")
    _index("entries_waiting", "entries", "tenant", "person", where="queue = 'inbox' AND state IN ('ready', 'held')")


def _news() -> None:
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False, autoincrement=False),
        _text("tenant"),
        _text("person"),
        _text("kind"),
        _big("created_at"),
        _text("message", null=True),
        _text("task", null=True),
        _text("turn", null=True),
        sa.PrimaryKeyConstraint("seq"),
    )
    _index("events_by_age", "events", "created_at")
    _index("events_of_person", "events", "tenant", "person", "seq")
    op.create_table(
        "replays",
        _text("tenant"),
        _text("key"),
        _text("name"),
        _text("fingerprint"),
        _int("status"),
        _text("body"),
        _big("created_at"),
        sa.PrimaryKeyConstraint("key", "name"),
    )
    _index("replays_by_age", "replays", "created_at")
    op.create_table(
        "counters",
        _text("name"),
        _big("value"),
        sa.PrimaryKeyConstraint("name"),
    )
    op.execute("INSERT INTO counters (name, value) VALUES ('events', 0)")


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null)


def _int(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _big(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=null)


def _float(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Float, nullable=False)


def _bool(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def _index(name: str, table: str, *columns: str, where: str | None = None) -> None:
    words = None if where is None else sa.text(where)
    op.create_index(name, table, list(columns), sqlite_where=words, postgresql_where=words)
