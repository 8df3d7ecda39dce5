"""The schema's steps (alembic), and how a database is brought to the newest one."""
