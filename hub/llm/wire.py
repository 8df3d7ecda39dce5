"""What the hub and the model's process say to each other: msgpack frames, each after its length in four bytes."""

import struct
from collections.abc import Callable

import msgspec
from msgspec import Struct

from hub.ports import End, Said, Score, Terms

LARGEST = 64 * 1024 * 1024
"""Bytes of a frame; more can only be garbage."""

_LENGTH = struct.Struct("<I")
_encoder = msgspec.msgpack.Encoder()

# --- the hub says


class Load(Struct, frozen=True, kw_only=True, tag="load"):
    """Get this model ready. The first frame, and said once."""

    path: str
    sha256: str
    """What the file must be; empty: anything."""
    known: str = ""
    """The file's SHA-256 if it was taken before and the file hasn't changed since."""
    context: int
    threads: int
    """0: as many as pay."""
    plain: bool = False
    """Leave the processor's special units alone, for which llama.cpp lays the weights out anew."""
    mmproj: str = ""
    """The file that lets it see images, if there's one."""
    memory_mb: int = 0
    """What the process may take; 0: what it needs."""
    measured: tuple[int, float] | None = None
    """Threads and tokens per second, if they were measured before."""
    reader: str = ""
    """A reader's file to load beside it; empty: none."""
    reader_sha256: str = ""
    """What that file must be; empty: anything."""


class Asked(Struct, frozen=True, kw_only=True):
    """What every request carries."""

    id: int
    ask: Terms


class Chat(Asked, frozen=True, kw_only=True, tag="chat"):
    """Answer in pieces."""

    prompt: tuple[Said, ...]
    limit: int
    temperature: float


class Decide(Asked, frozen=True, kw_only=True, tag="decide"):
    """Weigh the options as the assistant's next words after the lead."""

    prompt: tuple[Said, ...]
    options: tuple[str, ...]
    lead: str


class Fill(Asked, frozen=True, kw_only=True, tag="fill"):
    """Write JSON that fits the schema."""

    prompt: tuple[Said, ...]
    schema: str
    lead: str
    limit: int
    temperature: float = 0.0


class ScorePairs(Asked, frozen=True, kw_only=True, tag="score"):
    """Score each (prefix, continuation)."""

    pairs: tuple[tuple[str, str], ...]


class Embed(Asked, frozen=True, kw_only=True, tag="embed"):
    """Give each text a vector."""

    texts: tuple[str, ...]


class Match(Asked, frozen=True, kw_only=True, tag="match"):
    """Let the reader say which of the texts a message belongs to."""

    message: str
    texts: tuple[str, ...]


class Count(Struct, frozen=True, kw_only=True, tag="count"):
    """Count a prompt's tokens."""

    id: int
    prompt: tuple[Said, ...]


class Cancel(Struct, frozen=True, kw_only=True, tag="cancel"):
    """Drop a request, at once and without an answer."""

    id: int


Work = Chat | Decide | Fill | ScorePairs
Request = Work | Embed | Match | Count
Order = Load | Request | Cancel

# --- the model's process says


class Loaded(Struct, frozen=True, kw_only=True, tag="loaded"):
    """Requests may come."""

    context: int
    sha256: str
    threads: int
    tokens_per_second: float
    dimensions: int = 0
    sees: bool = False


class Failed(Struct, frozen=True, kw_only=True, tag="failed"):
    """The model can't be used; the process ends."""

    detail: str
    sha256: str = ""


class Tuned(Struct, frozen=True, tag="tuned"):
    """Other threads than before: others on the machine need its cores, or don't any more."""

    threads: int


class Beat(Struct, frozen=True, tag="beat"):
    """Still at work."""


class Wrote(Struct, frozen=True, kw_only=True, tag="wrote"):
    """More text of an answer."""

    id: int
    text: str


class Ended(Struct, frozen=True, kw_only=True, tag="ended"):
    """An answer, or JSON being written, is over."""

    id: int
    end: End


class Weighed(Struct, frozen=True, kw_only=True, tag="weighed"):
    """One score for each option or pair, in order, and how many tokens were evaluated for them."""

    id: int
    scores: tuple[Score, ...]
    tokens: int


class Vectors(Struct, frozen=True, kw_only=True, tag="vectors"):
    """One vector for each text, in order, and how many tokens were evaluated for them."""

    id: int
    vectors: tuple[tuple[float, ...], ...]
    tokens: int


class Matched(Struct, frozen=True, kw_only=True, tag="matched"):
    """The logits of each text and last of none, and how many tokens were read."""

    id: int
    logits: tuple[float, ...]
    tokens: int


class Counted(Struct, frozen=True, kw_only=True, tag="counted"):
    """A prompt's tokens."""

    id: int
    tokens: int


class Overflow(Struct, frozen=True, kw_only=True, tag="overflow"):
    """The request doesn't fit into the context."""

    id: int
    tokens: int
    context: int


class Late(Struct, frozen=True, kw_only=True, tag="late"):
    """The request's deadline passed."""

    id: int


class Fault(Struct, frozen=True, kw_only=True, tag="fault"):
    """The request can't be served; the text says why."""

    id: int
    text: str


Served = Ended | Weighed | Vectors | Matched
Good = Wrote | Served | Counted
Answer = Good | Overflow | Late | Fault
Report = Loaded | Failed | Tuned | Beat | Answer

_orders: msgspec.msgpack.Decoder[Order] = msgspec.msgpack.Decoder(Order)
_reports: msgspec.msgpack.Decoder[Report] = msgspec.msgpack.Decoder(Report)


def frame(said: Order | Report) -> bytes:
    """Return a frame's bytes."""
    body = _encoder.encode(said)
    return _LENGTH.pack(len(body)) + body


def length(header: bytes) -> int:
    """Return how many bytes come after a header of four; raises ValueError if it can't be one."""
    (count,) = _LENGTH.unpack(header)
    if count > LARGEST:
        raise ValueError(f"a frame of {count} bytes")
    return int(count)


def report(body: bytes) -> Report:
    """Read what the model's process said; raises msgspec.DecodeError."""
    return _reports.decode(body)


def read_order(read: Callable[[int], bytes]) -> Order | None:
    """Read what the hub said from a blocking stream; None at its end."""
    header = read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        return None
    count = length(header)
    body = read(count)
    return _orders.decode(body) if len(body) == count else None
