"""The tables of the audit log; made as those of tables.py."""

from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, Table

from hub.store.columns import a_text, a_time
from hub.store.tabling import an_index, metadata

deeds = Table(
    "deeds",
    metadata,
    a_text("tenant"),
    a_time("at"),
    a_text("who", null=True),
    a_text("way"),
    a_text("key", null=True),
    a_text("action"),
    a_text("object"),
    a_text("detail"),
    a_text("digest"),
    Column("seq", BigInteger, nullable=False),
    a_text("previous"),
    a_text("hash"),
    PrimaryKeyConstraint("tenant", "seq"),
    an_index("deeds_by_time", "tenant", "at", "seq"),
    an_index("deeds_by_who", "tenant", "who", "seq"),
    an_index("deeds_by_action", "tenant", "action", "seq"),
    an_index("deeds_by_object", "tenant", "object", "seq"),
)

chains = Table(
    "chains",
    metadata,
    a_text("tenant"),
    Column("seq", BigInteger, nullable=False),
    a_text("hash"),
    PrimaryKeyConstraint("tenant"),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    a_text("tenant"),
    Column("seq", BigInteger, nullable=False),
    a_text("hash"),
    a_time("at"),
    PrimaryKeyConstraint("tenant"),
)
