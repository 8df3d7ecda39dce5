"""The table of chats in other sites' pages; made as those of tables.py."""

from sqlalchemy import Boolean, Column, PrimaryKeyConstraint, Table

from hub.store.columns import a_text, a_time, packed
from hub.store.tabling import an_index, metadata

embeds = Table(
    "embeds",
    metadata,
    a_text("id"),
    a_text("tenant"),
    a_text("name"),
    packed("origins", tuple[str, ...]),
    a_text("agent"),
    a_text("title"),
    a_text("greeting"),
    a_text("colour"),
    Column("visitors", Boolean, nullable=False),
    a_time("created_at"),
    PrimaryKeyConstraint("id"),
    an_index("embeds_of_tenant", "tenant", "id"),
)
