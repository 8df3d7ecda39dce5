"""What happens at the hub, as it's streamed: server-sent events, read without a network, and where to go on.

A stream that breaks is taken up where it stopped: each kept event comes once, in order. Pieces of an answer that's
being written (`delta`) aren't kept, so a break may swallow some; the `reply` has all of it.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec
from msgspec import Struct

from agenthost_client.errors import NotNow, NotUnderstood, Refused, TooMany, Unreachable
from agenthost_client.records import Approval, Message, Task, Turn
from agenthost_client.trying import Pauses


class Hello(Struct, frozen=True, kw_only=True):
    """The stream has begun; `last` is the newest event that's kept."""

    last: int


class Delta(Struct, frozen=True, kw_only=True):
    """Some more of an answer that's being written; all of it so far where `whole` is true."""

    task: str
    turn: str
    message: str | None
    text: str
    whole: bool = False


Data: TypeAlias = Message | Task | Turn | Approval | Delta | Hello | None

KINDS: Mapping[str, object] = {
    "hello": Hello,
    "delta": Delta,
    "task": Task | None,
    "turn": Turn | None,
    "approval": Approval | None,
    **dict.fromkeys(("message", "route", "reply", "notice", "delivery"), Message | None),
}


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened. `data` is what it's about as it stands now, None if that's gone or of no known kind."""

    kind: str
    data: Data
    id: str | None = None
    """What `after` takes to go on from here; None: it isn't kept."""


class Reader:
    """Makes events of a stream's lines, knows from where to go on, and how long to wait after the stream broke."""

    def __init__(self, after: str | None, patience: float, clock: Callable[[], float]) -> None:
        self.last = after
        """The id of the last event that was read."""
        self._patience = patience
        self._clock = clock
        self._pauses = Pauses(patience, clock)
        self._kind = ""
        self._id: str | None = None
        self._data: list[str] = []

    def begin(self) -> dict[str, str]:
        """Return the headers that a stream is asked for with; what was read in part is forgotten."""
        self._clear()
        return {"Accept": "text/event-stream", **({} if self.last is None else {"Last-Event-ID": self.last})}

    def broken(self, error: Exception | None) -> float:
        """Return the seconds until the stream is asked for again; without an error, the hub has ended it.

        Raises the error if it won't go away, and Unreachable once patience is over: no event came for so long.
        """
        if isinstance(error, Refused) and not isinstance(error, TooMany | NotNow):
            raise error
        pause = self._pauses.next(error.retry_after or 0.0 if isinstance(error, Refused) else 0.0)
        if pause is None:
            raise Unreachable(f"the hub's events can't be had ({error or 'they end at once'})") from error
        return pause

    def line(self, line: str) -> Event | None:
        """Take a line without its end; return the event that it ends, if it does. Raises NotUnderstood."""
        if not line:
            return self._end()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                self._kind = value
            case "data":
                self._data.append(value)
            case "id":
                self._id = value
        return None

    def _end(self) -> Event | None:
        kind, id, data = self._kind, self._id, "\n".join(self._data)
        self._clear()
        if not kind or not data:
            return None
        event = Event(kind=kind, id=id, data=_decoded(kind, data))
        self._pauses = Pauses(self._patience, self._clock)
        if id is not None:
            self.last = id
        elif isinstance(event.data, Hello) and self.last is None:
            # Nothing came yet: a stream that breaks now goes on from here, not from whenever it's back.
            self.last = str(event.data.last)
        return event

    def _clear(self) -> None:
        self._kind, self._id, self._data = "", None, []


def _decoded(kind: str, data: str) -> Data:
    known = KINDS.get(kind)
    if known is None:
        return None
    try:
        return msgspec.json.decode(data, type=known)  # type: ignore[no-any-return]
    except msgspec.MsgspecError as error:
        raise NotUnderstood(
            f"event {kind}: isn't as this client knows it ({error}); use one of the hub's version"
        ) from None
