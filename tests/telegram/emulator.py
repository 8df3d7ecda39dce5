"""lo-bot-api-emulator in a process of its own: a Bot API server that somebody else wrote."""

import asyncio
import itertools
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from msgspec import Struct

TOKEN = "7:fixture-token-of-the-tests-0123456789"
ANN = {"id": 1001, "is_bot": False, "first_name": "Ann", "username": "Ann"}
PROGRAM = Path(sys.executable).parent / "lo-bot-api-emulator"
KNOWN_REFUSALS = (
    # What it lacks is asked for once; see Api.
    *(
        "getUpdates:400",
        "setWebhook:400",
        "<unknown>:404",
        "sendMessageDraft:400",
        "sendMessageDraft:501",
        "setMessageReaction:501",
    ),
    *("<unknown>:501",),
)


@contextmanager
def served(folder: Path) -> Iterator["Served"]:
    """Start it, and stop it."""
    port, journal = _free_port(), folder / "journal.jsonl"
    command = [str(PROGRAM), "--port", str(port), "--enable-control", "--allow-insecure-loopback-webhooks"]
    process = subprocess.Popen([*command, "--journal", str(journal)], stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 20
        while not _answers(port) and time.monotonic() < end:
            time.sleep(0.05)
        yield Served(port=port, journal=journal)
    finally:
        process.terminate()
        process.wait()


class Served(Struct, frozen=True, kw_only=True):
    """Where it listens, and where it writes down what it was asked."""

    port: int
    journal: Path


class Emulator:
    """Has people write to the bot, and asks for the emulator's verdict; each begins with an empty one."""

    def __init__(self, served: Served) -> None:
        self._journal = served.journal
        self._port = served.port
        self._ids = itertools.count(1)
        self.client = httpx.AsyncClient(timeout=30)

    async def __aenter__(self) -> Self:
        await self.call("deleteWebhook", drop_pending_updates=True)
        self._journal.unlink(missing_ok=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.aclose()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def call(self, method: str, **fields: Any) -> Any:
        """Call the Bot API as the bot, behind the bridge's back; return the whole answer."""
        return (await self.client.post(f"{self.url}/bot{TOKEN}/{method}", json=fields)).json()

    async def says(self, text: str = "", *, chat: int = 1001, **fields: Any) -> int:
        """Have Ann write a message; return its number."""
        message = self.message(chat=chat, **fields) | ({"text": text} if text else {})
        await self.give({"message": message})
        return int(message["message_id"])

    def message(self, *, chat: int = 1001, sender: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        """Return a message as Telegram would tell it."""
        who = sender or ({**ANN, "id": chat} if chat > 0 else ANN)
        where = {"id": chat, "type": "private", "first_name": "Ann"} if chat > 0 else _group(chat)
        return {"message_id": next(self._ids), "date": int(time.time()), "chat": where, "from": who, **fields}

    async def presses(self, data: str, message: dict[str, Any]) -> str:
        """Have Ann press a button; return the query's id."""
        id = f"query{next(self._ids)}"
        await self.give(
            {"callback_query": {"id": id, "from": ANN, "chat_instance": "1", "data": data, "message": message}}
        )
        return id

    async def give(self, update: dict[str, Any]) -> int:
        """Queue an update, and with a webhook deliver it; return its number."""
        body = {"token": TOKEN, "update": update}
        answer = (await self.client.post(f"{self.url}/__fixture/updates", json=body)).json()
        assert answer["ok"], answer
        return int(answer["result"]["update_id"])

    async def deliver_again(self) -> int:
        """Have what waits posted to the webhook again; return how much was taken."""
        answer = (await self.client.post(f"{self.url}/__fixture/deliver", json={"token": TOKEN})).json()
        return int(answer["result"]["delivered"])

    async def upload(self, kind: str, content: bytes, name: str = "file") -> str:
        """Lay a file at the emulator as if somebody had sent it; return its file id."""
        answer = await self.client.post(
            f"{self.url}/bot{TOKEN}/send{kind.capitalize()}", data={"chat_id": "1"}, files={kind: (name, content)}
        )
        sent = answer.json()["result"][kind]
        return str((sent[0] if isinstance(sent, list) else sent)["file_id"])

    async def pending(self) -> int:
        """Return how many updates aren't acknowledged."""
        return int((await self.call("getWebhookInfo"))["result"]["pending_update_count"])

    async def verdict(self, *methods: str, refusals: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return its own judgement of all that was asked of it."""
        wanted = [word for method in methods for word in ("--require-method", method)]
        allowed = [word for refusal in (*KNOWN_REFUSALS, *refusals) for word in ("--allow-refusal", refusal)]
        process = await asyncio.create_subprocess_exec(
            PROGRAM, "verdict", self._journal, "--require-response", *wanted, *allowed, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        found: dict[str, Any] = json.loads(out)
        return found


def _group(chat: int) -> dict[str, Any]:
    return {"id": chat, "type": "supergroup", "title": "The house"}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
