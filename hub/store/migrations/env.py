"""Run by alembic: takes the connection that `hub.store.schema` opened."""

from alembic import context

from hub.store.tabling import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite can't alter most things about a table; batch mode copies it.
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
