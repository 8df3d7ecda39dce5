"""[egress] and [[registries]]: what may be asked beyond any public host."""

import re
from collections.abc import Iterator, Sequence
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from msgspec import Struct

from hub.errors import StatementError
from hub.statements import public_of

NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
PORT = re.compile(r"[1-9]\d{0,4}")


class EgressConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[egress]: private addresses that requests may go to all the same."""

    allow: tuple[str, ...] = ()
    """Each as "192.168.1.5:8123", "nas.lan:443", or a network as "10.1.2.0/24"."""


class RegistryConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[[registries]]: where packages are installed from by PUBLISHER/NAME; the first that has one gives it."""

    url: str = ""
    """As https://registry.example.org; over http only one on this machine."""
    key: str = ""
    """What its index must be signed by, in base64; empty: by the key that it had when it was first asked."""


def place(entry: str) -> tuple[str, int] | None:
    """Return the host and the port that an entry names, as ("192.168.1.5", 8123) or ("::1", 80); None if it's odd."""
    host, _, port = entry.rpartition(":")
    if not PORT.fullmatch(port) or int(port) > 65535:
        return None
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        return (str(ip_address(host)), int(port)) if _is_address(host) and ":" in host else None
    # What looks like a number but is none is an address to some and a name to others.
    if re.fullmatch(r"\d+|0x[0-9a-f]*", host.rpartition(".")[2]) and not _is_address(host):
        return None
    return (host, int(port)) if NAME.fullmatch(host) and len(host) <= 253 else None


def is_network(entry: str) -> bool:
    """Say whether an entry is a network as 10.1.2.0/24, with no bits set behind its prefix."""
    try:
        ip_network(entry)
    except ValueError:
        return False
    return "/" in entry


def at(registry: RegistryConfig) -> str:
    """Return a registry's host and port as [egress] has them."""
    parts = urlsplit(registry.url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def faults(egress: EgressConfig, registries: Sequence[RegistryConfig]) -> list[str]:
    """Return what can't be used, a line for each, starting with its key path."""
    return [*_odd(egress), *(fault for number, each in enumerate(registries) for fault in _unusable(number, each))]


def _odd(egress: EgressConfig) -> Iterator[str]:
    for number, entry in enumerate(egress.allow):
        if not is_network(entry) and not place(entry):
            advice = 'write it as "192.168.1.5:8123", "nas.lan:443" or "10.1.2.0/24"'
            yield f"egress.allow[{number}]: {entry!r} won't do; {advice}"


def _unusable(number: int, registry: RegistryConfig) -> Iterator[str]:
    path = f"registries[{number}].url"
    try:
        parts = urlsplit(registry.url)
        known = place(at(registry))
    except ValueError:
        known = None
    if not registry.url:
        yield f"{path}: missing; give the registry's address, as https://registry.example.org"
    elif known is None or parts.scheme not in {"http", "https"} or parts.query or parts.fragment or "@" in parts.netloc:
        yield f"{path}: {registry.url!r} won't do; write it as https://registry.example.org"
    elif parts.scheme == "http" and known[0] not in {"127.0.0.1", "::1", "localhost"}:
        yield f"{path}: {registry.url!r}: anybody on the way could change packages; use https://"
    if registry.key:
        try:
            public_of(registry.key)
        except StatementError as error:
            yield f"registries[{number}].key: {error}; GET /registry/v1/key shows a registry's"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
