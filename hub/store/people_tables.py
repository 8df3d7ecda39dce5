"""The tables of who there is: tenants, people, their accounts and keys; made as those of tables.py."""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table, UniqueConstraint, literal_column
from sqlalchemy.sql.elements import ColumnElement

from hub.records import Quotas
from hub.store.columns import a_name, a_text, a_time, packed
from hub.store.tabling import an_index, metadata, within

tenants = Table(
    "tenants",
    metadata,
    a_text("id"),
    a_text("name"),
    a_time("created_at"),
    a_time("suspended_at", null=True),
    a_time("leaving_at", null=True),
    packed("quotas", Quotas),
    packed("agents", tuple[str, ...]),
    PrimaryKeyConstraint("id"),
    an_index("tenants_leaving", "id", where=literal_column("leaving_at IS NOT NULL")),
)

AT_DESK = within("role", "owner", "admin", "operator")
LEAVING: ColumnElement[bool] = literal_column("leaving_at IS NOT NULL")
persons = Table(
    "persons",
    metadata,
    a_text("tenant"),
    a_text("id"),
    a_text("name"),
    a_text("role"),
    a_time("created_at"),
    a_time("leaving_at", null=True),
    a_name("external", null=True),
    a_time("suspended_at", null=True),
    PrimaryKeyConstraint("tenant", "id"),
    Index("persons_by_external", "tenant", "external", unique=True),
    an_index("persons_at_desk", "tenant", "id", where=AT_DESK),
    an_index("persons_leaving", "tenant", "id", where=LEAVING),
)

links = Table(
    "links",
    metadata,
    a_text("tenant"),
    a_text("bridge"),
    a_name("sender"),
    a_text("person"),
    a_time("created_at"),
    a_name("chat"),
    PrimaryKeyConstraint("tenant", "bridge", "sender"),
    an_index("links_of_person", "tenant", "person", "created_at"),
)

pairings = Table(
    "pairings",
    metadata,
    a_text("id"),
    a_text("tenant"),
    a_text("kind"),
    a_text("hash"),
    a_text("state"),
    a_time("created_at"),
    a_time("expires_at"),
    a_text("bridge"),
    a_name("sender"),
    a_name("chat"),
    a_text("name"),
    a_text("person", null=True),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("tenant", "hash"),
    an_index("pairings_of_tenant", "tenant", "id"),
    an_index("pairings_by_end", "expires_at"),
)

keys = Table(
    "keys",
    metadata,
    a_text("id"),
    a_text("tenant"),
    a_text("person"),
    a_text("name"),
    a_text("kind"),
    a_text("hash"),
    packed("scopes", tuple[str, ...]),
    a_time("created_at"),
    a_time("expires_at", null=True),
    a_time("revoked_at", null=True),
    packed("agents", tuple[str, ...]),
    Column("requests", Integer, nullable=True),
    a_text("stands_for", null=True),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("hash"),
    an_index("keys_of_tenant", "tenant", "kind", "created_at"),
    an_index("keys_of_person", "tenant", "person", "id"),
)
