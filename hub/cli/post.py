"""What a chat sends: one thing after another, each kept once, however long the hub is away."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable

import msgspec
from msgspec import Struct

from hub.cli.client import Away, Client, Trouble
from hub.cli.talk import Talk
from hub.cli.wire import Accepted, Said

PAUSE = 2.0


class Letter(Struct, frozen=True, kw_only=True):
    """Something that's to be sent."""

    path: str
    body: dict[str, str]


class Post:
    """Sends in order what's put in; a hub that's away is waited for."""

    def __init__(self, hub: Client, talk: Talk, failed: Callable[[str], None]) -> None:
        self._hub = hub
        self._talk = talk
        self._failed = failed
        self._letters: asyncio.Queue[Letter] = asyncio.Queue()
        self._idle = asyncio.Event()
        self._idle.set()
        self.waiting = 0
        """How many aren't sent yet."""

    def put(self, text: str) -> None:
        """Send what was typed: the number of a choice that's offered, or a message."""
        question, self._talk.question = self._talk.question, None
        choice = _choice(question, text)
        if question and choice:
            self._put(Letter(path=f"/v1/messages/{question.id}/choice", body={"choice": choice}))
        else:
            self._put(Letter(path="/v1/messages", body={"text": text, "chat": self._talk.chat}))

    async def settled(self) -> None:
        """Return when nothing is on its way: until then an event may tell of a message that was typed here."""
        await self._idle.wait()

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            letter = await self._letters.get()
            try:
                await self._send(letter)
            except Trouble as error:
                self._failed(error.message)
            self.waiting -= 1
            if not self.waiting:
                self._idle.set()

    def _put(self, letter: Letter) -> None:
        self.waiting += 1
        self._idle.clear()
        self._letters.put_nowait(letter)

    async def _send(self, letter: Letter, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        key = secrets.token_hex(16)
        while True:
            try:
                answer = await self._hub.post(letter.path, letter.body, msgspec.Raw, key=key, patient=True)
                break
            except Away:
                await sleep(PAUSE)
        if letter.path == "/v1/messages":
            self._talk.sent(msgspec.json.decode(answer, type=Accepted).id)


def _choice(question: Said | None, text: str) -> str | None:
    if question and text.isdecimal() and len(text) < 4 and 1 <= int(text) <= len(question.choices):
        return question.choices[int(text) - 1].id
    return None
