"""The tables: one for each kind of record, its scalar fields as columns, its structured ones as JSON.

Times are whole microseconds since 1970 in UTC, so that they sort and compare the same in every database. The indexes
are exactly those that the port's queries need: a test explains every query and finds no scan.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    and_,
    literal_column,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import TypeDecorator

from hub.records import Choice, Limits, MessageId, Part, Route, Usage, Verdict

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Time(TypeDecorator[datetime]):
    """An aware time as whole microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + value * MICROSECOND


class Packed(TypeDecorator[Any]):
    """A structured value as JSON text."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind
        self._decoder = msgspec.json.Decoder(kind)

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else self._decoder.decode(value)


metadata = MetaData()


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def _int(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _float(name: str) -> Column[float]:
    return Column(name, Float, nullable=False)


def _time(name: str, *, null: bool = False) -> Column[datetime]:
    return Column(name, Time, nullable=null)


def _packed(name: str, kind: Any, *, null: bool = False) -> Column[Any]:
    return Column(name, Packed(kind), nullable=null)


def within(column: str, *values: str) -> ColumnElement[bool]:
    """Compare with words written out: SQLite uses a partial index only if it reads the index's own words."""
    words = ", ".join(f"'{value}'" for value in values)
    return literal_column(f"{column} IN ({words})") if len(values) > 1 else literal_column(f"{column} = {words}")


def _index(name: str, *columns: str, where: ColumnElement[bool] | None = None) -> Index:
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)


persons = Table(
    "persons",
    metadata,
    _text("tenant"),
    _text("id"),
    _text("name"),
    _text("role"),
    _time("created_at"),
    PrimaryKeyConstraint("tenant", "id"),
)

links = Table(
    "links",
    metadata,
    _text("tenant"),
    _text("bridge"),
    _text("sender"),
    _text("person"),
    _time("created_at"),
    PrimaryKeyConstraint("tenant", "bridge", "sender"),
)

keys = Table(
    "keys",
    metadata,
    _text("id"),
    _text("tenant"),
    _text("person"),
    _text("name"),
    _text("kind"),
    _text("hash"),
    _packed("scopes", tuple[str, ...]),
    _time("created_at"),
    _time("expires_at", null=True),
    _time("revoked_at", null=True),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("hash"),
    _index("keys_of_tenant", "tenant", "kind", "created_at"),
)

messages = Table(
    "messages",
    metadata,
    _text("id"),
    _text("tenant"),
    _text("bridge"),
    _text("chat"),
    _text("thread", null=True),
    _text("external_id"),
    _text("role"),
    _text("person"),
    _packed("parts", tuple[Part, ...]),
    _text("state"),
    _time("created_at"),
    _text("reply_to", null=True),
    _text("answers", null=True),
    _text("task", null=True),
    _text("turn", null=True),
    _packed("route", Route, null=True),
    _text("wish", null=True),
    _text("agent", null=True),
    _packed("choices", tuple[Choice, ...]),
    _text("error", null=True),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("tenant", "bridge", "chat", "external_id"),
    _index("messages_of_chat", "tenant", "bridge", "chat", "id"),
    _index("messages_of_task", "task", "id", where=literal_column("task IS NOT NULL")),
    _index("messages_of_turn", "turn", where=literal_column("turn IS NOT NULL")),
    _index("messages_answering", "answers", where=literal_column("answers IS NOT NULL")),
)

corrections = Table(
    "corrections",
    metadata,
    _text("id"),
    _text("tenant"),
    _text("message"),
    _text("wrong"),
    _text("right"),
    _packed("route", Route),
    _time("created_at"),
    PrimaryKeyConstraint("id"),
    _index("corrections_of_tenant", "tenant", "id"),
)

OPEN_TASK = within("state", "submitted", "working", "input-required")
tasks = Table(
    "tasks",
    metadata,
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
    _time("created_at"),
    _time("updated_at"),
    _text("kind"),
    _packed("limits", Limits),
    _packed("used", Usage),
    _time("due_at", null=True),
    _text("schedule", null=True),
    _packed("verdict", Verdict, null=True),
    _text("digest"),
    _text("digested", null=True),
    _int("revision"),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("tenant", "person", "number"),
    _index("tasks_of_tenant", "tenant", "state", "id"),
    _index("tasks_of_tenant_changed", "tenant", "state", "updated_at", "id"),
    _index("tasks_of_person", "tenant", "person", "state", "id"),
    _index("tasks_of_person_changed", "tenant", "person", "state", "updated_at", "id"),
    _index("tasks_of_chat", "tenant", "bridge", "chat", "state", "id"),
    _index("tasks_of_chat_changed", "tenant", "bridge", "chat", "state", "updated_at", "id"),
    _index("tasks_due", "due_at", "id", where=and_(OPEN_TASK, literal_column("due_at IS NOT NULL"))),
)

turns = Table(
    "turns",
    metadata,
    _text("id"),
    _text("tenant"),
    _text("task"),
    _int("number"),
    _text("state"),
    _packed("messages", tuple[MessageId, ...]),
    _time("started_at"),
    _time("ended_at", null=True),
    _text("answer"),
    _int("tokens_in"),
    _int("tokens_out"),
    _float("ms"),
    _packed("verdict", Verdict, null=True),
    _text("error", null=True),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("task", "number"),
)

steps = Table(
    "steps",
    metadata,
    _text("turn"),
    _int("number"),
    _text("kind"),
    _text("name"),
    _text("request"),
    _text("result"),
    _int("tokens_in"),
    _int("tokens_out"),
    _float("ms"),
    Column("failed", Boolean, nullable=False),
    PrimaryKeyConstraint("turn", "number"),
)

WAITING = and_(within("queue", "inbox"), within("state", "ready", "held"))
READY = within("state", "ready")
HELD = within("state", "held")
DEAD = within("state", "dead")
NOT_DONE: ColumnElement[bool] = literal_column("state <> 'done'")
entries = Table(
    "entries",
    metadata,
    _text("id"),
    _text("tenant"),
    _text("queue"),
    _text("lane"),
    _text("message"),
    _text("state"),
    _time("created_at"),
    _time("due_at", null=True),
    _text("boot", null=True),
    _int("attempts"),
    _int("deaths"),
    _text("error", null=True),
    _int("revision"),
    # Not of the record: copied from the message, so that counting what waits for a person reads no messages.
    _text("person", null=True),
    PrimaryKeyConstraint("id"),
    _index("entries_of_message", "message", "queue", "id"),
    _index("entries_ready", "lane", "id", where=READY),
    _index("entries_begun", "id", where=and_(READY, literal_column("boot IS NOT NULL"))),
    _index("entries_ready_due", "due_at", where=and_(READY, literal_column("due_at IS NOT NULL"))),
    _index("entries_held", "due_at", "id", where=HELD),
    _index("entries_waiting", "tenant", "person", where=WAITING),
    _index("entries_dead", "tenant", "id", where=DEAD),
    _index("entries_not_done", "queue", "state", where=NOT_DONE),
)

events = Table(
    "events",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), nullable=False, autoincrement=False),
    _text("tenant"),
    _text("person"),
    _text("kind"),
    _time("created_at"),
    _text("message", null=True),
    _text("task", null=True),
    _text("turn", null=True),
    PrimaryKeyConstraint("seq"),
    _index("events_of_person", "tenant", "person", "seq"),
    _index("events_by_age", "created_at"),
)

replays = Table(
    "replays",
    metadata,
    _text("tenant"),
    _text("key"),
    _text("name"),
    _text("fingerprint"),
    _int("status"),
    _text("body"),
    _time("created_at"),
    PrimaryKeyConstraint("key", "name"),
    _index("replays_by_age", "created_at"),
)

counters = Table(
    "counters",
    metadata,
    # Events are numbered from here and not by the table: a number is never given twice, even if all events are
    # forgotten, and with several writers a lower one never appears after a higher one.
    _text("name"),
    Column("value", BigInteger, nullable=False),
    PrimaryKeyConstraint("name"),
)
