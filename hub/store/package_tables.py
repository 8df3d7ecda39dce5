"""The tables of packages, and of what keeps their calls within their rights."""

from sqlalchemy import Column, PrimaryKeyConstraint, Table, Text, literal_column
from sqlalchemy.sql.elements import ColumnElement

from hub.records import Edition
from hub.store.columns import a_name, a_text, a_time, an_int, packed
from hub.store.tabling import an_index, metadata, within

packages = Table(
    "packages",
    metadata,
    a_text("tenant"),
    a_text("id"),
    a_text("kind"),
    a_text("state"),
    packed("now", Edition),
    packed("before", Edition, null=True),
    packed("next", Edition, null=True),
    a_time("created_at"),
    a_time("updated_at"),
    PrimaryKeyConstraint("tenant", "id"),
)

installations = Table(
    "installations",
    metadata,
    a_text("id"),
    a_text("tenant"),
    a_text("by"),
    a_text("source"),
    packed("grants", tuple[str, ...]),
    a_text("state"),
    a_text("package", null=True),
    a_text("digest"),
    packed("found", tuple[str, ...]),
    a_text("error"),
    a_time("created_at"),
    a_time("updated_at"),
    an_int("revision"),
    PrimaryKeyConstraint("id"),
    an_index("installations_of_tenant", "tenant", "id"),
)

pins = Table(
    "pins",
    metadata,
    a_text("tenant"),
    a_text("task"),
    a_text("package"),
    a_text("version"),
    a_text("digest"),
    a_time("created_at"),
    PrimaryKeyConstraint("task", "package"),
    an_index("pins_of_tenant", "tenant", "task"),
)

ASKED = within("state", "asked")
DECIDED: ColumnElement[bool] = literal_column("decided_at IS NOT NULL")
pauses = Table(
    "pauses",
    metadata,
    a_text("id"),
    a_text("tenant"),
    a_text("person"),
    a_text("task"),
    a_text("turn"),
    a_text("kind"),
    a_text("tool"),
    a_text("arguments"),
    a_text("digest"),
    a_text("key"),
    a_text("why"),
    a_text("state"),
    a_time("created_at"),
    a_time("expires_at"),
    a_time("decided_at", null=True),
    a_text("decided_by", null=True),
    a_text("to", null=True),
    a_text("snapshot"),
    a_text("answer"),
    an_int("revision"),
    Column("reason", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("id"),
    an_index("pauses_of_task", "task", "id"),
    an_index("pauses_of_person", "tenant", "person", "id"),
    an_index("pauses_asked", "expires_at", "id", where=ASKED),
    an_index("pauses_asked_of_person", "tenant", "person", "id", where=ASKED),
    an_index("pauses_decided", "tenant", "decided_at", "id", where=DECIDED),
)

taints = Table(
    "taints",
    metadata,
    a_text("tenant"),
    a_text("task"),
    a_name("source"),
    a_text("detail"),
    a_time("created_at"),
    PrimaryKeyConstraint("task", "source"),
)
