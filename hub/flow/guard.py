"""Two machines that answer each other would go on for ever: who seems to be one is left alone for a while."""

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass

from hub.ports import Clock
from hub.records import Address, Incoming, Text

SAME = 10
"""The same words so often, each time in quick succession, and it's a loop."""
QUICK = 5.0
ANSWERS = 120
"""So many of our messages in a row, each answered within a second, and it's a loop whatever the words are."""
AT_ONCE = 1.0
PAUSE = 120.0
REMEMBERED = 10_000

Who = tuple[str, str, str]


@dataclass
class _Seen:
    text: str = ""
    at: float = 0.0
    same: int = 0
    answers: int = 0
    paused_until: float = 0.0


class Guard:
    """Notices loops."""

    def __init__(self, clock: Clock, bridges: Collection[str]) -> None:
        self._clock = clock
        self._bridges = bridges
        """Where machines may be on the other side; over HTTP it's a person's own program, which has a key."""
        self._seen: OrderedDict[Who, _Seen] = OrderedDict()
        self._said: OrderedDict[tuple[str, str], float] = OrderedDict()

    def said(self, to: Address) -> None:
        """Take note that the hub has said something there."""
        self._said[to.bridge, to.chat] = self._clock.monotonic()
        self._said.move_to_end((to.bridge, to.chat))
        if len(self._said) > REMEMBERED:
            self._said.popitem(last=False)

    def paused(self, incoming: Incoming) -> bool:
        """Say whether the sender isn't listened to for now."""
        seen = self._seen.get(_who(incoming))
        return seen is not None and seen.paused_until > self._clock.monotonic()

    def heard(self, incoming: Incoming) -> bool:
        """Count a message that was kept; return True if it shows a loop: the sender is paused from now on."""
        if incoming.address.bridge not in self._bridges:
            return False
        now = self._clock.monotonic()
        seen = self._seen.setdefault(_who(incoming), _Seen())
        self._seen.move_to_end(_who(incoming))
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        said_at = self._said.pop((incoming.address.bridge, incoming.address.chat), None)
        at_once = said_at is not None and now - said_at <= AT_ONCE
        text = "\n".join(part.text if isinstance(part, Text) else part.sha256 for part in incoming.parts)
        again = text == seen.text and (at_once or now - seen.at <= QUICK)
        seen.same = seen.same + 1 if again else 1
        seen.answers = seen.answers + 1 if at_once else 0
        seen.text, seen.at = text, now
        if seen.same < SAME and seen.answers < ANSWERS:
            return False
        self._seen[_who(incoming)] = _Seen(paused_until=now + PAUSE)
        return True


def _who(incoming: Incoming) -> Who:
    return incoming.address.bridge, incoming.address.chat, incoming.sender
