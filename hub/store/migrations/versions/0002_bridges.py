"""What bridges need: postings, threads, pairings, follows; who wrote a message in a group."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _people()
    _messages()
    _tasks()


def _people() -> None:
    op.add_column("links", _text("chat", default=""))
    _index("links_of_person", "links", "tenant", "person", "created_at")
    op.create_table(
        "pairings",
        _text("id"),
        _text("tenant"),
        _text("kind"),
        _text("hash"),
        _text("state"),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        _text("bridge"),
        _text("sender"),
        _text("chat"),
        _text("name"),
        _text("person", null=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant", "hash"),
    )
    _index("pairings_of_tenant", "pairings", "tenant", "id")
    _index("pairings_by_end", "pairings", "expires_at")


def _messages() -> None:
    for column in ("sender", "name"):
        op.add_column("messages", _text(column, default=""))
    for column in ("author", "choice", "corrects", "copy_of"):
        op.add_column("messages", _text(column, null=True))
    _index("messages_copying", "messages", "copy_of", where="copy_of IS NOT NULL")
    position = "strpos" if op.get_bind().dialect.name == "postgresql" else "instr"
    with_files = f'{position}(parts, \'"type":"file"\') > 0'
    _index("messages_with_files", "messages", "tenant", "person", "id", where=with_files)
    op.create_table(
        "postings",
        _text("tenant"),
        _text("bridge"),
        _text("chat"),
        _text("external_id"),
        _text("message"),
        sa.Column("number", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "bridge", "chat", "external_id"),
    )
    _index("postings_of_message", "postings", "message", "number")


def _tasks() -> None:
    op.create_table(
        "threads",
        _text("tenant"),
        _text("bridge"),
        _text("chat"),
        _text("thread"),
        _text("task"),
        sa.PrimaryKeyConstraint("tenant", "bridge", "chat", "thread"),
    )
    _index("threads_of_task", "threads", "task", "bridge", "chat", "thread")
    # Until now a thread was the newest task's that had begun in it.
    op.execute(
        "INSERT INTO threads (tenant, bridge, chat, thread, task)"
        " SELECT tenant, bridge, chat, thread, max(id) FROM tasks WHERE thread IS NOT NULL"
        " GROUP BY tenant, bridge, chat, thread"
    )
    op.create_table(
        "follows",
        _text("task"),
        _text("bridge"),
        _text("chat"),
        _text("tenant"),
        _text("person"),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("task", "bridge", "chat"),
    )


def _text(name: str, *, null: bool = False, default: str | None = None) -> sa.Column[str]:
    # Rows that are there already need a value for a column that may not be empty.
    return sa.Column(name, sa.Text, nullable=null, server_default=default)


def _index(name: str, table: str, *columns: str, where: str | None = None) -> None:
    words: sa.ColumnElement[bool] | None = None if where is None else sa.literal_column(where)
    op.create_index(name, table, list(columns), sqlite_where=words, postgresql_where=words)
