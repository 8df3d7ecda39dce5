"""Where the records are kept, as [store] names it: read, checked, and told without its password."""

import os
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from hub.sections import Secret, StoreConfig

SQLITE = "sqlite:///"
POSTGRESQL = ("postgresql://", "postgres://")
PARAMETERS = frozenset(
    (
        *("host", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "channel_binding", "gssencmode"),
        *("connect_timeout", "application_name", "target_session_attrs", "options", "tcp_user_timeout"),
        *("keepalives_idle", "keepalives_interval", "keepalives_count"),
    )
)
"""What may stand behind the `?`: libpq's, but for those that have a place of their own."""
SHAPE = "postgresql://USER:PASSWORD@HOST:PORT/NAME"


class Server(Struct, frozen=True, kw_only=True):
    """A database on PostgreSQL."""

    host: str
    """Empty: the server's socket on this machine."""
    port: int
    user: str
    """Empty: called as the system's user."""
    password: Secret
    name: str
    options: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        who = f"{self.user}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host or dict(self.options).get("host") or "localhost"
        return f"PostgreSQL {self.name} at {who}{host}:{self.port}"


def database_of(store: StoreConfig, data: Path) -> Path | Server:
    """Return what a checked section names: a SQLite file, or a database on a server."""
    if not store.url:
        return data / "hub.db"
    if store.url.startswith(SQLITE):
        return Path(store.url.removeprefix(SQLITE)).expanduser().absolute()
    parts = urlsplit(store.url)
    return Server(
        host=parts.hostname or "",
        port=parts.port or 5432,
        user=unquote(parts.username or ""),
        password=Secret(store.password or unquote(parts.password or "")),
        name=unquote(parts.path[1:]),
        options=tuple(parse_qsl(parts.query)),
    )


def shown(store: StoreConfig, data: Path) -> str:
    """Say in words where the records are, without a password."""
    place = database_of(store, data)
    return f"SQLite in {place}" if isinstance(place, Path) else str(place)


def faults(store: StoreConfig) -> list[str]:
    """Return what's wrong with a section, a line for each; no line shows the URL, for a password may be in it."""
    found = []
    if store.password and store.password_file:
        found.append("store.password_file: set besides store.password; keep one of them")
    elif store.password_file and not os.access(Path(store.password_file).expanduser(), os.R_OK):
        found.append(f"store.password_file: {store.password_file!r} can't be read; create it or mend its rights")
    if store.url.startswith(POSTGRESQL):
        return [*_server_faults(store), *found]
    if store.url and not store.url.startswith(SQLITE):
        found.append(f"store.url: must begin with sqlite:/// or postgresql://, as {SHAPE}; or leave it empty")
    if store.password or store.password_file:
        found.append("store.password: is for PostgreSQL alone; take it out")
    return found


def with_secret(store: StoreConfig) -> StoreConfig:
    """Return a section whose URL has no password: that's in `password`, wherever it was."""
    if not store.url.startswith(POSTGRESQL):
        return store
    parts = urlsplit(store.url)
    inside = unquote(parts.password or "")
    file = store.password_file
    kept = Path(file).expanduser().read_text(encoding="utf-8").strip() if file else store.password or inside
    _, at, place = parts.netloc.rpartition("@")
    who = parts.netloc.rpartition("@")[0].partition(":")[0]
    url = SplitResult("postgresql", f"{who}{at}{place}", parts.path, parts.query, "").geturl()
    return replace(store, url=url, password=Secret(kept))


def _server_faults(store: StoreConfig) -> list[str]:
    try:
        parts = urlsplit(store.url)
        port = parts.port
    except ValueError:
        return [f"store.url: isn't a URL; write it as {SHAPE}, with %40 for an @ in the password, %2F for a /"]
    found = []
    if parts.fragment or "/" in parts.path[1:] or port == 0:
        found.append(f"store.url: isn't as {SHAPE}; in a password write %23 for #, %2F for /, %3F for ?")
    elif not parts.path[1:]:
        found.append(f"store.url: names no database; write it as {SHAPE}")
    for name, _ in parse_qsl(parts.query, keep_blank_values=True):
        if name not in PARAMETERS:
            found.append(f"store.url: {name!r} isn't known behind the ?; there may be {', '.join(sorted(PARAMETERS))}")
    if parts.password and (store.password or store.password_file):
        found.append("store.url: has a password besides store.password or store.password_file; keep one of them")
    return found
