"""Frames of a stream as server-sent events: those that come together go out in one piece."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from litestar.response import Stream
from litestar.response.sse import ServerSentEventMessage

from hub.web.stream import Frame, Frames

HEADERS = {"Cache-Control": "no-cache", "Connection": "keep-alive", "X-Accel-Buffering": "no"}
"""No proxy on the way keeps anything back."""


def as_events(frames: Frames) -> Stream:
    """Return the answer that streams them, until they end or nobody reads it any more."""
    return Stream(_pieces(frames), media_type="text/event-stream", headers=HEADERS)


async def _pieces(frames: Frames) -> AsyncGenerator[bytes, None]:
    async with aclosing(frames) as stream:
        async for together in stream:
            yield b"".join([_written(frame) for frame in together])


def _written(frame: Frame) -> bytes:
    if not frame.event:
        return ServerSentEventMessage(data=None, comment="alive").encode()
    return ServerSentEventMessage(data=frame.data, event=frame.event, id=frame.id).encode()
