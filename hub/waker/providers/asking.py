"""How providers are asked over HTTP: JSON out, JSON in, faults in words that show no secret."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpcore
import msgspec
from msgspec import Struct

from hub.waker.providers import ProviderFault, Uncertain

PATIENCE = 30.0
LARGEST = 4 << 20
"""Bytes of an answer."""
SHOWN = 200
HIDDEN = "(hidden)"


class Answered(Struct, frozen=True, kw_only=True):
    """A whole answer."""

    status: int
    body: bytes

    def json(self, kind: Any = Any) -> Any:
        """Return the body as what it should be; raises ProviderFault."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except msgspec.MsgspecError as error:
            raise ProviderFault(f"its provider's answer can't be read ({error})") from None


class Asking:
    """Asks one provider."""

    def __init__(self, who: str, secret: str) -> None:
        """`who` names it in faults; `secret` is never shown in one."""
        self._who = who
        self._secret = secret
        self._pool = httpcore.AsyncConnectionPool(max_connections=4, keepalive_expiry=20.0)

    async def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answered:
        """Return what it answers, whatever its status; raises ProviderFault, or Uncertain if that's lost."""
        sent = {"Host": urlsplit(url).netloc, "Content-Length": str(len(body)), "Accept": "application/json", **headers}
        waits = {"connect": 5.0, "read": PATIENCE, "write": PATIENCE, "pool": PATIENCE}
        try:
            async with self._pool.stream(
                method,
                url,
                headers=[(name.encode("ascii"), value.encode()) for name, value in sent.items()],
                content=body,
                extensions={"timeout": waits},
            ) as answer:
                return Answered(status=answer.status, body=await self._read(answer))
        except (
            httpcore.ConnectError,
            httpcore.ConnectTimeout,
            httpcore.PoolTimeout,
            httpcore.UnsupportedProtocol,
        ) as e:
            raise ProviderFault(f"{self._who} can't be asked ({type(e).__name__})") from None
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as e:
            raise Uncertain(f"{self._who}: its answer was lost ({type(e).__name__})") from None

    def refused(self, what: str, answer: Answered) -> ProviderFault:
        """Return an answer that isn't a yes as the fault it is."""
        said = answer.body[:4096].decode(errors="replace").strip()
        if self._secret:
            said = said.replace(self._secret, HIDDEN)
        kind = Uncertain if answer.status >= 500 else ProviderFault
        return kind(f"{self._who}: {what} was answered with {answer.status}: {said[:SHOWN]}")

    async def close(self) -> None:
        await self._pool.aclose()

    async def _read(self, answer: httpcore.Response) -> bytes:
        parts, size = [], 0
        async for part in answer.aiter_stream():
            parts.append(part)
            size += len(part)
            if size > LARGEST:
                raise ProviderFault(f"{self._who}: its answer has more than {LARGEST} bytes")
        return b"".join(parts)
