"""The schema of a registry's database.

Its revision stands in a table of its own, `registry_version`: neither a hub nor a registry takes the other's database
for its own. Tables of both can't be in one PostgreSQL schema (some have the same names); a database that's shared with
a hub takes a schema of its own, which the URL names: `?options=-csearch_path%3Dregistry`.
"""

from pathlib import Path

from hub.registry.tables import metadata
from hub.store.schema import Schema

SHELF = Schema(
    migrations=Path(__file__).parent / "migrations",
    head="0001",
    revisions="registry_version",
    tables=frozenset((*metadata.tables, "searched_words")),
    owner="an AgentHost registry",
    key="registry.database",
)
