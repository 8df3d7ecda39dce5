"""The line to the hub: opened by this computer, made anew when it breaks, and ended when there's no use in trying."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from hub.errors import StartError
from hub.lent import AT_ONCE, FRAME, REFUSED, REPLACED, Answer, Call, FromHub, Hello, Welcome, Withdrawn
from hub.local.carrying import Lender

FIRST, LONGEST = 1.0, 60.0
"""Seconds between tries: twice as many after each."""
STEADY = 30.0
"""A line that held for so many seconds was a good one."""
QUEUE = 32
"""Calls that wait to be looked at; a hub that sends more is left."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")

Notify = Callable[[str], None]


class Session:
    """Lends, for as long as it's run."""

    def __init__(
        self,
        url: str,
        key: str,
        hello: Hello,
        lender: Lender,
        notify: Notify,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Raises StartError for a hub that a key can't be sent to safely."""
        self._url = address(url)
        self._key = key
        self._hello = hello
        self._lender = lender
        self._notify = notify
        self._sleep = sleep

    async def run(self) -> None:
        """Lend until cancelled; raises StartError where the hub doesn't want this computer."""
        pause = FIRST
        while True:
            loop = asyncio.get_running_loop()
            began = loop.time()
            try:
                await self._lend()
                why = "the hub ended the connection"
            except StartError:
                raise
            except InvalidStatus as error:
                why = refusal(error.response.status_code, bytes(error.response.body or b""))
            except ConnectionClosed as error:
                why = self._closed(error)
            except (OSError, InvalidHandshake, TimeoutError) as error:
                why = str(error) or type(error).__name__
            if loop.time() - began > STEADY:
                pause = FIRST
            self._notify(f"Not connected: {why}. Trying again in {pause:.0f} s.")
            await self._sleep(pause * random.uniform(0.7, 1.0))  # noqa: S311 - no secret
            pause = min(pause * 2, LONGEST)

    async def _lend(self) -> None:
        headers = {"Authorization": f"Bearer {self._key}"}
        async with connect(
            self._url, additional_headers=headers, max_size=FRAME, max_queue=4, open_timeout=15, user_agent_header=None
        ) as line:
            await line.send(msgspec.json.encode(self._hello), text=True)
            async with asyncio.timeout(15):
                welcome = _frame(await line.recv())
            if not isinstance(welcome, Welcome):
                raise StartError("what answers there is no hub of this version: look where --hub leads")
            self._notify(f"Connected as {self._hello.computer!r}, for {plain(welcome.person)}.")
            await self._serve(line)

    async def _serve(self, line: ClientConnection) -> None:
        """Take calls until the line breaks; what's at work then is ended, for nobody waits for it."""
        at_work: dict[str, asyncio.Task[None]] = {}
        try:
            async for data in line:
                frame = _frame(data)
                for id in [id for id, task in at_work.items() if task.done()]:
                    del at_work[id]
                match frame:
                    case Withdrawn() if frame.id in at_work:
                        at_work[frame.id].cancel()
                    case Call() if len(at_work) >= QUEUE + AT_ONCE:
                        raise OSError("it asks for too much at once")
                    case Call():
                        # An id that's at work already is looked at like any other: the lender refuses it.
                        name = frame.id if frame.id not in at_work else f"{frame.id}+{len(at_work)}"
                        at_work[name] = asyncio.create_task(self._answer(line, frame))
        finally:
            for task in at_work.values():
                task.cancel()
            await asyncio.gather(*at_work.values(), return_exceptions=True)

    async def _answer(self, line: ClientConnection, call: Call) -> None:
        answer: Answer = await self._lender.carry_out(call)
        try:
            await line.send(msgspec.json.encode(answer), text=True)
        except ConnectionClosed:
            return  # the hub knows that it doesn't know

    def _closed(self, error: ConnectionClosed) -> str:
        code, reason = (error.rcvd.code, error.rcvd.reason) if error.rcvd else (0, "")
        if code == REPLACED:
            raise StartError(
                f"another computer lends as {self._hello.computer!r} now; give this one a --name of its own"
            )
        if code == REFUSED:
            raise StartError(f"the hub says no: {plain(reason)}")
        return plain(reason) or "the connection broke"


def address(url: str) -> str:
    """Return where a hub's socket is; raises StartError where a key would go over the wire for all to read."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise StartError(f"--hub: {url!r} can't be read; give an address as https://hub.example.org") from None
    if parts.scheme not in ("http", "https") or not host:
        raise StartError(f"--hub: {url!r} is no address of a hub; give one as https://hub.example.org")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise StartError(f"--hub: {url}: the key would go to {host} for all on the way to read; use https")
    scheme = "wss" if parts.scheme == "https" else "ws"
    return f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}/v1/local"


def refusal(status: int, body: bytes) -> str:
    """Return why a hub didn't let us in, if it's worth trying again; raises StartError if not."""
    if status in (401, 403, 404):
        try:
            detail = str(msgspec.json.decode(body, type=dict[str, object]).get("detail", ""))
        except msgspec.MsgspecError:
            detail = ""
        raise StartError(
            f"the hub says no ({status}): {plain(detail)[:300] or 'is it a hub of this version?'} "
            "A key for this is made by: agenthost keys create NAME --scopes local:lend"
        )
    return f"the hub answers {status}"


def plain(text: str) -> str:
    """Return a text without what steers a terminal."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def _frame(data: str | bytes) -> FromHub:
    try:
        return msgspec.json.decode(data, type=FromHub)  # type: ignore[no-any-return]
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise OSError(f"it sends what can't be read ({error})"[:200]) from None
