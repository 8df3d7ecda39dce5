"""A connection to an MCP server: begun when it's needed, begun again when it broke, ended when nobody needs it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from hub.errors import AgentHostError, SandboxMissing, ToolError
from hub.packages.listing import MOST, PAGES
from hub.packages.scrubbing import scrubbed
from hub.packages.transport import LastWords
from hub.ports import Clock

if TYPE_CHECKING:
    from mcp import Client
    from mcp_types import CallToolResult
    from mcp_types import Tool as ListedTool

log = logging.getLogger(__name__)

START = 20.0
"""Seconds until a server has to answer, from its start on."""
SOFT, HARD = 30.0, 300.0
"""Seconds of silence in a call, and of a call that reports progress."""
IDLE = 600.0
"""Seconds without a call after which it's ended, until the next one."""
STEADY = 10.0
"""Seconds that it has to live, or its next start has to wait."""
PAUSES = (0.0, 0.0, 1.0, 5.0, 20.0, 60.0)
"""Seconds until the next start, by how often it died at once."""
CHARACTERS = 20_000

Transport = Callable[[LastWords], AbstractAsyncContextManager[Any]]
"""Opens the streams to a server; told what to remember its last words with."""


class _Gone(Exception):
    """The server died over a call."""


class Connection:
    """One server."""

    def __init__(
        self,
        package: str,
        transport: Transport,
        clock: Clock,
        *,
        idle: float = IDLE,
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        """`secrets` are what the server was given, by name: they're taken out of all that it says."""
        self._package = package
        self._secrets = secrets or {}
        self._transport = transport
        self._clock = clock
        self._idle = idle
        self._client: Client | None = None
        self._life: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()
        self._starting = asyncio.Lock()
        self._words = LastWords()
        self._deaths = 0
        self._began = self._used = -1e9
        self._calls = 0

    @property
    def last_words(self) -> str:
        """What the server last wrote to its errors: for its author, never for a log."""
        return str(self._words)

    async def close(self) -> None:
        """End the server; it can be begun again."""
        async with self._starting:
            await self._end()

    async def tools(self) -> "list[ListedTool]":
        """Return what the server lists; raises ToolError."""
        found: list[ListedTool] = []
        async with self._at_work() as client, asyncio.timeout(START):
            cursor: str | None = None
            for _ in range(PAGES):
                page = await client.list_tools(cursor=cursor, cache_mode="bypass")
                found += page.tools
                cursor = page.next_cursor
                if not cursor or len(found) > 2 * MOST:
                    return found
        return found

    async def call(self, tool: str, arguments: dict[str, Any], *, again: bool) -> str:
        """Call a tool and return its result as text; raises ToolError.

        `again` says that it may be called twice: a server that dies over the call is then asked once more. A call
        that's cancelled is called off at the server, too.
        """
        try:
            return await self._called(tool, arguments)
        except _Gone:
            if not again:
                raise ToolError(
                    f"{self._package} died while it did this; nobody knows whether it's done, so it isn't repeated."
                ) from None
        try:
            return await self._called(tool, arguments)
        except _Gone:
            raise ToolError(f"{self._package} died of this call, twice.") from None

    # --- inside

    async def _called(self, tool: str, arguments: dict[str, Any]) -> str:
        loop = asyncio.get_running_loop()
        async with self._at_work() as client:
            end = loop.time() + HARD
            try:
                async with asyncio.timeout(SOFT) as deadline:

                    async def moved(progress: float, total: float | None, message: str | None) -> None:
                        deadline.reschedule(min(loop.time() + SOFT, end))

                    result = await client.call_tool(tool, arguments, progress_callback=moved)
            except TimeoutError:
                raise ToolError(f"{self._package} gave no answer in time; the call was called off.") from None
        text = text_of(result, self._hidden)
        if result.is_error:
            raise ToolError(text or f"{self._package} says that it failed, and not why.")
        return text

    @asynccontextmanager
    async def _at_work(self) -> "AsyncIterator[Client]":
        """Yield the client of a living server; raises ToolError for what MCP or the server makes of it, and _Gone."""
        from anyio import BrokenResourceError, ClosedResourceError  # noqa: PLC0415
        from mcp.shared.exceptions import MCPError  # noqa: PLC0415 - only hubs with servers load it
        from mcp_types import CONNECTION_CLOSED  # noqa: PLC0415
        from pydantic import ValidationError  # noqa: PLC0415

        client = await self._begun()
        self._calls += 1
        try:
            yield client
        except MCPError as error:
            if error.code == CONNECTION_CLOSED:
                self._forget(client)
                raise _Gone from None
            raise ToolError(f"{self._package} refused: {self._hidden(str(error.error.message))[:300]}") from None
        except ValidationError:
            raise ToolError(f"{self._package} answered with what isn't MCP.") from None
        except (ClosedResourceError, BrokenResourceError):
            self._forget(client)
            raise _Gone from None
        except (RuntimeError, OSError) as error:
            raise ToolError(f"{self._package} can't be asked: {self._hidden(str(error))[:300]}") from None
        finally:
            self._calls -= 1
            self._used = self._clock.monotonic()

    def _forget(self, client: "Client") -> None:
        """Have the next call begin the server again, also where its end isn't over yet."""
        if self._client is client:
            self._client = None

    async def _begun(self) -> "Client":
        async with self._starting:
            if self._life and not self._life.done() and self._client:
                return self._client
            await self._end()
            now = self._clock.monotonic()
            self._deaths = self._deaths + 1 if now - self._began < STEADY else 0
            pause = PAUSES[min(self._deaths, len(PAUSES) - 1)]
            if now - self._began < pause:
                raise ToolError(
                    f"{self._package} died {self._deaths} times at once; it's begun again in {pause:.0f} s."
                )
            self._began = self._used = now
            self._ending = asyncio.Event()
            ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
            self._life = asyncio.create_task(self._live(ready), name=f"server {self._package}")
            return await ready

    async def _live(self, ready: "asyncio.Future[Client]") -> None:
        """Hold a connection open in a task of its own, as MCP's library wants it, until it breaks or isn't needed."""
        from mcp import Client  # noqa: PLC0415
        from mcp_types import Implementation  # noqa: PLC0415

        self._words = LastWords()
        about = Implementation(name="agenthost", version="1")
        try:
            # Neither sampling nor questions nor roots are offered: what a server asks for of these is refused.
            async with (
                asyncio.timeout(START) as start,
                self._watched() as (transport, broken),
                Client(transport, client_info=about, cache=None) as client,
            ):
                start.reschedule(None)
                self._client = client
                ready.set_result(client)
                log.debug("package %s: its server is there", self._package)
                await self._while_needed(broken)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            if not ready.done():
                ready.set_exception(self._failed(error))
            elif not self._ending.is_set():
                log.warning("package %s: its server is gone (%s)", self._package, self._hidden(str(_first(error))))
        finally:
            self._client = None
            if not ready.done():
                ready.set_exception(ToolError(f"{self._package} was stopped."))

    @asynccontextmanager
    async def _watched(self) -> AsyncIterator[tuple[Any, asyncio.Event]]:
        """Yield a transport for MCP's client that tells when nothing more will come by it."""
        broken = asyncio.Event()
        transport = self._transport(self._words)

        @asynccontextmanager
        async def telling() -> AsyncIterator[Any]:
            async with transport as (read, write):
                yield _Telling(read, broken), write

        yield telling(), broken

    async def _while_needed(self, broken: asyncio.Event) -> None:
        ends = [asyncio.ensure_future(event.wait()) for event in (self._ending, broken)]
        try:
            while True:
                done, _ = await asyncio.wait(ends, timeout=self._idle, return_when=asyncio.FIRST_COMPLETED)
                if done or (not self._calls and self._clock.monotonic() - self._used >= self._idle):
                    return
        finally:
            for end in ends:
                end.cancel()

    async def _end(self) -> None:
        self._ending.set()
        self._client = None
        if self._life:
            try:
                async with asyncio.timeout(5):
                    await asyncio.wait([self._life])
            except TimeoutError:
                self._life.cancel()
            with suppress(BaseException):
                await self._life
            self._life = None

    def _failed(self, error: BaseException) -> AgentHostError:
        first = _first(error)
        if isinstance(first, SandboxMissing):
            return first
        said = self.last_words.strip().splitlines()
        why = said[-1] if said else "no answer in time" if isinstance(first, TimeoutError) else str(first)
        return ToolError(f"{self._package} can't be started: {self._hidden(why)[:300]}")

    def _hidden(self, text: str) -> str:
        return scrubbed(text, self._secrets)


class _Telling:
    """A stream that sets an event at its end."""

    def __init__(self, stream: Any, ended: asyncio.Event) -> None:
        self._stream = stream
        self._ended = ended

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def __aenter__(self) -> "_Telling":
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *how: Any) -> Any:
        return await self._stream.__aexit__(*how)

    def __aiter__(self) -> "_Telling":
        return self

    async def __anext__(self) -> Any:
        try:
            return await self._stream.__anext__()
        except BaseException:
            self._ended.set()
            raise

    async def receive(self) -> Any:
        """Return the next message."""
        try:
            return await self._stream.receive()
        except BaseException:
            self._ended.set()
            raise


def text_of(result: "CallToolResult", hidden: Callable[[str], str] = str) -> str:
    """Return a result's text, with what's to be `hidden` out of it; of what isn't text, a note that it's there."""
    parts: list[str] = []
    for part in result.content:
        match part.type:
            case "text":
                parts.append(part.text)
            case "image" | "audio":
                parts.append(f"[{part.mime_type}, {len(part.data) * 3 // 4} bytes, isn't shown]")
            case "resource_link":
                parts.append(f"[{part.name}: {part.uri}]")
            case "resource":
                text = getattr(part.resource, "text", None)
                parts.append(text if isinstance(text, str) else f"[{part.resource.uri}, isn't text]")
    if not parts and result.structured_content is not None:
        import json  # noqa: PLC0415 - seldom needed

        parts.append(json.dumps(result.structured_content, ensure_ascii=False))
    text = hidden("\n".join(parts))
    return text if len(text) <= CHARACTERS else f"{text[:CHARACTERS]}\n[cut: {len(text) - CHARACTERS} more characters]"


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
