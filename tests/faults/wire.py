"""What a platform outside and the bridge inside the hub tell each other: a line of JSON each."""

import asyncio
from typing import TypeVar

import msgspec
from msgspec import Struct

Line = TypeVar("Line", bound=Struct)


class Said(Struct, frozen=True, kw_only=True, tag="said"):
    """To the hub: somebody said this. It's said again after each reconnection until it's kept or refused."""

    id: str
    chat: str
    text: str
    thread: str | None = None
    corrects: str | None = None
    reply_to: str | None = None


class Received(Struct, frozen=True, kw_only=True, tag="received"):
    """To the hub: a delivery is on record."""

    number: int


class Kept(Struct, frozen=True, kw_only=True, tag="kept"):
    """From the hub: it answers for this message from now on."""

    id: str


class Refused(Struct, frozen=True, kw_only=True, tag="refused"):
    """From the hub: not taken, and whether it may be handed over again later."""

    id: str
    why: str
    later: bool


class Deliver(Struct, frozen=True, kw_only=True, tag="deliver"):
    """From the hub: something for a chat."""

    number: int
    message: str
    answers: str | None
    role: str
    chat: str
    text: str
    again: bool
    id: str
    """What the platform calls it."""


class TakeBack(Struct, frozen=True, kw_only=True, tag="take-back"):
    """From the hub: these aren't to be read any more."""

    number: int
    ids: tuple[str, ...]


ToHub = Said | Received
FromHub = Kept | Refused | Deliver | TakeBack
TO_HUB: msgspec.json.Decoder[ToHub] = msgspec.json.Decoder(ToHub)
FROM_HUB: msgspec.json.Decoder[FromHub] = msgspec.json.Decoder(FromHub)
LONGEST = 4 << 20


def write(writer: asyncio.StreamWriter, line: ToHub | FromHub) -> None:
    """Send one line."""
    writer.write(msgspec.json.encode(line) + b"\n")
