"""Somebody with a client that encrypts: slixmpp with slixmpp-omemo, used as its documentation says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar, cast

from omemo.session_manager import NoEligibleDevices
from omemo.storage import Just, Maybe, Nothing, Storage
from slixmpp.jid import JID
from slixmpp.plugins import register_plugin
from slixmpp.stanza import Message
from slixmpp_omemo import XEP_0384

from bridges.xmpp.hearing import heard
from tests.xmpp.friend import Friend, logged_in


class Memory(Storage):
    """Keys that are forgotten with the client."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[str, Any] = {}

    async def _load(self, key: str) -> Maybe[Any]:
        return Just(self._kept[key]) if key in self._kept else Nothing()

    async def _store(self, key: str, value: Any) -> None:
        self._kept[key] = value

    async def _delete(self, key: str) -> None:
        self._kept.pop(key, None)


class Plugin(XEP_0384):
    """Trusts everybody."""

    name = "xep_0384"
    default_config: ClassVar[dict[str, Any]] = {"memory": None, "fallback_message": "This is encrypted."}

    @property
    def storage(self) -> Storage:
        """See XEP_0384.storage."""
        return self.config["memory"]

    @property
    def _btbv_enabled(self) -> bool:
        return True

    async def _prompt_manual_trust(self, manually_trusted: Any, identifier: str | None) -> None:
        raise AssertionError("nothing is trusted by hand here")


class SealedFriend(Friend):
    """Keeps the words of all encrypted messages that come, and the messages as they came."""

    def __init__(self, jid: str, memory: Memory) -> None:
        super().__init__(jid)
        self.opened: list[str] = []
        self._opening: set[asyncio.Task[None]] = set()
        register_plugin(Plugin)
        self.register_plugin("xep_0384", {"memory": memory})
        self.omemo: Plugin = cast("Any", self.plugin)["xep_0384"]
        self.add_event_handler("message", self._come)

    async def write(self, to: str, text: str, **more: str) -> str:
        """Write an encrypted message; return its id."""
        plain = self.make_message(mto=JID(to), mbody=text, mtype="chat")
        if id := more.get("id"):
            plain["id"] = id
        async with asyncio.timeout(10):
            sealed, _ = await self._encrypted(plain, JID(to))
        assert sealed is not None
        if more.get("receipt"):
            sealed["request_receipt"] = True
        sealed.send()
        return str(sealed["id"])

    async def _encrypted(self, plain: Message, to: JID) -> Any:
        """Encrypt, once the other side has published its keys."""
        while True:
            try:
                return await self.omemo.encrypt_message(plain, to)
            except NoEligibleDevices:
                await asyncio.sleep(0.1)
                await self.omemo.refresh_device_lists({to}, force_download=True)

    def _come(self, message: Message) -> None:
        if self.omemo.is_encrypted(message):
            task = asyncio.create_task(self._open(message))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self, message: Message) -> None:
        plain, _ = await self.omemo.decrypt_message(message)
        if plain["body"]:
            self.opened.append(heard(plain.xml).body)
            self.came.set()


@asynccontextmanager
async def sealed_friend(jid: str, port: int, certificate: Path, memory: Memory) -> AsyncIterator[SealedFriend]:
    """Have somebody log in whose client encrypts, and out at the end."""
    client = SealedFriend(jid, memory)
    begun = asyncio.ensure_future(client.wait_until("omemo_initialized", 60))
    async with logged_in(client, port, certificate):
        await begun
        try:
            yield client
        finally:
            await (await client.omemo.get_session_manager()).shutdown()
