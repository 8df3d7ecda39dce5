"""The tools of MCP servers as tools of agents."""

import re
from collections.abc import Mapping

import msgspec

from hub.errors import ToolError
from hub.packages.connections import HARD, Connection
from hub.packages.listing import Listed
from hub.ports import Effect, ToolCall
from hub.records import PackageId

_PLAIN = frozenset(
    re.findall(
        r"\w+",
        """about after again also and any are before been but can does for from get gets give given has have her him his
        how into its just like list make more most not now one only other our out over please returns same set she
        should some such than that the their them then there these they this through tool use used uses using very want
        was were what when where which who will with would you your""",
    )
)
"""Words that say nothing about a tool."""
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
        self.package = package
        self.version = version
        self.digest = digest
        self._listed = listed
        self._hosts = hosts
        self._server = server
        self._words = words_of(f"{listed.name} {listed.description}")

    def fits(self, text: str) -> bool:
        """Say whether the message has a word that the tool's name or description has, too."""
        return bool(words_of(text) & self._words)

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


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text that say what it's about, alike in singular and plural."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|[_./-]", " ", text)
    found = (word.lower() for word in re.findall(r"[^\W\d_]{3,}", apart))
    return frozenset(word.removesuffix("s") for word in found if word not in _PLAIN)
