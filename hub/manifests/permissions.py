"""What a package asks for: each right that isn't named it doesn't have, whatever its program tries."""

import re
from collections.abc import Collection
from typing import Annotated, Literal

from msgspec import Meta, Struct

HOST = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9](:[1-9]\d{0,4})?")
SECRET = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
TOOL = re.compile(r"[a-z][a-z0-9_./-]{0,127}")

Folder = Literal["data", "workspace:ro", "workspace:rw"]
Speech = Literal["read:task", "send:task", "ask:task"]


class Allowance(Struct, frozen=True, kw_only=True):
    """What one call may take."""

    seconds: Annotated[float, Meta(gt=0, le=30)] = 2.0
    memory_mb: Annotated[int, Meta(ge=1, le=512)] = 64
    calls: Annotated[int, Meta(ge=1, le=1000)] = 100
    """Of functions of the hub."""


class Permissions(Struct, frozen=True, kw_only=True):
    """What a package may use of the hub; everything that isn't named it may not."""

    net: Annotated[tuple[str, ...], Meta(max_length=20)] = ()
    """Hosts that it may ask over HTTPS, as "api.example.org" or "api.example.org:8443"."""
    fs: Literal["", "data", "workspace:ro", "workspace:rw"] | tuple[Folder, ...] = ""
    """data: small documents of its own, for each person apart. workspace: the files of the task."""
    secrets: Annotated[tuple[str, ...], Meta(max_length=20)] = ()
    """Names of secrets that the operator keeps; they go to its hosts and are never seen by its program."""
    messages: tuple[Speech, ...] = ()
    """Read what the task's person said, tell them something besides the answer, ask them a question."""
    tools: Annotated[tuple[str, ...], Meta(max_length=20)] = ()
    """Other tools that it may call."""
    schedule: bool = False
    """Have tasks begun later."""
    limits: Allowance = Allowance()

    @property
    def folders(self) -> tuple[Folder, ...]:
        """What of `fs` it asks for, one or several."""
        if isinstance(self.fs, tuple):
            return self.fs
        return (self.fs,) if self.fs else ()

    @property
    def asks(self) -> tuple[str, ...]:
        """All that has to be granted, each as "net:api.example.org", "fs:data", "messages:send:task", "schedule"."""
        return (
            *(f"net:{host}" for host in self.net),
            *(f"fs:{folder}" for folder in self.folders),
            *(f"secrets:{name}" for name in self.secrets),
            *(f"messages:{speech}" for speech in self.messages),
            *(f"tools:{name}" for name in self.tools),
            *(("schedule",) if self.schedule else ()),
        )

    def within(self, grants: Collection[str]) -> "Permissions":
        """Return what of it was granted, each named as in `asks`; limits need no grant."""
        return Permissions(
            net=tuple(host for host in self.net if f"net:{host}" in grants),
            fs=tuple(folder for folder in self.folders if f"fs:{folder}" in grants),
            secrets=tuple(name for name in self.secrets if f"secrets:{name}" in grants),
            messages=tuple(speech for speech in self.messages if f"messages:{speech}" in grants),
            tools=tuple(name for name in self.tools if f"tools:{name}" in grants),
            schedule=self.schedule and "schedule" in grants,
            limits=self.limits,
        )


def fault(permissions: Permissions) -> str:
    """Return what's wrong with permissions, and the way out; empty where nothing is."""
    named = (
        ("net", HOST, permissions.net, "name hosts as api.example.org or api.example.org:8443, without https:// or *"),
        ("secrets", SECRET, permissions.secrets, "use capital letters, digits and _"),
        ("tools", TOOL, permissions.tools, "name tools as GET /v1/tools does"),
    )
    for key, pattern, values, advice in named:
        for value in values:
            if not pattern.fullmatch(value) or (key == "net" and int(value.partition(":")[2] or 443) > 65535):
                return f"{key}: {value!r} won't do; {advice}"
    if permissions.secrets and not permissions.net:
        return "secrets: there's nobody to send them to; name the hosts in permissions.net"
    asks = permissions.asks
    doubled = next((ask for ask in asks if asks.count(ask) > 1), "")
    return f"{doubled!r} is named twice; once is enough" if doubled else ""
