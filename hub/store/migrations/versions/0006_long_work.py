"""Tasks worked on over time: plans, checks, subtasks, schedules of more than a crontab, and who changed what."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tasks", sa.Column("run_at", sa.BigInteger, nullable=True))
    for name in ("checks", "proposed", "plan"):
        op.add_column("tasks", sa.Column(name, sa.Text, nullable=False, server_default="[]"))
    op.add_column("tasks", sa.Column("parent", sa.Text, nullable=True))
    op.add_column("tasks", sa.Column("depth", sa.Integer, nullable=False, server_default="0"))
    op.add_column("tasks", sa.Column("progress", sa.Text, nullable=True))
    own = sa.text("parent IS NOT NULL")
    op.create_index("tasks_of_parent", "tasks", ["parent", "id"], sqlite_where=own, postgresql_where=own)
    _schedules()
    op.create_table(
        "transitions",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("before", sa.Text, nullable=True),
        sa.Column("after", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("transitions_of_task", "transitions", ["task", "id"])


def _schedules() -> None:
    """A crontab becomes a schedule that has it; a run is due at the time it was due."""
    tasks = sa.table("tasks", sa.column("id"), sa.column("schedule"), sa.column("due_at"), sa.column("run_at"))
    connection = op.get_bind()
    for id, schedule, due_at in connection.execute(
        sa.select(tasks.c.id, tasks.c.schedule, tasks.c.due_at).where(tasks.c.schedule.is_not(None))
    ).all():
        packed = json.dumps({"cron": schedule}, separators=(",", ":"))
        connection.execute(tasks.update().where(tasks.c.id == id).values(schedule=packed, run_at=due_at))
