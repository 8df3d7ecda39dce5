"""[sign_in]: how people sign in to the web, beside e-mail and password."""

import os
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from hub.accounts import NAME, secret


class OidcConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[[sign_in.oidc]]: an OpenID Connect provider that vouches for people of one tenant."""

    name: str = ""
    """As it stands in addresses: a-z, 0-9 and -."""
    title: str = ""
    """As it stands on its button; empty: the name."""
    issuer: str = ""
    """As https://id.example.org, to the letter as the provider calls itself."""
    client_id: str = ""
    client_secret: str = ""
    client_secret_file: str = ""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    tenant: str = "home"
    """The id of the tenant whose people it vouches for."""
    allowed_domains: tuple[str, ...] = ()
    """Only people with a verified address of one of these; none named: all whom the provider lets in."""
    create: bool = False
    """Whoever it vouches for and isn't known becomes a member; false: only who is invited, or linked it themselves."""
    link_by_email: bool = False
    """Whoever it vouches for and isn't linked yet is the person with the same, verified address."""


class SignInConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[sign_in]: what people need to sign in."""

    totp: tuple[Literal["owner", "admin", "operator", "member"], ...] = ()
    """Roles that need an authenticator app beside their password; others may have one."""
    oidc: tuple[OidcConfig, ...] = ()


def with_secrets(config: SignInConfig) -> SignInConfig:
    """Return the section with what lies in files."""
    return replace(
        config,
        oidc=tuple(
            replace(each, client_secret=secret(each.client_secret, each.client_secret_file)) for each in config.oidc
        ),
    )


def secrets_of(config: SignInConfig) -> tuple[str, ...]:
    """Return what must never be read in a log."""
    return tuple(each.client_secret for each in config.oidc)


def faults(config: SignInConfig) -> Iterator[str]:
    """Return what can't be used, a line for each, starting with its key path."""
    names = [each.name for each in config.oidc]
    for number, each in enumerate(config.oidc):
        path = f"sign_in.oidc[{number}]"
        if not NAME.fullmatch(each.name):
            yield f"{path}.name: {each.name!r} won't do; use a-z, 0-9 and -, as work"
        elif names.index(each.name) != number:
            yield f"{path}.name: {each.name} is there already; give another"
        if fault := _fault_of(each.issuer):
            yield f"{path}.issuer: {fault}"
        if not each.client_id:
            yield f"{path}.client_id: missing; the provider gives it when you register the hub there"
        if "openid" not in each.scopes:
            yield f"{path}.scopes: lacks openid, without which the provider vouches for nobody; add it"
        if each.client_secret and each.client_secret_file:
            yield f"{path}.client_secret_file: set besides {path}.client_secret; keep one of them"
        if each.client_secret_file and not os.access(Path(each.client_secret_file).expanduser(), os.R_OK):
            yield f"{path}.client_secret_file: {each.client_secret_file!r} can't be read; create it or mend its rights"
        if (each.allowed_domains or each.link_by_email) and "email" not in each.scopes:
            yield f"{path}.scopes: lacks email, which allowed_domains and link_by_email go by; add it"


def is_safe(url: str) -> bool:
    """Say whether what's sent to an address can be read by nobody on the way: by https, or on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and _is_here(host)))
    except ValueError:
        return False


def _fault_of(issuer: str) -> str:
    if not issuer:
        return "missing; give the provider's own address, as https://id.example.org"
    if not is_safe(issuer):
        return f"{issuer!r}: anybody on the way could say who somebody is; use https://"
    parts = urlsplit(issuer)
    if parts.query or parts.fragment or "@" in parts.netloc:
        return f"{issuer!r} won't do; write it as https://id.example.org"
    return ""


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
