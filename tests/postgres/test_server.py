"""What the tests' own PostgreSQL promises to the tests that use it."""

import signal

import psycopg
import pytest

from tests.postgres.server import Server, a_cluster


def test_each_test_has_an_empty_database_of_its_own(empty_database: str, postgres: Server) -> None:
    with psycopg.connect(empty_database) as connection:
        connection.execute("CREATE TABLE mine (id int)")
    with postgres.database() as other, psycopg.connect(other) as connection:
        [tables] = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() or (
            None,
        )
        assert tables == 0


def test_a_database_can_be_made_like_another(empty_database: str, postgres: Server) -> None:
    with psycopg.connect(empty_database) as connection:
        connection.execute("CREATE TABLE mine (id int)")
    with postgres.database(empty_database) as copied, psycopg.connect(copied) as connection:
        assert connection.execute("SELECT count(*) FROM mine").fetchone() == (0,)


def test_a_killed_cluster_has_what_was_committed_when_it_is_started_again() -> None:
    with a_cluster() as cluster, cluster.database() as url:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE mine (id int)")
        cluster.stop(signal.SIGQUIT)
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url)
        cluster.start()
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM mine").fetchone() == (0,)


def test_a_hubs_database_is_empty_for_each_test(hub_database: str, postgres: Server) -> None:
    with psycopg.connect(hub_database) as connection:
        connection.execute("INSERT INTO persons VALUES ('home', 'ann', 'Ann', 'owner', 1)")
        connection.execute("UPDATE counters SET value = 7")
    left = psycopg.connect(hub_database)
    left.execute("SELECT * FROM persons FOR UPDATE")
    postgres.empty(hub_database)
    with psycopg.connect(hub_database) as connection:
        assert connection.execute("SELECT count(*) FROM persons").fetchone() == (0,)
        assert connection.execute("SELECT name, value FROM counters").fetchall() == [("events", 0)]
    left.close()
