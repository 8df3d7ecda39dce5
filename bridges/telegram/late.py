"""A Telegram bot whose library is read once the hub runs: that takes as long as all else that a hub reads to be up."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from hub.accounts import TelegramAccount, name_of, webhook_secret
from hub.errors import ConfigError
from hub.ports import Accept, BridgeInfo, Clock, Delivered, Desk, Documents, Draft, Files, Outgoing
from hub.records import Address, Message, Task, TurnId

if TYPE_CHECKING:
    from bridges.telegram.bridge import TelegramBridge

TOKEN = re.compile(r"\d+:\S+")
READY = 3.0
"""Seconds that a call of Telegram's waits for the library."""


class LateTelegramBridge:
    """A TelegramBridge with all its abilities; whoever uses one waits until its library is read.

    Raises ConfigError for a token that can't be one.
    """

    def __init__(
        self, account: TelegramAccount, *, files: Files, desk: Desk, documents: Documents, clock: Clock
    ) -> None:
        self.name = name_of(account)
        self._account = replace(account, token=_token(account, self.name), token_file="")
        self._files, self._desk, self._documents, self._clock = files, desk, documents, clock
        self._info = BridgeInfo(name=self.name, kind="telegram", state="connecting", since=clock.now())
        self._reading = asyncio.Lock()
        self._bridge: TelegramBridge | None = None

    @property
    def info(self) -> BridgeInfo:
        return self._bridge.info if self._bridge else self._info

    @property
    def secret(self) -> str:
        """What Telegram proves itself by when it calls us."""
        return webhook_secret(self._account)

    async def run(self, accept: Accept) -> None:
        await (await self._read()).run(accept)

    async def deliver(self, outgoing: Outgoing) -> Delivered:
        return await (await self._read()).deliver(outgoing)

    async def show(self, draft: Draft) -> None:
        await (await self._read()).show(draft)

    async def drop(self, turn: TurnId) -> None:
        await (await self._read()).drop(turn)

    async def typing(self, address: Address) -> None:
        await (await self._read()).typing(address)

    async def retract(self, message: Message, ids: Sequence[str], to: Task | None) -> None:
        await (await self._read()).retract(message, ids, to)

    async def edit(self, outgoing: Outgoing, ids: Sequence[str]) -> None:
        await (await self._read()).edit(outgoing, ids)

    async def tell(self, address: Address, task: Task) -> None:
        await (await self._read()).tell(address, task)

    async def hook(self, headers: Mapping[str, str], body: bytes) -> int:
        try:
            async with asyncio.timeout(READY):
                bridge = await self._read()
        except TimeoutError:
            return 503
        return await bridge.hook(headers, body)

    async def probe(self) -> BridgeInfo:
        """Ask the server who we are, and say how it is in words for `agenthost doctor`."""
        return await (await self._read()).probe()

    async def close(self) -> None:
        """Close what `deliver` opened without `run`."""
        if self._bridge:
            await self._bridge.close()

    async def _read(self) -> "TelegramBridge":
        """Return the bridge itself, read in a thread so that the hub answers meanwhile."""
        async with self._reading:
            if self._bridge is None:
                module = await asyncio.to_thread(import_module, "bridges.telegram.bridge")
                self._bridge = module.TelegramBridge(
                    self._account, files=self._files, desk=self._desk, documents=self._documents, clock=self._clock
                )
            return self._bridge


def _token(account: TelegramAccount, name: str) -> str:
    token = account.token
    if not token and account.token_file:
        try:
            token = Path(account.token_file).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise ConfigError(f"bridges.{name}.token_file: {account.token_file} can't be read ({error})") from None
    if not TOKEN.fullmatch(token):
        raise ConfigError(f"bridges.{name}.token: that's no bot's token; BotFather gives one like 123456:ABC-def")
    return token
