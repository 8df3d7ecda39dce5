"""[registry]: the registry that this process is, or that a hub serves beside itself at /registry."""

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

from msgspec import Meta, Struct

from hub import databases
from hub.databases import Server
from hub.sections import StoreConfig

Days = Annotated[float, Meta(ge=0, le=365)]
Hours = Annotated[float, Meta(ge=0, le=8_760)]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]


class ShelfConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[registry]: where anybody uploads, finds, downloads and rates packages."""

    serve: bool = False
    """A hub serves it at /registry; `agenthost registry` serves it in any case."""
    url: str = ""
    """How people reach it, as https://registry.example.org; empty: by the address that it listens at."""
    data: str = ""
    """Its folder; empty: `registry` in the hub's."""
    database: str = ""
    """A PostgreSQL database, which several processes may share; empty: SQLite in its folder."""
    sign_up: bool = True
    """Anybody may open an account; false: an admin makes them (`agenthost registry account`)."""
    admins: tuple[str, ...] = ()
    """Names of the accounts that may do everything."""
    scan: tuple[str, ...] = ()
    """A command that looks into each upload, as packages.scan in a hub."""
    listed_after_days: Days = 7.0
    """What an account publishes is held for a moderator until the account is so old; 0: it's listed at once."""
    new_days: Days = 14.0
    """So long an account counts as new, and may do less a day."""
    new_packages: Count = 3
    """Packages that a new account may begin a day."""
    new_versions: Count = 10
    """Versions that a new account may publish a day."""
    rate_after_hours: Hours = 24.0
    """So long a hub must have had a package before its owner may rate it."""
    rate_after_days: Days = 7.0
    """So old an account must be before it may rate."""
    index_hours: Annotated[float, Meta(ge=0.01, le=720)] = 24.0
    """A signed index is good for so long; it's renewed after half of it."""
    proxies: tuple[str, ...] = ()
    """Addresses of proxies, or networks as 10.0.0.0/8, whose X-Forwarded-For is believed."""
    reads_per_minute: Count = 3_000
    """Of one address, or account."""
    writes_per_minute: Count = 300
    downloads_per_minute: Count = 1_200
    sign_ins_per_minute: Count = 20
    """Of one address, and at one account's name: passwords that may be tried."""
    sign_ups_per_day: Count = 20
    """Accounts that one address may open."""


def folder_of(shelf: ShelfConfig, data: Path) -> Path:
    """Return a registry's folder; `data` is the hub's."""
    return Path(shelf.data).expanduser().absolute() if shelf.data else data / "registry"


def database_of(shelf: ShelfConfig, data: Path) -> Path | Server:
    """Return a registry's database."""
    if not shelf.database:
        return folder_of(shelf, data) / "registry.db"
    return databases.database_of(StoreConfig(url=shelf.database), data)


def secrets_of(shelf: ShelfConfig) -> tuple[str, ...]:
    """Return what must never be read in a log."""
    password = urlsplit(shelf.database).password
    return (unquote(password),) if password else ()


def faults(shelf: ShelfConfig) -> Iterator[str]:
    """Return what can't be used, a line for each, starting with its key path."""
    url = urlsplit(shelf.url)
    if shelf.url and (url.scheme not in {"http", "https"} or not url.hostname or url.query or url.fragment):
        yield f"registry.url: write it as https://registry.example.org; it is {shelf.url!r}"
    for proxy in shelf.proxies:
        try:
            ip_network(proxy, strict=False)
        except ValueError:
            yield f"registry.proxies: {proxy!r} is no address and no network; write 10.0.0.2, or 10.0.0.0/8"
    if shelf.database:
        if not shelf.database.startswith(databases.POSTGRESQL):
            yield f"registry.database: takes PostgreSQL, as {databases.SHAPE}; leave it out for SQLite"
        else:
            found = databases.faults(StoreConfig(url=shelf.database))
            yield from (fault.replace("store.url", "registry.database", 1) for fault in found)
