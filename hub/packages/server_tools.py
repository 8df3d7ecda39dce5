"""The tools of MCP servers as tools of agents."""

import re
from collections.abc import Mapping

import msgspec

from hub.errors import ToolError
from hub.packages.connections import HARD, Connection
from hub.packages.listing import Listed
from hub.ports import Effect, ToolCall
from hub.records import PackageId

SHOWN = 300


class ServerTool:
    """One tool of one server. Whatever it says are a stranger's words."""

    outside = True
    seconds = HARD

    def __init__(
        self, package: PackageId, version: str, digest: str, listed: Listed, hosts: tuple[str, ...], server: Connection
    ) -> None:
        self.name = f"{package}.{listed.short}"
        self.description = listed.description
        self.schema: Mapping[str, object] = listed.schema
        self.effect: Effect = listed.effect
        self.about = f"{package} {_apart(listed.name)}"
        self.package = package
        self.version = version
        self.digest = digest
        self._listed = listed
        self._hosts = hosts
        self._server = server

    def fits(self, text: str) -> bool:
        """It's found by what it's about, not by words of its own."""
        return True

    def goes_out(self, call: ToolCall, heard: str) -> str:
        """Say whom it may tell something; see Outward."""
        if self._hosts:
            return f"it reaches {', '.join(self._hosts)}"
        # That it only reads is its own word, but without a network it can tell nobody.
        return "" if self._listed.reads else f"it may change what {self.package} keeps"

    async def call(self, call: ToolCall) -> str:
        """Have the server do it; raises ToolError."""
        try:
            arguments = msgspec.convert(msgspec.to_builtins(call.arguments), dict[str, object])
        except (msgspec.ValidationError, TypeError):
            raise ToolError("The arguments aren't an object.") from None
        again = self.effect in {"none", "idempotent"}
        return await self._server.call(self._listed.name, arguments, again=again)


def _apart(name: str) -> str:
    """Return the words that a name is made of."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|[_./-]+", " ", name)
