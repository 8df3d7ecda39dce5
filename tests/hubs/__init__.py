"""Several hubs on one PostgreSQL, as processes that are killed, stopped and started."""
