"""The tables: one for each kind of record, its scalar fields as columns, its structured ones as JSON.

Times are whole microseconds since 1970 in UTC, so that they sort and compare the same in every database. The indexes
are exactly those that the port's queries need: a test explains every query and finds no scan.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    and_,
    false,
    literal_column,
)
from sqlalchemy.sql.elements import ColumnElement

from hub.records import Check, Choice, Limits, MessageId, Part, Point, Route, Schedule, Usage, Verdict
from hub.store.columns import a_float, a_name, a_text, a_time, an_int, packed
from hub.store.tabling import Position, an_index, metadata, within

# In words, as in `within`: an index is used only for a query that says the same.
WITH_FILES: ColumnElement[bool] = Position(
    literal_column("parts"), literal_column('\'"type":"file"\'')
) > literal_column("0")
IN_GROUP: ColumnElement[bool] = literal_column("author IS NOT NULL")
LOOSE: ColumnElement[bool] = literal_column("task IS NULL")
ROUTED: ColumnElement[bool] = literal_column("route IS NOT NULL")
messages = Table(
    "messages",
    metadata,
    a_text("id"),
    a_text("tenant"),
    a_text("bridge"),
    a_name("chat"),
    a_name("thread", null=True),
    a_name("external_id"),
    a_text("role"),
    a_text("person"),
    packed("parts", tuple[Part, ...]),
    a_text("state"),
    a_time("created_at"),
    a_text("reply_to", null=True),
    a_text("answers", null=True),
    a_text("task", null=True),
    a_text("turn", null=True),
    packed("route", Route, null=True),
    a_text("wish", null=True),
    a_text("agent", null=True),
    packed("choices", tuple[Choice, ...]),
    a_text("error", null=True),
    a_name("sender"),
    a_text("author", null=True),
    a_text("name"),
    a_text("choice", null=True),
    a_text("corrects", null=True),
    a_text("copy_of", null=True),
    a_text("key", null=True),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("tenant", "bridge", "chat", "external_id"),
    an_index("messages_of_chat", "tenant", "bridge", "chat", "id"),
    an_index("messages_of_task", "task", "id", where=literal_column("task IS NOT NULL")),
    an_index("messages_of_turn", "turn", where=literal_column("turn IS NOT NULL")),
    an_index("messages_answering", "answers", where=literal_column("answers IS NOT NULL")),
    an_index("messages_copying", "copy_of", where=literal_column("copy_of IS NOT NULL")),
    an_index("messages_with_files", "tenant", "person", "id", where=WITH_FILES),
    an_index("messages_with_any_file", "id", where=WITH_FILES),
    an_index("messages_of_person", "tenant", "person", "id"),
    an_index("messages_in_groups", "tenant", "author", "id", where=IN_GROUP),
    an_index("messages_of_no_task", "id", where=LOOSE),
    an_index("messages_routed", "tenant", "id", where=ROUTED),
)

postings = Table(
    "postings",
    metadata,
    a_text("tenant"),
    a_text("bridge"),
    a_name("chat"),
    a_name("external_id"),
    a_text("message"),
    an_int("number"),
    PrimaryKeyConstraint("tenant", "bridge", "chat", "external_id"),
    an_index("postings_of_message", "message", "number"),
)

corrections = Table(
    "corrections",
    metadata,
    a_text("id"),
    a_text("tenant"),
    a_text("message"),
    a_text("wrong"),
    a_text("right"),
    packed("route", Route),
    a_time("created_at"),
    a_text("by", null=True),
    PrimaryKeyConstraint("id"),
    an_index("corrections_of_tenant", "tenant", "id"),
    an_index("corrections_of_wrong", "wrong", "id"),
    an_index("corrections_of_right", "right", "id"),
    an_index("corrections_of_message", "message", "id"),
    an_index("corrections_of_wrong", "wrong", "id"),
    an_index("corrections_of_right", "right", "id"),
)

ASKING = within("state", "input-required")
OPEN_TASK = within("state", "submitted", "working", "input-required")
PROPOSING: ColumnElement[bool] = literal_column("proposed <> '[]'")
ENDED_TASK = within("state", "completed", "failed", "canceled")
tasks = Table(
    "tasks",
    metadata,
    a_text("id"),
    a_text("tenant"),
    a_text("person"),
    an_int("number"),
    a_text("bridge"),
    a_name("chat"),
    a_name("thread", null=True),
    a_text("title"),
    a_text("goal"),
    a_text("agent"),
    a_text("state"),
    a_time("created_at"),
    a_time("updated_at"),
    a_text("kind"),
    packed("limits", Limits),
    packed("used", Usage),
    a_time("due_at", null=True),
    packed("schedule", Schedule, null=True),
    a_time("run_at", null=True),
    packed("checks", tuple[Check, ...]),
    packed("proposed", tuple[Check, ...]),
    packed("plan", tuple[Point, ...]),
    a_text("parent", null=True),
    an_int("depth"),
    a_text("progress", null=True),
    packed("verdict", Verdict, null=True),
    a_text("digest"),
    a_text("digested", null=True),
    an_int("revision"),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("tenant", "person", "number"),
    an_index("tasks_of_tenant", "tenant", "state", "id"),
    an_index("tasks_of_tenant_changed", "tenant", "state", "updated_at", "id"),
    an_index("tasks_of_person", "tenant", "person", "state", "id"),
    an_index("tasks_of_person_changed", "tenant", "person", "state", "updated_at", "id"),
    an_index("tasks_of_chat", "tenant", "bridge", "chat", "state", "id"),
    an_index("tasks_of_chat_changed", "tenant", "bridge", "chat", "state", "updated_at", "id"),
    an_index("tasks_open", "tenant", "state", where=OPEN_TASK),
    an_index("tasks_ended", "updated_at", "id", where=ENDED_TASK),
    an_index("tasks_asking", "updated_at", "id", where=ASKING),
    an_index("tasks_proposing", "tenant", "person", "id", where=PROPOSING),
    an_index("tasks_of_parent", "parent", "id", where=literal_column("parent IS NOT NULL")),
    an_index("tasks_told_of", "id", where=literal_column("progress IS NOT NULL")),
    an_index("tasks_due", "due_at", "id", where=and_(OPEN_TASK, literal_column("due_at IS NOT NULL"))),
)

transitions = Table(
    "transitions",
    metadata,
    a_text("id"),
    a_text("tenant"),
    a_text("task"),
    a_text("before", null=True),
    a_text("after"),
    a_text("by"),
    a_text("why"),
    a_time("at"),
    PrimaryKeyConstraint("id"),
    an_index("transitions_of_task", "task", "id"),
)

threads = Table(
    "threads",
    metadata,
    a_text("tenant"),
    a_text("bridge"),
    a_name("chat"),
    a_name("thread"),
    a_text("task"),
    PrimaryKeyConstraint("tenant", "bridge", "chat", "thread"),
    an_index("threads_of_task", "task", "bridge", "chat", "thread"),
)

follows = Table(
    "follows",
    metadata,
    a_text("task"),
    a_text("bridge"),
    a_name("chat"),
    a_text("tenant"),
    a_text("person"),
    a_time("created_at"),
    PrimaryKeyConstraint("task", "bridge", "chat"),
    an_index("follows_of_person", "tenant", "person", "task", "bridge", "chat"),
)

turns = Table(
    "turns",
    metadata,
    a_text("id"),
    a_text("tenant"),
    a_text("task"),
    an_int("number"),
    a_text("state"),
    packed("messages", tuple[MessageId, ...]),
    a_time("started_at"),
    a_time("ended_at", null=True),
    a_text("answer"),
    an_int("tokens_in"),
    an_int("tokens_out"),
    a_float("ms"),
    packed("verdict", Verdict, null=True),
    a_text("error", null=True),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("task", "number"),
)

steps = Table(
    "steps",
    metadata,
    a_text("turn"),
    an_int("number"),
    a_text("kind"),
    a_text("name"),
    a_text("request"),
    a_text("result"),
    an_int("tokens_in"),
    an_int("tokens_out"),
    a_float("ms"),
    Column("failed", Boolean, nullable=False),
    Column("effect", Text, nullable=False, server_default=""),
    a_text("pause", null=True),
    Column("unsure", Boolean, nullable=False, server_default=false()),
    a_time("ended_at", null=True),
    Column("money", Float, nullable=False, server_default="0"),
    PrimaryKeyConstraint("turn", "number"),
)

WAITING = and_(within("queue", "inbox"), within("state", "ready", "held"))
READY = within("state", "ready")
HELD = within("state", "held")
DEAD = within("state", "dead")
DONE = within("state", "done")
NOT_DONE: ColumnElement[bool] = literal_column("state <> 'done'")
entries = Table(
    "entries",
    metadata,
    a_text("id"),
    a_text("tenant"),
    a_text("queue"),
    a_name("lane"),
    a_text("message"),
    a_text("state"),
    a_time("created_at"),
    a_time("due_at", null=True),
    a_text("boot", null=True),
    an_int("attempts"),
    an_int("deaths"),
    a_text("error", null=True),
    an_int("revision"),
    # Not of the record: copied from the message, so that counting what waits for a person reads no messages.
    a_text("person", null=True),
    PrimaryKeyConstraint("id"),
    an_index("entries_of_message", "message", "queue", "id"),
    an_index("entries_ready", "lane", "id", where=READY),
    an_index("entries_begun", "id", where=and_(READY, literal_column("boot IS NOT NULL"))),
    an_index("entries_ready_due", "due_at", where=and_(READY, literal_column("due_at IS NOT NULL"))),
    an_index("entries_held", "due_at", "id", where=HELD),
    an_index("entries_held_of_person", "tenant", "person", "id", where=HELD),
    an_index("entries_waiting", "tenant", "person", where=WAITING),
    an_index("entries_done", "created_at", where=DONE),
    an_index("entries_dead", "tenant", "id", where=DEAD),
    an_index("entries_not_done", "queue", "state", where=NOT_DONE),
)

events = Table(
    "events",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), nullable=False, autoincrement=False),
    a_text("tenant"),
    a_text("person"),
    a_text("kind"),
    a_time("created_at"),
    a_text("message", null=True),
    a_text("task", null=True),
    a_text("turn", null=True),
    a_text("handover", null=True),
    a_text("state", null=True),
    PrimaryKeyConstraint("seq"),
    an_index("events_of_person", "tenant", "person", "seq"),
    an_index("events_by_age", "created_at"),
)

replays = Table(
    "replays",
    metadata,
    a_text("tenant"),
    a_text("key"),
    a_name("name"),
    a_text("fingerprint"),
    an_int("status"),
    a_text("body"),
    a_time("created_at"),
    PrimaryKeyConstraint("key", "name"),
    an_index("replays_by_age", "created_at"),
)

WRITER = "writer."
"""Begins the names of counters that hubs on PostgreSQL have for themselves, while they work."""
counters = Table(
    "counters",
    metadata,
    # Events are numbered from here and not by the table: a number is never given twice, even if all events are
    # forgotten, and with several writers a lower one never appears after a higher one.
    a_text("name"),
    Column("value", BigInteger, nullable=False),
    PrimaryKeyConstraint("name"),
)

documents = Table(
    "documents",
    metadata,
    # Small documents where several hubs share a database; a hub on SQLite has them as files. Few belong to one owner.
    a_text("owner"),
    a_text("name"),
    a_text("id"),
    Column("position", BigInteger, nullable=False),
    a_text("document"),
    PrimaryKeyConstraint("owner", "position"),
)
