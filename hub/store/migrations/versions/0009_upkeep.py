"""People who leave, and indexes for metrics, retention and what's whose."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None


def _index(name: str, table: str, *columns: str, where: str = "") -> None:
    only = sa.text(where) if where else None
    op.create_index(name, table, list(columns), sqlite_where=only, postgresql_where=only)


def upgrade() -> None:
    op.add_column("persons", sa.Column("leaving_at", sa.BigInteger, nullable=True))
    _index("persons_leaving", "persons", "tenant", "id", where="leaving_at IS NOT NULL")
    _index("keys_of_person", "keys", "tenant", "person", "id")
    position = "strpos" if op.get_bind().dialect.name == "postgresql" else "instr"
    _index("messages_with_any_file", "messages", "id", where=f'{position}(parts, \'"type":"file"\') > 0')
    _index("messages_of_person", "messages", "tenant", "person", "id")
    _index("messages_in_groups", "messages", "tenant", "author", "id", where="author IS NOT NULL")
    _index("messages_of_no_task", "messages", "id", where="task IS NULL")
    _index("corrections_of_message", "corrections", "message", "id")
    _index("tasks_open", "tasks", "tenant", "state", where="state IN ('submitted', 'working', 'input-required')")
    _index("tasks_ended", "tasks", "updated_at", "id", where="state IN ('completed', 'failed', 'canceled')")
    _index("follows_of_person", "follows", "tenant", "person", "task", "bridge", "chat")
    _index("entries_done", "entries", "created_at", where="state = 'done'")
