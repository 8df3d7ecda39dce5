"""What waits and how messages were routed, for everybody of a tenant; why leave was refused, and who corrected."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("pauses", sa.Column("reason", sa.Text, nullable=False, server_default=""))
    op.add_column("corrections", sa.Column("by", sa.Text, nullable=True))
    _index("pauses_asked_of_person", "pauses", ["tenant", "person", "id"], "state = 'asked'")
    _index("pauses_decided", "pauses", ["tenant", "decided_at", "id"], "decided_at IS NOT NULL")
    _index("entries_held_of_person", "entries", ["tenant", "person", "id"], "state = 'held'")
    _index("tasks_proposing", "tasks", ["tenant", "person", "id"], "proposed <> '[]'")
    _index("messages_routed", "messages", ["tenant", "id"], "route IS NOT NULL")


def _index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
