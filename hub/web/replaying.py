"""What every service with idempotency keys needs: the key itself, a copy of an answer, and the answer once more."""

import re
from datetime import timedelta

from litestar.types import Message, Send

from hub.errors import AlreadyUsed, BadRequest
from hub.web.problems import shown

HEADER = "Idempotency-Key"
SHOWN_ONCE = "shown_once"
"""In an endpoint's `opt`: its answer is shown once and never kept."""
AT_WORK = timedelta(minutes=5)
"""A first request without an answer for so long has died."""


class Recorder:
    """Sends an answer on, and keeps a copy."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 500
        self.body = b""

    async def send(self, message: Message) -> None:
        """Take one ASGI message."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body":
            self.body += message["body"]
        await self._send(message)


def key_of(header: str | None) -> str | None:
    """Return an idempotency key if one was sent; raises BadRequest for one that can't be kept."""
    if header is None:
        return None
    if not re.fullmatch(r"[!-~]{1,200}", header):
        raise BadRequest(HEADER, f"must have 1 to 200 printable ASCII characters and no space; it is {shown(header)}")
    return header


def used_otherwise() -> AlreadyUsed:
    """Return what's raised for a key that stands for another request."""
    return AlreadyUsed(f"{HEADER}: it came before with another body; use a fresh key for another request")


def was_shown() -> AlreadyUsed:
    """Return what's raised for an answer that can't be given again."""
    return AlreadyUsed(f"{HEADER}: its answer held a secret, which was shown once; use a fresh key")


async def send_again(status: int, body: bytes, send: Send) -> None:
    """Give a kept answer again, and say so."""
    headers = [(b"content-type", b"application/json"), (b"idempotent-replayed", b"true")]
    if body:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
