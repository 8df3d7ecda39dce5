"""Run by alembic: takes the connection that `hub.store.schema` opened."""

from alembic import context

from hub.registry.schema import SHELF
from hub.registry.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=SHELF.revisions,
    # SQLite can't alter most things about a table; batch mode copies it.
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
