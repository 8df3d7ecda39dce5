"""The whole hub, as `agenthost run` starts it, on Telegram and on XMPP at once, with people on both."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from tests.faults.served import Served
from tests.telegram.botapi import TOKEN, BotApi
from tests.xmpp.friend import Friend, friend
from tests.xmpp.server import PASSWORD, Prosody

ANN = 1001
"""Her user id on Telegram."""
ACCOUNTS = """
[[bridges]]
kind = "telegram"
token = "{token}"
api_url = "{telegram}"
owner = "{ann}"

[[bridges]]
kind = "xmpp"
jid = "{jid}"
password = "{password}"
host = "127.0.0.1"
port = {port}
ca_file = "{certificate}"
"""


class Both(Struct, frozen=True, kw_only=True):
    """A hub on both platforms, and how to be a person there."""

    hub: Served
    telegram: BotApi
    jid: str
    """Who the hub is on XMPP."""
    config: Path

    @property
    def url(self) -> str:
        """Where the hub is."""
        return str(self.hub.http.base_url).rstrip("/")

    async def tasks(self) -> list[Any]:
        """Return the owner's tasks, oldest first."""
        items: list[Any] = (await self.hub.get("/v1/tasks"))["items"]
        return sorted(items, key=lambda task: int(task["number"]))

    def read(self, chat: int = ANN) -> list[str]:
        """Return what stands in a chat on Telegram."""
        return [shown.text for shown in self.telegram.shown if shown.chat == chat and not shown.gone]


@asynccontextmanager
async def both(folder: Path, model: str, telegram: BotApi, prosody: Prosody, name: str) -> AsyncIterator[Both]:
    """Start a hub with an account on each platform; it's up once both are connected."""
    jid = prosody.add(f"{name}hub")
    accounts = ACCOUNTS.format(
        token=TOKEN,
        telegram=telegram.url,
        ann=ANN,
        jid=jid,
        password=PASSWORD,
        port=prosody.port,
        certificate=prosody.certificate,
    )
    async with Served(folder, model + accounts) as hub:

        async def connected() -> bool:
            return [bridge["state"] for bridge in (await hub.get("/v1/status"))["bridges"]] == ["running"] * 3

        await until(connected)
        yield Both(hub=hub, telegram=telegram, jid=jid, config=folder / "config.toml")


@asynccontextmanager
async def linked(running: Both, prosody: Prosody, name: str) -> AsyncIterator[Friend]:
    """Have Ann link an XMPP account of hers by a code from the web, and give it."""
    code = (await running.hub.http.post("/v1/pairings")).json()["code"]
    async with friend(prosody.add(f"{name}ann"), prosody.port, prosody.certificate) as ann:
        ann.say(running.jid, f"/pair {code}")
        await ann.until(lambda: any("yours" in text for text in ann.texts), within=90)
        yield ann


async def until(true: Callable[[], Awaitable[bool]], *, within: float = 90.0) -> None:
    """Wait until something is so; raises TimeoutError."""
    async with asyncio.timeout(within):
        while not await true():
            await asyncio.sleep(0.05)
