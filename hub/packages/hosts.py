"""What a program of others may call of the hub: for each permission exactly its functions, and nothing without it.

A function raises what a program can catch, in words for whoever wrote it; nothing else of the hub reaches it.
"""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping

from hub.errors import AgentHostError
from hub.manifests import Permissions
from hub.packages.hosts_files import DATA, READING, WRITING, data_functions, file_functions
from hub.packages.hosts_net import NET, SENDING, net_functions
from hub.packages.hosts_task import ASKING, PLANNING, READ, SAYING, USING, task_functions
from hub.packages.scripts import Hosts
from hub.packages.seals import Seal
from hub.packages.trail import Trail
from hub.ports import Documents, Effect, Egress, Errands, Paused, ToolCall, Workspaces

log = logging.getLogger(__name__)

HEAD = """\
from typing import Any, Literal, NamedTuple
"""
WAYS = {
    **dict.fromkeys(("read", "write", "erase", "ids"), 'permissions.fs = "data"'),
    **dict.fromkeys(("list_files", "read_file"), 'permissions.fs = "workspace:ro"'),
    **dict.fromkeys(("write_file", "remove_file"), 'permissions.fs = "workspace:rw"'),
    "get": "permissions.net with the host's name",
    **dict.fromkeys(("post", "request"), 'permissions.net, in a tool whose effect isn\'t "none"'),
    "said": 'permissions.messages = ["read:task"]',
    "say": 'permissions.messages = ["send:task"]',
    "ask": 'permissions.messages = ["ask:task"]',
    "plan": "permissions.schedule = true",
    "use": "permissions.tools with the tool's name",
}
"""How a program gets each function."""


class Supplies:
    """What this hub has, of what programs may be given; what's None it has not.

    `errands` may be given later: whoever runs them needs the tools, which are there first.
    """

    def __init__(
        self,
        *,
        egress: Egress | None = None,
        workspaces: Workspaces | None = None,
        errands: Errands | None = None,
        secrets: Mapping[str, str] | None = None,
        seal: Seal | None = None,
    ) -> None:
        """`secrets` are by name, as the operator gave them; without a seal no program can wait for an answer."""
        self.egress = egress
        self.workspaces = workspaces
        self.errands = errands
        self.secrets = dict(secrets or {})
        self.seal = seal

    def missing(self, permissions: Permissions) -> tuple[str, ...]:
        """Return what the operator hasn't given yet, of what a package asks for, in words."""
        return tuple(
            f"secret {name} isn't set: put it into [[packages.secrets]], or calls that need it fail"
            for name in permissions.secrets
            if not self.secrets.get(name)
        )


def stubs(permissions: Permissions, effects: Collection[Effect] = ()) -> str:
    """Return what the type checker is to know: the functions that these permissions give a program, and no others.

    `effects` are those of its tools: one that changes something may send, too.
    """
    parts: list[str] = []
    folders = permissions.folders
    if "data" in folders:
        parts.append(DATA)
    if permissions.net:
        parts.append(NET)
        if any(effect != "none" for effect in effects):
            parts.append(SENDING)
    if "workspace:ro" in folders or "workspace:rw" in folders:
        parts.append(READING)
    if "workspace:rw" in folders:
        parts.append(WRITING)
    spoken = {"read:task": READ, "send:task": SAYING, "ask:task": ASKING}
    parts += [spoken[speech] for speech in permissions.messages]
    if permissions.schedule:
        parts.append(PLANNING)
    if permissions.tools:
        parts.append(USING)
    return HEAD + "".join(parts) if parts else ""


def hosts(
    owner: str,
    permissions: Permissions,
    effect: Effect,
    call: ToolCall,
    documents: Documents,
    supplies: Supplies,
    trail: Trail,
) -> Hosts:
    """Return the functions that a call of a program may use; what it used is in `trail`.

    `owner` is the program's name: its documents are kept under it. `permissions` are those that were granted.
    """
    functions: dict[str, Callable[..., Awaitable[object]]] = {}
    folders = permissions.folders
    if "data" in folders:
        functions |= data_functions(documents, owner, call)
    if "workspace:ro" in folders or "workspace:rw" in folders:
        functions |= file_functions(supplies.workspaces, call, writing="workspace:rw" in folders)
    if permissions.net:
        values = {name: supplies.secrets.get(name, "") for name in permissions.secrets}
        functions |= net_functions(supplies.egress, permissions.net, values, sends=effect != "none")
    functions |= task_functions(supplies.errands, permissions, call, trail)
    return {name: guarded(name, function, trail) for name, function in functions.items()}


def guarded(name: str, function: Callable[..., Awaitable[object]], trail: Trail) -> Callable[..., Awaitable[object]]:
    """Return a function that leaves a trail, and of which only errors come out that a program may see."""

    async def call(*values: object, **named: object) -> object:
        trail.step(name)
        try:
            waiting = function(*values, **named)
        except TypeError as error:
            told = str(error).partition("() ")[2]
            raise TypeError(f"{name}(): {told or 'takes other arguments'}") from None
        try:
            return await waiting
        except (TypeError, ValueError, PermissionError, RuntimeError, OSError):
            raise
        except Paused:
            raise RuntimeError(
                "that tool wants to ask its person something, which it can't on behalf of another"
            ) from None
        except AgentHostError as error:
            raise RuntimeError(str(error)) from None
        except Exception:
            log.exception("a program's call of %s stumbled", name)
            raise RuntimeError(f"{name}(): the hub couldn't do that") from None

    # A program that gives it another name calls it by this one.
    call.__name__ = name
    return call
