"""Chats that people take over from agents, drafts of what agents would say, notes; what tasks ask nobody answers."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null)


def _time(name: str, *, null: bool = True) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=null)


def _index(name: str, table: str, *columns: str, where: str = "") -> None:
    only = sa.text(where) if where else None
    op.create_index(name, table, list(columns), sqlite_where=only, postgresql_where=only)


def upgrade() -> None:
    _handovers()
    _drafts()
    op.create_table(
        "notes",
        *(_text("id"), _text("tenant"), _text("person"), _text("task", null=True), _text("handover"), _text("by")),
        *(_text("text"), _time("created_at", null=False)),
        sa.PrimaryKeyConstraint("id"),
    )
    _index("notes_of_person", "notes", "tenant", "person", "id")
    op.create_table(
        "desk_rules",
        _text("tenant"),
        sa.Column("first_minutes", sa.Float, nullable=True),
        sa.Column("end_minutes", sa.Float, nullable=True),
        sa.Column("signed", sa.Boolean, nullable=True),
        sa.PrimaryKeyConstraint("tenant"),
    )
    op.add_column("events", sa.Column("handover", sa.Text, nullable=True))
    _index("persons_at_desk", "persons", "tenant", "id", where="role IN ('owner', 'admin', 'operator')")
    _index("tasks_asking", "tasks", "updated_at", "id", where="state = 'input-required'")


def _handovers() -> None:
    op.create_table(
        "handovers",
        *(_text("id"), _text("tenant"), _text("person"), _text("holds", null=True), _text("bridge"), _text("chat")),
        *(_text("thread", null=True), _text("task", null=True), _text("by"), _text("why"), _text("state")),
        *(_text("operator", null=True), _time("created_at", null=False), _time("taken_at"), _time("answered_at")),
        *(_time("ended_at"), _time("first_due_at"), _time("end_due_at"), _time("due_at"), _text("late")),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant", "holds"),
    )
    _index("handovers_of_tenant", "handovers", "tenant", "id")
    _index("handovers_of_person", "handovers", "tenant", "person", "id")
    _index("handovers_open", "handovers", "tenant", "id", where="holds IS NOT NULL")
    _index("handovers_due", "handovers", "due_at", "id", where="due_at IS NOT NULL")


def _drafts() -> None:
    op.create_table(
        "drafts",
        *(_text("id"), _text("tenant"), _text("handover"), _text("person"), _text("task"), _text("turn", null=True)),
        *(_text("answers", null=True), _text("bridge"), _text("chat"), _text("thread", null=True), _text("role")),
        *(_text("parts"), _text("choices"), _text("state"), _time("created_at", null=False), _time("decided_at")),
        *(_text("decided_by", null=True), _text("message", null=True)),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    _index("drafts_of_handover", "drafts", "handover", "id")
    _index("drafts_of_task", "drafts", "task", "id")
