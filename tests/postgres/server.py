"""PostgreSQL for tests: the one a DSN names, else Debian's binaries over a folder that's thrown away."""

import ctypes
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

DSN = "AGENTHOST_TEST_POSTGRES"
"""The environment's name for a server whose user is a superuser."""
PASSWORD = "sesame-sesame"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "32MB",
    # A killed server keeps what it wrote: only a machine's death loses what wasn't synced.
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "deadlock_timeout": "100ms",
}
PR_SET_PDEATHSIG = 1


class Server:
    """A server that runs already, and on which databases are made."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    def create(self, template: str | None = None) -> str:
        """Make a database, empty or as the one that a URL names; return its URL, as `store.url` takes it."""
        name = f"agenthost_test_{secrets.token_hex(6)}"
        like = conninfo_to_dict(template)["dbname"] if template else "template0"
        words = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(str(like)))
        self._execute(words)
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is connected to it."""
        name = sql.Identifier(str(conninfo_to_dict(url)["dbname"]))
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

    @contextmanager
    def database(self, template: str | None = None) -> Iterator[str]:
        """Lend a database: its URL."""
        url = self.create(template)
        try:
            yield url
        finally:
            self.drop(url)

    def empty(self, url: str) -> None:
        """Forget what's kept in a database, and who is connected to it: quicker than making another."""
        name = conninfo_to_dict(url)["dbname"]
        with psycopg.connect(self.url(str(name)), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
                " AND pid <> pg_backend_pid()",
                [name],
            )
            found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            # No table's rows keep another's from going.
            connection.execute("SET session_replication_role = replica")
            with connection.transaction():
                for (table,) in found:
                    if table not in ("alembic_version", "registry_version", "counters"):
                        connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
                if ("counters",) in found:
                    connection.execute("DELETE FROM counters WHERE name <> 'events'")
                    connection.execute("UPDATE counters SET value = 0")

    def url(self, name: str, *, user: str = "", password: str = "") -> str:
        """Return the URL of a database on this server."""
        known = conninfo_to_dict(self.dsn)
        who = f"{user or known.get('user', 'postgres')}:{password or known.get('password', '')}"
        return f"postgresql://{who}@{known.get('host', '127.0.0.1')}:{known.get('port', 5432)}/{name}"

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(statement)


class Cluster(Server):
    """A server of the tests' own, that's started, stopped, killed and started again over the same folder.

    It dies with the process that started it.
    """

    def __init__(self, folder: Path) -> None:
        self.port = _free_port()
        super().__init__(
            make_conninfo(f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres password={PASSWORD}")
        )
        self.folder = folder
        self._process: subprocess.Popen[Any] | None = None
        self._as_user: Callable[..., subprocess.Popen[Any]] = subprocess.Popen
        if os.getuid() == 0:
            # initdb and postgres refuse to run as root.
            other = pwd.getpwnam("postgres")
            os.chown(folder, other.pw_uid, other.pw_gid)
            self._as_user = partial(subprocess.Popen, user=other.pw_uid, group=other.pw_gid, extra_groups=[])
        self._initialise()

    def start(self) -> None:
        """Start it, and return once it answers."""
        given = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        command = [_binary("postgres"), "-D", str(self.folder / "data"), "-p", str(self.port), "-k", str(self.folder)]
        with (self.folder / "log").open("ab") as log:
            self._process = self._as_user(
                [*command, *given], stdout=log, stderr=log, cwd=self.folder, preexec_fn=_die_with_parent
            )
        until = time.monotonic() + 30
        while not self._answers():
            assert self._process.poll() is None, self.log
            assert time.monotonic() < until, self.log
            time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Stop it (SIGINT: at once, and cleanly; SIGQUIT: as a crash does), and return once it's gone."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(30)
            self._process = None

    @property
    def log(self) -> str:
        """What it logged."""
        return (self.folder / "log").read_text(errors="replace")

    def _initialise(self) -> None:
        (self.folder / "password").write_text(PASSWORD)
        (self.folder / "password").chmod(0o644)
        command = [_binary("initdb"), "-D", str(self.folder / "data"), "-U", "postgres", "--no-sync", "-E", "UTF8"]
        command += ["--locale=C.UTF-8", "--auth=scram-sha-256", f"--pwfile={self.folder / 'password'}"]
        if _version() >= 15:
            # Letters in another order than the hub's own, so that a query that leaves it to the database is caught.
            command += ["--locale-provider=icu", "--icu-locale=en-US"]
        done = self._as_user(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=self.folder)
        said, _ = done.communicate(timeout=60)
        assert done.returncode == 0, said.decode(errors="replace")

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.dsn, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def a_server() -> Iterator[Server]:
    """Lend the server that the environment names, else a cluster; skips the test without either, but fails in CI."""
    if dsn := os.environ.get(DSN):
        yield Server(dsn)
        return
    with a_cluster() as cluster:
        yield cluster


@contextmanager
def a_cluster() -> Iterator[Cluster]:
    """Lend a running cluster that's nobody else's, to be stopped and killed; skips, or fails in CI, as `a_server`."""
    if _binary("initdb") == "initdb":
        words = f"no PostgreSQL: install Debian's postgresql, or name a server in {DSN}"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    # Not pytest's own folder, into which only this user may look.
    folder = Path(tempfile.mkdtemp(prefix="agenthost-pg-"))
    try:
        cluster = Cluster(folder)
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binary(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    return str(found[-1]) if found else shutil.which(name) or name


def _version() -> int:
    said = subprocess.run([_binary("initdb"), "--version"], capture_output=True, text=True, check=True).stdout
    return int(said.split()[2].partition(".")[0])


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
