"""The steps of a registry's schema (alembic)."""
