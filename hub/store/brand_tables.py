"""The tables of how tenants' pages look; made as those of tables.py."""

from sqlalchemy import PrimaryKeyConstraint, Table

from hub.store.columns import a_name, a_text, a_time
from hub.store.tabling import an_index, metadata

brands = Table(
    "brands",
    metadata,
    a_text("tenant"),
    a_text("name"),
    a_text("accent"),
    a_text("accent_dark"),
    a_text("logo"),
    a_text("logo_type"),
    a_time("changed_at"),
    PrimaryKeyConstraint("tenant"),
)

host_names = Table(
    "host_names",
    metadata,
    a_name("name"),
    a_text("tenant"),
    a_time("created_at"),
    PrimaryKeyConstraint("name"),
    an_index("host_names_of_tenant", "tenant", "name"),
)
