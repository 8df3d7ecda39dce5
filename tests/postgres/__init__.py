"""A real PostgreSQL for tests, and databases on it that belong to one test each."""
