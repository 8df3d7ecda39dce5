"""The registry's tables. Their scalar fields are columns, named as the records' fields are."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from hub.store.columns import a_text, a_time, packed

metadata = MetaData()

accounts = Table(
    "accounts",
    metadata,
    a_text("id"),
    a_text("name"),
    a_text("email"),
    a_text("password"),
    a_text("role"),
    Column("suspended", Boolean, nullable=False),
    a_time("created_at"),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("name"),
)

tokens = Table(
    "tokens",
    metadata,
    a_text("id"),
    a_text("account"),
    a_text("name"),
    a_text("hash"),
    packed("scopes", tuple[str, ...]),
    a_time("created_at"),
    a_time("expires_at"),
    PrimaryKeyConstraint("id"),
    Index("tokens_of_account", "account", "id"),
    Index("tokens_by_end", "expires_at"),
)

publishers = Table(
    "publishers",
    metadata,
    a_text("name"),
    a_text("account"),
    a_time("created_at"),
    PrimaryKeyConstraint("name"),
    Index("publishers_of_account", "account", "name"),
)

publisher_keys = Table(
    "publisher_keys",
    metadata,
    a_text("publisher"),
    a_text("id"),
    a_text("public"),
    a_text("state"),
    a_text("rotation"),
    a_time("created_at"),
    PrimaryKeyConstraint("publisher", "id"),
)

listings = Table(
    "listings",
    metadata,
    a_text("publisher"),
    a_text("name"),
    a_text("kind"),
    a_text("description"),
    packed("tags", tuple[str, ...]),
    a_text("latest"),
    a_text("skeleton"),
    a_time("created_at"),
    a_time("updated_at"),
    Column("deleted", Boolean, nullable=False),
    Column("downloads", BigInteger, nullable=False),
    Column("installs", BigInteger, nullable=False),
    Column("stars", BigInteger, nullable=False),
    Column("ratings", BigInteger, nullable=False),
    PrimaryKeyConstraint("publisher", "name"),
    Index("listings_alike", "skeleton"),
    Index("listings_newest", "updated_at", "publisher", "name"),
)

versions = Table(
    "versions",
    metadata,
    a_text("publisher"),
    a_text("name"),
    a_text("version"),
    a_text("kind"),
    a_text("sha256"),
    Column("size", BigInteger, nullable=False),
    a_text("description"),
    a_text("readme"),
    a_text("license"),
    packed("tags", tuple[str, ...]),
    packed("tools", tuple[str, ...]),
    packed("asks", tuple[str, ...]),
    packed("notes", tuple[str, ...]),
    packed("findings", tuple[str, ...]),
    a_text("envelope"),
    a_text("key"),
    a_text("state"),
    a_text("reason"),
    a_time("yanked_at", null=True),
    a_text("yanked"),
    a_text("account"),
    a_time("published_at"),
    a_time("listed_at", null=True),
    Column("bundle", Boolean, nullable=False),
    PrimaryKeyConstraint("publisher", "name", "version"),
    Index("versions_by_state", "state", "published_at"),
    Index("versions_of_account", "account", "published_at"),
    Index("versions_by_digest", "sha256"),
    Index("versions_of_kind", "kind", "publisher", "name", "version"),
)

archives = Table(
    "archives",
    metadata,
    a_text("sha256"),
    Column("data", LargeBinary, nullable=False),
    PrimaryKeyConstraint("sha256"),
)

ratings = Table(
    "ratings",
    metadata,
    a_text("publisher"),
    a_text("name"),
    a_text("account"),
    a_text("version"),
    Column("stars", Integer, nullable=False),
    a_text("text"),
    a_text("hub"),
    Column("counted", Boolean, nullable=False),
    a_time("created_at"),
    a_time("updated_at"),
    PrimaryKeyConstraint("publisher", "name", "account"),
    Index("ratings_of_package", "publisher", "name", "updated_at"),
    UniqueConstraint("publisher", "name", "hub"),
)

fetches = Table(
    "fetches",
    metadata,
    a_text("hub"),
    a_text("sha256"),
    a_time("at"),
    PrimaryKeyConstraint("hub", "sha256"),
)
"""That a hub, which proved to hold its key, fetched an archive first at this time."""

reports = Table(
    "reports",
    metadata,
    a_text("id"),
    a_text("publisher"),
    a_text("name"),
    a_text("version"),
    a_text("account"),
    a_text("reason"),
    a_text("text"),
    a_text("state"),
    a_time("created_at"),
    PrimaryKeyConstraint("id"),
    Index("reports_open", "state", "created_at"),
    Index("reports_of_package", "publisher", "name", "created_at"),
    Index("reports_of_account", "account", "state"),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), nullable=False, autoincrement=False),
    a_time("at"),
    a_text("actor"),
    a_text("action"),
    a_text("subject"),
    a_text("detail"),
    a_text("before"),
    a_text("hash"),
    PrimaryKeyConstraint("seq"),
    Index("audit_of_subject", "subject", "seq"),
)

downloads = Table(
    "downloads",
    metadata,
    a_text("day"),
    a_text("publisher"),
    a_text("name"),
    a_text("version"),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("publisher", "name", "version", "day"),
)

downloaders = Table(
    "downloaders",
    metadata,
    a_text("day"),
    a_text("who"),
    a_text("sha256"),
    PrimaryKeyConstraint("day", "who", "sha256"),
)
"""Who fetched what on a day, by a hash that's good for that day only; forgotten the day after."""

salts = Table(
    "salts",
    metadata,
    a_text("day"),
    a_text("salt"),
    PrimaryKeyConstraint("day"),
)
"""What a day's hashes of downloaders are made with; forgotten the day after."""

indexes = Table(
    "indexes",
    metadata,
    Column("serial", BigInteger().with_variant(Integer, "sqlite"), nullable=False, autoincrement=False),
    a_time("issued_at"),
    a_time("expires_at"),
    a_text("envelope"),
    PrimaryKeyConstraint("serial"),
)

shards = Table(
    "shards",
    metadata,
    a_text("sha256"),
    Column("data", LargeBinary, nullable=False),
    a_time("left_at", null=True),
    PrimaryKeyConstraint("sha256"),
    Index("shards_by_end", "left_at"),
)
"""Parts of indexes; since when one isn't in the newest any more, so that who is reading an older one finishes it."""

places = Table(
    "places",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    a_text("publisher"),
    a_text("name"),
    a_text("shard"),
    UniqueConstraint("publisher", "name"),
    Index("places_of_shard", "shard", "publisher", "name"),
)
"""Where a package stands: the number of its row in the full-text index `searched_words`, its shard in the signed one.

The full-text index is made by a migration: SQLite's is a virtual table, PostgreSQL's has a column of lexemes.
"""

stale = Table(
    "stale",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    a_text("shard"),
)
"""That something in a shard changed that the newest index doesn't tell yet; a row for each change.

One for each shard wouldn't do: who finds it there, but not yet taken, couldn't tell whether his own change is seen.
"""

replays = Table(
    "replays",
    metadata,
    a_text("account"),
    a_text("name"),
    a_text("fingerprint"),
    Column("status", Integer, nullable=False),
    a_text("body"),
    a_time("created_at"),
    PrimaryKeyConstraint("account", "name"),
    Index("replays_by_time", "created_at"),
)
"""Answers under idempotency keys."""
