"""The tables of hand-overs, their drafts and notes; made as those of tables.py."""

from sqlalchemy import Boolean, Column, Float, PrimaryKeyConstraint, Table, UniqueConstraint, literal_column
from sqlalchemy.sql.elements import ColumnElement

from hub.records import Choice, Part, Target
from hub.store.columns import a_name, a_text, a_time, an_int, packed
from hub.store.tabling import an_index, metadata

NOT_OVER: ColumnElement[bool] = literal_column("holds IS NOT NULL")
DUE: ColumnElement[bool] = literal_column("due_at IS NOT NULL")
handovers = Table(
    "handovers",
    metadata,
    a_text("id"),
    a_text("tenant"),
    a_text("person"),
    a_text("holds", null=True),
    a_text("bridge"),
    a_name("chat"),
    a_name("thread", null=True),
    a_text("task", null=True),
    a_text("by"),
    a_text("why"),
    a_text("state"),
    a_text("operator", null=True),
    a_time("created_at"),
    a_time("taken_at", null=True),
    a_time("answered_at", null=True),
    a_time("ended_at", null=True),
    a_time("first_due_at", null=True),
    a_time("end_due_at", null=True),
    a_time("due_at", null=True),
    packed("late", tuple[Target, ...]),
    an_int("revision"),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("tenant", "holds"),
    an_index("handovers_of_tenant", "tenant", "id"),
    an_index("handovers_of_person", "tenant", "person", "id"),
    an_index("handovers_open", "tenant", "id", where=NOT_OVER),
    an_index("handovers_due", "due_at", "id", where=DUE),
)

drafts = Table(
    "drafts",
    metadata,
    a_text("id"),
    a_text("tenant"),
    a_text("handover"),
    a_text("person"),
    a_text("task"),
    a_text("turn", null=True),
    a_text("answers", null=True),
    a_text("bridge"),
    a_name("chat"),
    a_name("thread", null=True),
    a_text("role"),
    packed("parts", tuple[Part, ...]),
    packed("choices", tuple[Choice, ...]),
    a_text("state"),
    a_time("created_at"),
    a_time("decided_at", null=True),
    a_text("decided_by", null=True),
    a_text("message", null=True),
    an_int("revision"),
    PrimaryKeyConstraint("id"),
    an_index("drafts_of_handover", "handover", "id"),
    an_index("drafts_of_task", "task", "id"),
)

notes = Table(
    "notes",
    metadata,
    a_text("id"),
    a_text("tenant"),
    a_text("person"),
    a_text("task", null=True),
    a_text("handover"),
    a_text("by"),
    a_text("text"),
    a_time("created_at"),
    PrimaryKeyConstraint("id"),
    an_index("notes_of_person", "tenant", "person", "id"),
)

desk_rules = Table(
    "desk_rules",
    metadata,
    a_text("tenant"),
    Column("first_minutes", Float, nullable=True),
    Column("end_minutes", Float, nullable=True),
    Column("signed", Boolean, nullable=True),
    PrimaryKeyConstraint("tenant"),
)
